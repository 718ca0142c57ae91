// SPDX-License-Identifier: Apache-2.0
//
// The life of a job from doorbell to interrupt, and the first thing that went wrong in it.
//
// Why: whatever happens, a job ends with exactly one report and the core is ready for the next. A descriptor that cannot be
// read or does not pass ends the job before anything else is touched. A bus error later on does not stop the loops, which
// would leave data in flight; it turns all further writes off and the job runs to its end. A NaN or an infinity changes
// nothing: the results are written as they are, and the job ends with a code of its own.
//
// Latency: doorbell to the descriptor's read command 8 cycles; last response to the report 5 cycles.

module job_control #(
  // Width of a memory address.
  parameter int ADDR_W = 40
) (
  input  logic              clk_i,
  input  logic              rst_ni,

  // Host, see control_registers.
  input  logic              doorbell_i,
  input  logic [63:0]       desc_addr_i,
  output logic              busy_o,
  output logic              done_o,
  output logic              error_o,
  output logic [7:0]        error_code_o,
  output logic [63:0]       error_info_o,
  output logic              nonfinite_o,

  // Descriptor.
  output logic [63:0]       desc_addr_o,
  output logic              check_address_o,
  output logic              check_fields_o,
  input  logic              check_done_i,
  input  logic              check_error_i,
  input  logic [7:0]        check_code_i,
  input  logic [63:0]       check_info_i,
  output logic              fetch_o,
  input  logic              fetch_done_i,

  // Nested-absmax table: its read command, and a pulse before it.
  output logic              nested_restart_o,
  output logic              nested_valid_o,
  input  logic              nested_ready_i,

  // Steps.
  output logic              step_start_o,
  output logic [2:0]        step_o,
  input  logic              step_done_i,
  input  logic [2:0]        first_step_i,
  input  logic              last_step_i,

  // Events. result_addr_i is where the step at hand writes.
  input  logic              read_error_i,
  input  logic [ADDR_W-1:0] read_error_addr_i,
  input  logic              write_error_i,
  input  logic [ADDR_W-1:0] write_error_addr_i,
  input  logic              nonfinite_i,
  input  logic [ADDR_W-1:0] result_addr_i,
  // Writes must leave memory unchanged.
  output logic              write_mask_o
);

  localparam logic [2:0] StateIdle    = 3'd0;
  localparam logic [2:0] StateAddress = 3'd1;
  localparam logic [2:0] StateFetch   = 3'd2;
  localparam logic [2:0] StateFields  = 3'd3;
  localparam logic [2:0] StateNested  = 3'd4;
  localparam logic [2:0] StateStep    = 3'd5;
  localparam logic [2:0] StateReport  = 3'd6;

  logic [2:0]  state_q, state_d, step_q;
  // The first error.
  logic        failed_q;
  logic [7:0]  code_q;
  logic [63:0] info_q;
  // The first NaN or infinity: the result it went into.
  logic        nonfinite_q;
  logic [ADDR_W-1:0] nonfinite_addr_q;
  logic        check_failed, enter_step, fetched_q;

  assign check_failed = check_done_i && check_error_i;
  assign enter_step   = (state_q == StateNested && nested_ready_i) ||
                        (state_q == StateStep && step_done_i && !last_step_i);

  always_comb begin
    state_d = state_q;
    case (state_q)
      StateIdle: if (doorbell_i) state_d = StateAddress;
      StateAddress: if (check_done_i) state_d = check_error_i ? StateReport : StateFetch;
      // One more cycle, in which a read error on the last beat has reached failed_q.
      StateFetch: if (fetched_q) state_d = failed_q ? StateReport : StateFields;
      StateFields: if (check_done_i) state_d = check_error_i ? StateReport : StateNested;
      StateNested: if (nested_ready_i) state_d = StateStep;
      StateStep: if (step_done_i && last_step_i) state_d = StateReport;
      default: state_d = StateIdle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q          <= StateIdle;
      failed_q         <= 1'b0;
      nonfinite_q      <= 1'b0;
      fetched_q        <= 1'b0;
      check_address_o  <= 1'b0;
      check_fields_o   <= 1'b0;
      fetch_o          <= 1'b0;
      nested_restart_o <= 1'b0;
      step_start_o     <= 1'b0;
      done_o           <= 1'b0;
      error_o          <= 1'b0;
      nonfinite_o      <= 1'b0;
    end else begin
      state_q          <= state_d;
      fetched_q        <= fetch_done_i;
      check_address_o  <= state_q == StateIdle && doorbell_i;
      fetch_o          <= state_q == StateAddress && state_d == StateFetch;
      check_fields_o   <= state_q == StateFetch && state_d == StateFields;
      nested_restart_o <= state_q == StateFields && state_d == StateNested;
      step_start_o     <= enter_step;
      done_o           <= state_q == StateReport && !failed_q && !nonfinite_q;
      error_o          <= state_q == StateReport && (failed_q || nonfinite_q);
      nonfinite_o      <= nonfinite_i && busy_o;
      if (state_q == StateIdle) begin
        failed_q    <= 1'b0;
        nonfinite_q <= 1'b0;
      end else begin
        if (check_failed || read_error_i || write_error_i) failed_q <= 1'b1;
        if (nonfinite_i) nonfinite_q <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StateIdle) desc_addr_o <= desc_addr_i;
    if (enter_step) step_q <= (state_q == StateNested) ? first_step_i : step_q + 3'd1;
    if (!failed_q) begin
      if (check_failed) begin
        code_q <= check_code_i;
        info_q <= check_info_i;
      end else if (read_error_i) begin
        code_q <= registers_pkg::ErrorCodeAxiRead;
        info_q <= 64'(read_error_addr_i);
      end else begin
        code_q <= registers_pkg::ErrorCodeAxiWrite;
        info_q <= 64'(write_error_addr_i);
      end
    end
    if (!nonfinite_q) nonfinite_addr_q <= result_addr_i;
    error_code_o <= failed_q ? code_q : registers_pkg::ErrorCodeNonfinite;
    error_info_o <= failed_q ? info_q : 64'(nonfinite_addr_q);
  end

  assign busy_o         = state_q != StateIdle;
  assign nested_valid_o = state_q == StateNested;
  assign step_o         = step_q;
  assign write_mask_o   = failed_q;

endmodule : job_control
