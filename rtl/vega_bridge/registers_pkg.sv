// SPDX-License-Identifier: Apache-2.0
//
// Generated from rtl/vega_bridge/edge_qlora.rdl by rtl/vega_bridge/generate.py; do not edit.
// Keeps addresses, field positions and reset values of the control registers out of hand-written RTL.
package registers_pkg;
  // The package holds the whole map; no module needs all of it.
  /* verilator lint_off UNUSEDPARAM */
  localparam int WindowBits = 12;

  // Tells that the accelerator is there.
  localparam [11:0] IdOffset = 12'h000;
  localparam [31:0] IdReset = 32'h45514c52;

  // Version of the register map and of the commands (semantic versioning).
  localparam [11:0] VersionOffset = 12'h004;
  localparam [31:0] VersionReset = 32'h00000400;
  localparam int VersionPatchLsb = 0;
  localparam int VersionPatchWidth = 8;
  localparam int VersionMinorLsb = 8;
  localparam int VersionMinorWidth = 8;
  localparam int VersionMajorLsb = 16;
  localparam int VersionMajorWidth = 16;

  // Geometry and abilities of the array, set by the parameters of the RTL.
  localparam [11:0] Capability0Offset = 12'h008;
  localparam int Capability0ColumnsLsb = 0;
  localparam int Capability0ColumnsWidth = 8;
  localparam int Capability0ActWidthLsb = 8;
  localparam int Capability0ActWidthWidth = 8;
  localparam int Capability0BusWidthLsb = 16;
  localparam int Capability0BusWidthWidth = 3;
  localparam int Capability0BackwardLsb = 24;
  localparam int Capability0BackwardWidth = 1;

  // Size of the scratchpad, set by the parameters of the RTL.
  localparam [11:0] Capability1Offset = 12'h00c;

  // Limits of a MATRIX command, set by the parameters of the RTL.
  localparam [11:0] Capability2Offset = 12'h010;
  localparam int Capability2NestedDepthLsb = 0;
  localparam int Capability2NestedDepthWidth = 16;
  localparam int Capability2MaxRowsLsb = 16;
  localparam int Capability2MaxRowsWidth = 16;

  // Lists ended without error since reset or CONTROL.clear_counters, modulo 2^32.
  localparam [11:0] ListsDoneOffset = 12'h014;
  localparam [31:0] ListsDoneReset = 32'h00000000;

  // Requests.
  localparam [11:0] ControlOffset = 12'h018;
  localparam [31:0] ControlReset = 32'h00000000;
  localparam int ControlDoorbellLsb = 0;
  localparam int ControlDoorbellWidth = 1;
  localparam int ControlClearCountersLsb = 1;
  localparam int ControlClearCountersWidth = 1;

  // State of the last list, for polling.
  localparam [11:0] StatusOffset = 12'h01c;
  localparam [31:0] StatusReset = 32'h00000000;
  localparam int StatusBusyLsb = 0;
  localparam int StatusBusyWidth = 1;
  localparam int StatusDoneLsb = 1;
  localparam int StatusDoneWidth = 1;
  localparam int StatusErrorLsb = 2;
  localparam int StatusErrorWidth = 1;

  // Events since they were last cleared, whether enabled or not.
  localparam [11:0] IrqStatusOffset = 12'h020;
  localparam [31:0] IrqStatusReset = 32'h00000000;
  localparam int IrqStatusDoneLsb = 0;
  localparam int IrqStatusDoneWidth = 1;
  localparam int IrqStatusErrorLsb = 1;
  localparam int IrqStatusErrorWidth = 1;
  localparam int IrqStatusNonfiniteLsb = 2;
  localparam int IrqStatusNonfiniteWidth = 1;

  // The interrupt line is high while IRQ_STATUS & IRQ_ENABLE is not zero.
  localparam [11:0] IrqEnableOffset = 12'h024;
  localparam [31:0] IrqEnableReset = 32'h00000000;
  localparam int IrqEnableDoneLsb = 0;
  localparam int IrqEnableDoneWidth = 1;
  localparam int IrqEnableErrorLsb = 1;
  localparam int IrqEnableErrorWidth = 1;
  localparam int IrqEnableNonfiniteLsb = 2;
  localparam int IrqEnableNonfiniteWidth = 1;

  // First error since the last accepted doorbell.
  localparam [11:0] ErrorCodeOffset = 12'h028;
  localparam [31:0] ErrorCodeReset = 32'h00000000;
  localparam int ErrorCodeCodeLsb = 0;
  localparam int ErrorCodeCodeWidth = 8;

  // 32 bits of what ERROR_CODE says more: the address of the access, or the number of the semaphore.
  localparam [11:0] ErrorInfoLoOffset = 12'h030;
  localparam [31:0] ErrorInfoLoReset = 32'h00000000;

  // 32 bits of what ERROR_CODE says more: the address of the access, or the number of the semaphore.
  localparam [11:0] ErrorInfoHiOffset = 12'h034;
  localparam [31:0] ErrorInfoHiReset = 32'h00000000;

  // Byte address of the list of commands, taken when the doorbell is rung.
  localparam [11:0] ListAddrLoOffset = 12'h038;
  localparam [31:0] ListAddrLoReset = 32'h00000000;

  // Bits 63:32 of the address.
  localparam [11:0] ListAddrHiOffset = 12'h03c;
  localparam [31:0] ListAddrHiReset = 32'h00000000;

  // First byte address the accelerator may touch.
  localparam [11:0] MemBaseLoOffset = 12'h040;
  localparam [31:0] MemBaseLoReset = 32'h00000000;

  // Bits 63:32 of the address.
  localparam [11:0] MemBaseHiOffset = 12'h044;
  localparam [31:0] MemBaseHiReset = 32'h00000000;

  // First byte address behind the allowed window.
  localparam [11:0] MemLimitLoOffset = 12'h048;
  localparam [31:0] MemLimitLoReset = 32'h00000000;

  // Bits 63:32 of the address.
  localparam [11:0] MemLimitHiOffset = 12'h04c;
  localparam [31:0] MemLimitHiReset = 32'h00000000;

  // 32 bits of the byte address of the command that ERROR_CODE belongs to.
  localparam [11:0] ErrorCommandLoOffset = 12'h050;
  localparam [31:0] ErrorCommandLoReset = 32'h00000000;

  // 32 bits of the byte address of the command that ERROR_CODE belongs to.
  localparam [11:0] ErrorCommandHiOffset = 12'h054;
  localparam [31:0] ErrorCommandHiReset = 32'h00000000;

  // Clock cycles in which a list was running.
  localparam [11:0] CyclesBusyLoOffset = 12'h100;
  localparam [31:0] CyclesBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] CyclesBusyHiOffset = 12'h104;
  localparam [31:0] CyclesBusyHiReset = 32'h00000000;

  // Vector slots of the array that carried an activation vector.
  localparam [11:0] MacVectorsLoOffset = 12'h108;
  localparam [31:0] MacVectorsLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] MacVectorsHiOffset = 12'h10c;
  localparam [31:0] MacVectorsHiReset = 32'h00000000;

  // Vector slots of the array, used or not, while a MATRIX command computed.
  localparam [11:0] MacSlotsLoOffset = 12'h110;
  localparam [31:0] MacSlotsLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] MacSlotsHiOffset = 12'h114;
  localparam [31:0] MacSlotsHiReset = 32'h00000000;

  // Data beats read from memory.
  localparam [11:0] ReadBeatsLoOffset = 12'h118;
  localparam [31:0] ReadBeatsLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] ReadBeatsHiOffset = 12'h11c;
  localparam [31:0] ReadBeatsHiReset = 32'h00000000;

  // Data beats written to memory.
  localparam [11:0] WriteBeatsLoOffset = 12'h120;
  localparam [31:0] WriteBeatsLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] WriteBeatsHiOffset = 12'h124;
  localparam [31:0] WriteBeatsHiReset = 32'h00000000;

  // Cycles in which the array waited for weights.
  localparam [11:0] WeightStallLoOffset = 12'h128;
  localparam [31:0] WeightStallLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] WeightStallHiOffset = 12'h12c;
  localparam [31:0] WeightStallHiReset = 32'h00000000;

  // Cycles in which the array waited for activations.
  localparam [11:0] ActStallLoOffset = 12'h130;
  localparam [31:0] ActStallLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] ActStallHiOffset = 12'h134;
  localparam [31:0] ActStallHiReset = 32'h00000000;

  // Cycles in which a LOAD command was in its engine.
  localparam [11:0] LoadBusyLoOffset = 12'h138;
  localparam [31:0] LoadBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] LoadBusyHiOffset = 12'h13c;
  localparam [31:0] LoadBusyHiReset = 32'h00000000;

  // Cycles in which a LOAD command waited for a semaphore and none was in its engine.
  localparam [11:0] LoadWaitLoOffset = 12'h140;
  localparam [31:0] LoadWaitLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] LoadWaitHiOffset = 12'h144;
  localparam [31:0] LoadWaitHiReset = 32'h00000000;

  // Cycles in which a MATRIX command was in its engine.
  localparam [11:0] MatrixBusyLoOffset = 12'h148;
  localparam [31:0] MatrixBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] MatrixBusyHiOffset = 12'h14c;
  localparam [31:0] MatrixBusyHiReset = 32'h00000000;

  // Cycles in which a MATRIX command waited for a semaphore and none was in its engine.
  localparam [11:0] MatrixWaitLoOffset = 12'h150;
  localparam [31:0] MatrixWaitLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] MatrixWaitHiOffset = 12'h154;
  localparam [31:0] MatrixWaitHiReset = 32'h00000000;

  // Cycles in which a VECTOR command was in its engine.
  localparam [11:0] VectorBusyLoOffset = 12'h158;
  localparam [31:0] VectorBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] VectorBusyHiOffset = 12'h15c;
  localparam [31:0] VectorBusyHiReset = 32'h00000000;

  // Cycles in which a VECTOR command waited for a semaphore and none was in its engine.
  localparam [11:0] VectorWaitLoOffset = 12'h160;
  localparam [31:0] VectorWaitLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] VectorWaitHiOffset = 12'h164;
  localparam [31:0] VectorWaitHiReset = 32'h00000000;

  // Cycles in which a READ command was in its engine.
  localparam [11:0] ReadBusyLoOffset = 12'h168;
  localparam [31:0] ReadBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] ReadBusyHiOffset = 12'h16c;
  localparam [31:0] ReadBusyHiReset = 32'h00000000;

  // Cycles in which a READ command waited for a semaphore and none was in its engine.
  localparam [11:0] ReadWaitLoOffset = 12'h170;
  localparam [31:0] ReadWaitLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] ReadWaitHiOffset = 12'h174;
  localparam [31:0] ReadWaitHiReset = 32'h00000000;

  // Cycles in which a WRITE command was in its engine.
  localparam [11:0] WriteBusyLoOffset = 12'h178;
  localparam [31:0] WriteBusyLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] WriteBusyHiOffset = 12'h17c;
  localparam [31:0] WriteBusyHiReset = 32'h00000000;

  // Cycles in which a WRITE command waited for a semaphore and none was in its engine.
  localparam [11:0] WriteWaitLoOffset = 12'h180;
  localparam [31:0] WriteWaitLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] WriteWaitHiOffset = 12'h184;
  localparam [31:0] WriteWaitHiReset = 32'h00000000;

  // Cycles in which a LOAD command had to wait because the array had not taken enough weights.
  localparam [11:0] LoadFullLoOffset = 12'h188;
  localparam [31:0] LoadFullLoReset = 32'h00000000;

  // Bits 63:32 at the last read of the LO register.
  localparam [11:0] LoadFullHiOffset = 12'h18c;
  localparam [31:0] LoadFullHiReset = 32'h00000000;

  // Values of CAPABILITY0.bus_width.
  localparam [2:0] Capability0Bits64 = 3'd0;
  localparam [2:0] Capability0Bits128 = 3'd1;
  localparam [2:0] Capability0Bits256 = 3'd2;
  localparam [2:0] Capability0Bits512 = 3'd3;

  // Values of ERROR_CODE.code.
  localparam [7:0] ErrorCodeNone = 8'd0;
  localparam [7:0] ErrorCodeCommand = 8'd1;
  localparam [7:0] ErrorCodeField = 8'd2;
  localparam [7:0] ErrorCodeRange = 8'd3;
  localparam [7:0] ErrorCodeStream = 8'd4;
  localparam [7:0] ErrorCodeSemaphore = 8'd5;
  localparam [7:0] ErrorCodeDeadlock = 8'd6;
  localparam [7:0] ErrorCodeAlignment = 8'd7;
  localparam [7:0] ErrorCodeAxiRead = 8'd8;
  localparam [7:0] ErrorCodeAxiWrite = 8'd9;
  localparam [7:0] ErrorCodeNonfinite = 8'd10;
  localparam [7:0] ErrorCodeBusy = 8'd11;

  // 64-bit counters as LO/HI pairs from CounterOffset on; positions in the core's counter vector.
  localparam int CounterCount = 18;
  localparam [11:0] CounterOffset = CyclesBusyLoOffset;
  localparam int CounterCyclesBusy = 0;
  localparam int CounterMacVectors = 1;
  localparam int CounterMacSlots = 2;
  localparam int CounterReadBeats = 3;
  localparam int CounterWriteBeats = 4;
  localparam int CounterWeightStall = 5;
  localparam int CounterActStall = 6;
  localparam int CounterLoadBusy = 7;
  localparam int CounterLoadWait = 8;
  localparam int CounterMatrixBusy = 9;
  localparam int CounterMatrixWait = 10;
  localparam int CounterVectorBusy = 11;
  localparam int CounterVectorWait = 12;
  localparam int CounterReadBusy = 13;
  localparam int CounterReadWait = 14;
  localparam int CounterWriteBusy = 15;
  localparam int CounterWriteWait = 16;
  localparam int CounterLoadFull = 17;
  /* verilator lint_on UNUSEDPARAM */
endpackage : registers_pkg
