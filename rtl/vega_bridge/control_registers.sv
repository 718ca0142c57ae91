// SPDX-License-Identifier: Apache-2.0
//
// Control registers of the accelerator behind a 32-bit register bus.
//
// Why: it is the whole contract between host and core. Addresses and reset values come from registers_pkg, which is
// made from edge_qlora.rdl; the block itself is written by hand so that every tool of the flow reads it, and a test
// holds it against the RDL bit by bit.
//
// The core starts a list on doorbell_o and ends it with exactly one cycle of either done_i or error_i. From the doorbell
// to that cycle the list counts as running, whatever the delay of busy_i, and further doorbells are rejected.
//
// Latency: an access takes effect one cycle after it is shown, and is answered one cycle later. Throughput: one access in
// three cycles. irq_o follows
// IRQ_STATUS and IRQ_ENABLE by one cycle, so it is low before the response to the write that cleared it.

module control_registers #(
  // Columns of the array, 1 to 255.
  parameter int COLUMNS = 2,
  // Bits of an activation mantissa.
  parameter int ACT_W = 25,
  // Width of the memory bus in bits: 64, 128, 256 or 512.
  parameter int BUS_W = 64,
  // Width of an address of the scratchpad, in words of 8 values.
  parameter int SCRATCH_W = 13,
  // Most rows of a MATRIX command.
  parameter int MAX_ROWS = 16,
  // Entries of the nested-absmax table.
  parameter int NESTED_DEPTH = 256,
  // 1: codes in T mode.
  parameter int BACKWARD = 1
) (
  input  logic         clk_i,
  input  logic         rst_ni,

  // Register bus, see axi_slave.
  input  logic         reg_valid_i,
  output logic         reg_ready_o,
  input  logic         reg_write_i,
  input  logic [registers_pkg::WindowBits-1:0] reg_addr_i,
  input  logic [31:0]  reg_wdata_i,
  input  logic [3:0]   reg_wstrb_i,
  output logic [31:0]  reg_rdata_o,
  // Nothing is mapped there, a write to a read-only register, or a write to settings while a list runs.
  output logic         reg_error_o,

  // One cycle: start a list. list_addr_o is valid in this cycle; the host may change it later.
  output logic         doorbell_o,
  // One cycle: set all counters to zero. May come at any time, also together with doorbell_o.
  output logic         clear_counters_o,
  output logic [63:0]  list_addr_o,
  // Allowed memory: mem_base_o <= address < mem_limit_o. Stable while a list runs.
  output logic [63:0]  mem_base_o,
  output logic [63:0]  mem_limit_o,

  // The core works on a list. Must be low in the second cycle after done_i or error_i at the latest.
  input  logic         busy_i,
  // One cycle at the end of a list that went well.
  input  logic         done_i,
  // One cycle at the end of a list that did not; code (a registers_pkg::ErrorCode*), command and info are taken with it.
  input  logic         error_i,
  input  logic [7:0]   error_code_i,
  input  logic [63:0]  error_command_i,
  input  logic [63:0]  error_info_i,
  // One cycle: a NaN or an infinity was seen; a warning, the list goes on.
  input  logic         nonfinite_i,
  // 64-bit counters, number registers_pkg::Counter<Name> in bits [number*64 +: 64].
  input  logic [registers_pkg::CounterCount*64-1:0] counters_i,

  // Level interrupt.
  output logic         irq_o
);

  localparam int AddrW = registers_pkg::WindowBits;
  localparam int CounterCount = registers_pkg::CounterCount;
  localparam int CounterIndexW = $clog2(CounterCount);
  localparam int IrqCount = 3;

  localparam logic [31:0] Capability0 =
      (32'(COLUMNS) << registers_pkg::Capability0ColumnsLsb) |
      (32'(ACT_W) << registers_pkg::Capability0ActWidthLsb) |
      (32'($clog2(BUS_W / 64)) << registers_pkg::Capability0BusWidthLsb) |
      (32'(BACKWARD != 0) << registers_pkg::Capability0BackwardLsb);
  localparam logic [31:0] Capability1 = 32'd1 << SCRATCH_W;
  localparam logic [31:0] Capability2 =
      (32'(NESTED_DEPTH) << registers_pkg::Capability2NestedDepthLsb) |
      (32'(MAX_ROWS) << registers_pkg::Capability2MaxRowsLsb);

  // State of the list.
  logic active_q, done_q, error_q;
  logic [7:0] error_code_q;
  logic [63:0] error_command_q, error_info_q;
  logic [31:0] lists_done_q;
  logic [IrqCount-1:0] irq_status_q, irq_enable_q, irq_set, irq_clear;
  // Settings.
  logic [31:0] list_addr_lo_q, list_addr_hi_q, mem_base_lo_q, mem_base_hi_q, mem_limit_lo_q, mem_limit_hi_q;
  // Upper halves of the counters as of the last read of their lower halves.
  logic [CounterCount*32-1:0] counter_high_q;

  logic [AddrW-1:0] offset_q;
  logic [CounterIndexW-1:0] counter_index;
  logic is_counter;
  logic mapped, writable, locked;
  logic access_q, write_q, read, busy;
  logic [31:0] wdata_q;
  logic [3:0] wstrb_q;
  logic [31:0] rdata, write_mask, write_bits;
  logic [31:0] status, error_command_lo, error_command_hi, error_info_lo, error_info_hi, counter_value;
  logic control_write, ring, accepted, rejected, clear;

  // The second of the three cycles of an access: here it takes effect.
  assign read = access_q && !write_q;
  assign write_mask = {{8{wstrb_q[3]}}, {8{wstrb_q[2]}}, {8{wstrb_q[1]}}, {8{wstrb_q[0]}}};
  assign write_bits = wdata_q & write_mask;
  assign busy = active_q || busy_i;

  // The first: whoever asks has chosen among words and directions.
  always_ff @(posedge clk_i) begin
    access_q <= rst_ni && reg_valid_i && !access_q && !reg_ready_o;
    write_q <= reg_write_i;
    offset_q <= {reg_addr_i[AddrW-1:2], 2'b00};
    wdata_q <= reg_wdata_i;
    wstrb_q <= reg_wstrb_i;
  end

  assign counter_index = offset_q[3+:CounterIndexW];
  assign is_counter = offset_q[AddrW-1:3+CounterIndexW] ==
                      registers_pkg::CounterOffset[AddrW-1:3+CounterIndexW] &&
                      counter_index < CounterIndexW'(CounterCount);

  assign counter_value = offset_q[2] ? counter_high_q[counter_index*32+:32] : counters_i[counter_index*64+:32];
  assign error_command_lo = error_command_q[31:0];
  assign error_command_hi = error_command_q[63:32];
  assign error_info_lo = error_info_q[31:0];
  assign error_info_hi = error_info_q[63:32];
  assign status = (32'(busy) << registers_pkg::StatusBusyLsb) | (32'(done_q) << registers_pkg::StatusDoneLsb) |
                  (32'(error_q) << registers_pkg::StatusErrorLsb);

  // What each register reads as.
  always_comb begin
    mapped = 1'b1;
    case (offset_q)
      registers_pkg::IdOffset: rdata = registers_pkg::IdReset;
      registers_pkg::VersionOffset: rdata = registers_pkg::VersionReset;
      registers_pkg::Capability0Offset: rdata = Capability0;
      registers_pkg::Capability1Offset: rdata = Capability1;
      registers_pkg::Capability2Offset: rdata = Capability2;
      registers_pkg::ListsDoneOffset: rdata = lists_done_q;
      registers_pkg::ControlOffset: rdata = '0;
      registers_pkg::StatusOffset: rdata = status;
      registers_pkg::IrqStatusOffset: rdata = 32'(irq_status_q);
      registers_pkg::IrqEnableOffset: rdata = 32'(irq_enable_q);
      registers_pkg::ErrorCodeOffset: rdata = 32'(error_code_q);
      registers_pkg::ErrorInfoLoOffset: rdata = error_info_lo;
      registers_pkg::ErrorInfoHiOffset: rdata = error_info_hi;
      registers_pkg::ErrorCommandLoOffset: rdata = error_command_lo;
      registers_pkg::ErrorCommandHiOffset: rdata = error_command_hi;
      registers_pkg::ListAddrLoOffset: rdata = list_addr_lo_q;
      registers_pkg::ListAddrHiOffset: rdata = list_addr_hi_q;
      registers_pkg::MemBaseLoOffset: rdata = mem_base_lo_q;
      registers_pkg::MemBaseHiOffset: rdata = mem_base_hi_q;
      registers_pkg::MemLimitLoOffset: rdata = mem_limit_lo_q;
      registers_pkg::MemLimitHiOffset: rdata = mem_limit_hi_q;
      default: begin
        mapped = is_counter;
        rdata = is_counter ? counter_value : '0;
      end
    endcase
  end

  // Which registers accept a write, and which of them only between lists.
  always_comb begin
    case (offset_q)
      registers_pkg::MemBaseLoOffset, registers_pkg::MemBaseHiOffset, registers_pkg::MemLimitLoOffset,
      registers_pkg::MemLimitHiOffset: locked = 1'b1;
      default: locked = 1'b0;
    endcase
    case (offset_q)
      registers_pkg::ControlOffset, registers_pkg::IrqStatusOffset, registers_pkg::IrqEnableOffset,
      registers_pkg::ListAddrLoOffset, registers_pkg::ListAddrHiOffset: writable = 1'b1;
      default: writable = locked && !busy;
    endcase
  end

  // Answer.
  always_ff @(posedge clk_i) begin
    reg_ready_o <= rst_ni && access_q;
    if (access_q) begin
      reg_rdata_o <= rdata;
      reg_error_o <= write_q ? !writable : !mapped;
    end
  end

  // Settings: new bytes beside old ones.
  function automatic logic [31:0] merged(input logic [31:0] old);
    merged = (old & ~write_mask) | write_bits;
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      irq_enable_q <= IrqCount'(registers_pkg::IrqEnableReset);
      list_addr_lo_q <= registers_pkg::ListAddrLoReset;
      list_addr_hi_q <= registers_pkg::ListAddrHiReset;
      mem_base_lo_q <= registers_pkg::MemBaseLoReset;
      mem_base_hi_q <= registers_pkg::MemBaseHiReset;
      mem_limit_lo_q <= registers_pkg::MemLimitLoReset;
      mem_limit_hi_q <= registers_pkg::MemLimitHiReset;
    end else if (access_q && write_q) begin
      case (offset_q)
        registers_pkg::IrqEnableOffset: irq_enable_q <= IrqCount'(merged(32'(irq_enable_q)));
        registers_pkg::ListAddrLoOffset: list_addr_lo_q <= merged(list_addr_lo_q);
        registers_pkg::ListAddrHiOffset: list_addr_hi_q <= merged(list_addr_hi_q);
        registers_pkg::MemBaseLoOffset: if (!busy) mem_base_lo_q <= merged(mem_base_lo_q);
        registers_pkg::MemBaseHiOffset: if (!busy) mem_base_hi_q <= merged(mem_base_hi_q);
        registers_pkg::MemLimitLoOffset: if (!busy) mem_limit_lo_q <= merged(mem_limit_lo_q);
        registers_pkg::MemLimitHiOffset: if (!busy) mem_limit_hi_q <= merged(mem_limit_hi_q);
        default: ;
      endcase
    end
  end

  // Requests. An event and the write that clears it in the same cycle leave the event recorded.
  assign control_write = access_q && write_q && offset_q == registers_pkg::ControlOffset;
  assign ring = control_write && write_bits[registers_pkg::ControlDoorbellLsb];
  assign clear = control_write && write_bits[registers_pkg::ControlClearCountersLsb];
  assign accepted = ring && !busy;
  assign rejected = ring && busy;
  assign irq_clear = (access_q && write_q && offset_q == registers_pkg::IrqStatusOffset) ?
                     write_bits[IrqCount-1:0] : '0;

  always_comb begin
    irq_set = '0;
    irq_set[registers_pkg::IrqStatusDoneLsb] = done_i;
    irq_set[registers_pkg::IrqStatusErrorLsb] = error_i || rejected;
    irq_set[registers_pkg::IrqStatusNonfiniteLsb] = nonfinite_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      doorbell_o <= 1'b0;
      clear_counters_o <= 1'b0;
      active_q <= 1'b0;
      done_q <= 1'b0;
      error_q <= 1'b0;
      error_code_q <= registers_pkg::ErrorCodeNone;
      error_command_q <= '0;
      error_info_q <= '0;
      lists_done_q <= '0;
      irq_status_q <= '0;
      irq_o <= 1'b0;
    end else begin
      doorbell_o <= accepted;
      clear_counters_o <= clear;
      irq_status_q <= (irq_status_q & ~irq_clear) | irq_set;
      irq_o <= (irq_status_q & irq_enable_q) != '0;

      if (accepted) active_q <= 1'b1;
      else if (done_i || error_i) active_q <= 1'b0;

      if (done_i) done_q <= 1'b1;
      else if (accepted) done_q <= 1'b0;

      if (error_i) begin
        error_q <= 1'b1;
        error_code_q <= error_code_i;
        error_command_q <= error_command_i;
        error_info_q <= error_info_i;
      end else if (rejected && !error_q) begin
        error_q <= 1'b1;
        error_code_q <= registers_pkg::ErrorCodeBusy;
        error_command_q <= '0;
        error_info_q <= '0;
      end else if (accepted) begin
        error_q <= 1'b0;
        error_code_q <= registers_pkg::ErrorCodeNone;
        error_command_q <= '0;
        error_info_q <= '0;
      end

      if (clear) lists_done_q <= '0;
      else if (done_i) lists_done_q <= lists_done_q + 32'd1;
    end
  end

  // Reading a lower half keeps the upper half of the same cycle.
  for (genvar i = 0; i < CounterCount; i++) begin : g_counter
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        counter_high_q[i*32+:32] <= '0;
      end else if (read && is_counter && !offset_q[2] && counter_index == CounterIndexW'(i)) begin
        counter_high_q[i*32+:32] <= counters_i[i*64+32+:32];
      end
    end
  end

  assign list_addr_o = {list_addr_hi_q, list_addr_lo_q};
  assign mem_base_o = {mem_base_hi_q, mem_base_lo_q};
  assign mem_limit_o = {mem_limit_hi_q, mem_limit_lo_q};

  logic unused_address;
  assign unused_address = ^reg_addr_i[1:0];

  if (BUS_W != 64 && BUS_W != 128 && BUS_W != 256 && BUS_W != 512) begin : g_check_bus
    ERROR_BUS_W_must_be_64_128_256_or_512 error ();
  end
  if (COLUMNS < 1 || COLUMNS > 255 || ACT_W > 255) begin : g_check_geometry
    ERROR_COLUMNS_and_ACT_W_must_fit_8_bits error ();
  end
  if (SCRATCH_W < 9 || SCRATCH_W > 16) begin : g_check_scratchpad
    ERROR_SCRATCH_W_must_be_9_to_16 error ();
  end
  if (MAX_ROWS > 65535 || NESTED_DEPTH > 65535) begin : g_check_limits
    ERROR_limits_must_fit_16_bits error ();
  end
  if (32'(registers_pkg::CounterOffset) % (8 << CounterIndexW) != 0) begin : g_check_counter
    ERROR_counters_must_be_aligned_to_their_size error ();
  end

`ifdef FORMAL
  // A list runs from its doorbell to the core's report, and as long as the core says so.
  logic       f_past_valid = 1'b0;
  logic       f_running;
  logic [1:0] f_waits;  // cycles that an access has waited

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    if (!rst_ni) f_running <= 1'b0;
    else if (accepted) f_running <= 1'b1;
    else if (done_i || error_i) f_running <= 1'b0;
    f_waits <= (rst_ni && reg_valid_i && !reg_ready_o) ? f_waits + 2'd1 : '0;
    if (f_past_valid && rst_ni && $past(rst_ni)) begin
      if ($past(reg_valid_i && !reg_ready_o)) begin
        assume (reg_valid_i && $stable(reg_write_i) && $stable(reg_addr_i));
        assume ($stable(reg_wdata_i) && $stable(reg_wstrb_i));
      end
      // An access is answered once, in its third cycle.
      if (reg_ready_o) assert (reg_valid_i && f_waits == 2'd2);
      if ($past(reg_ready_o)) assert (!reg_ready_o);
      assert (f_waits <= 2'd2);
      if (f_waits == 2'd2) assert (reg_ready_o);
      // No list is started while one runs, and its memory stays.
      if (doorbell_o) assert (!$past(f_running || busy_i));
      if ($past(f_running || busy_i)) assert ($stable(mem_base_o) && $stable(mem_limit_o));
      // A refused write changes nothing.
      if (reg_ready_o && reg_error_o && $past(write_q)) begin
        assert ($stable(list_addr_o) && $stable(mem_base_o) && $stable(mem_limit_o) && $stable(irq_enable_q));
        assert (!doorbell_o && !clear_counters_o);
      end
      // No event is lost, not even in the cycle in which its bit is cleared; the interrupt follows a cycle later.
      if ($past(done_i)) assert (irq_status_q[registers_pkg::IrqStatusDoneLsb]);
      if ($past(error_i)) begin
        assert (irq_status_q[registers_pkg::IrqStatusErrorLsb] && error_q && error_code_q == $past(error_code_i));
      end
      if ($past(nonfinite_i)) assert (irq_status_q[registers_pkg::IrqStatusNonfiniteLsb]);
      assert (irq_o == $past((irq_status_q & irq_enable_q) != '0));
      cover (reg_ready_o && reg_error_o && $past(write_q && busy && locked));
      cover ($past(done_i && irq_clear != '0));
      cover ($past(rejected));
    end
    if (f_past_valid && rst_ni) begin
      assert (f_running == active_q);
      assert (!(access_q && reg_ready_o));
      if (access_q) assert (f_waits == 2'd1 && {write_q, offset_q, wdata_q, wstrb_q} ==
                            {reg_write_i, reg_addr_i[AddrW-1:2], 2'b00, reg_wdata_i, reg_wstrb_i});
    end
  end
`endif

endmodule : control_registers
