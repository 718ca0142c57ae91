// SPDX-License-Identifier: Apache-2.0
//
// Gives one vector engine to two cores, command by command.
//
// Why: vector work is a small part of a core's time and a large part of its area. Each core sees an engine of its own
// that is sometimes slow to take a command: while it works for a core, its scratchpad ports are that core's. A core that
// resets its engines resets this one only while it works for that core, so what ends one list is nothing to the other.
// Latency and throughput: none added; a core that always has commands gets every other one.

module vector_share #(
  // Width of the engine's scratchpad addresses, those of the larger scratchpad.
  parameter int SCRATCH_W  = 13,
  // Width of the addresses of each core's scratchpad.
  parameter int SCRATCH_W0 = 12,
  parameter int SCRATCH_W1 = 13
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  // Cores, number c in bit c or slice c; see qlora_core.
  input  logic [1:0]             core_rst_ni,
  input  logic [1:0]             core_cmd_valid_i,
  output logic [1:0]             core_cmd_ready_o,
  input  logic [2*512-1:0]       core_cmd_i,
  output logic [1:0]             core_bad_o,
  output logic [1:0]             core_done_o,
  // The core's command waits for the other one's.
  output logic [1:0]             core_wait_o,
  // Operands A and B of core 0, then those of core 1.
  output logic [3:0]             core_req_valid_o,
  input  logic [3:0]             core_req_ready_i,
  input  logic [3:0]             core_rsp_valid_i,
  input  logic [4*vector_pkg::Lanes*32-1:0] core_rsp_data_i,
  output logic [1:0]             core_w_valid_o,
  input  logic [1:0]             core_w_ready_i,

  // Engine, see vector_engine; what it says to a scratchpad besides goes to both.
  output logic                   engine_rst_no,
  output logic                   engine_cmd_valid_o,
  input  logic                   engine_cmd_ready_i,
  output logic [511:0]           engine_cmd_o,
  input  logic                   engine_bad_i,
  input  logic                   engine_done_i,
  input  logic [1:0]             engine_req_valid_i,
  output logic [1:0]             engine_req_ready_o,
  input  logic [2*SCRATCH_W-1:0] engine_req_addr_i,
  output logic [1:0]             engine_rsp_valid_o,
  output logic [2*vector_pkg::Lanes*32-1:0] engine_rsp_data_o,
  input  logic                   engine_w_valid_i,
  output logic                   engine_w_ready_o,
  input  logic [SCRATCH_W-1:0]   engine_w_addr_i
);

  localparam int WordW = vector_pkg::Lanes * 32;

  // The core that the engine works for, and is reset with; none between commands.
  logic [1:0] owner_q, grant, reset_q, in_reset;
  logic       take, free;

  assign in_reset = owner_q & ~core_rst_ni;
  assign free     = owner_q == '0 && engine_cmd_ready_i;
  assign take     = engine_cmd_valid_o && free;

  round_robin #(
    .REQUESTS(2)
  ) u_turn (
    .clk_i,
    .rst_ni,
    .request_i(free ? core_cmd_valid_i : 2'b00),
    .grant_o  (grant)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) owner_q <= '0;
    else if (take) owner_q <= grant;
    // A core in reset keeps the engine, and so the engine in reset, to the end.
    else owner_q <= engine_done_i ? in_reset : owner_q & ~(reset_q & core_rst_ni);
    reset_q <= ~core_rst_ni;
  end

  assign engine_rst_no      = rst_ni && in_reset == '0;
  assign engine_cmd_valid_o = grant != '0;
  assign engine_cmd_o       = grant[1] ? core_cmd_i[512+:512] : core_cmd_i[0+:512];
  assign core_cmd_ready_o   = grant;
  assign core_wait_o        = core_cmd_valid_i & {owner_q[0], owner_q[1]};

  // ---------------------------------------------------------------------------------------------
  // Ports; an access behind the end of the core's scratchpad is not made, and the command is bad
  // ---------------------------------------------------------------------------------------------
  logic [2:0] beyond0, beyond1, access, beyond;
  logic       outside_q;

  function automatic logic behind_end(input logic [SCRATCH_W-1:0] address, input int width);
    behind_end = (address >> width) != '0;
  endfunction

  assign beyond0 = {behind_end(engine_w_addr_i, SCRATCH_W0),
                    behind_end(engine_req_addr_i[SCRATCH_W+:SCRATCH_W], SCRATCH_W0),
                    behind_end(engine_req_addr_i[0+:SCRATCH_W], SCRATCH_W0)};
  assign beyond1 = {behind_end(engine_w_addr_i, SCRATCH_W1),
                    behind_end(engine_req_addr_i[SCRATCH_W+:SCRATCH_W], SCRATCH_W1),
                    behind_end(engine_req_addr_i[0+:SCRATCH_W], SCRATCH_W1)};
  assign beyond  = owner_q[1] ? beyond1 : beyond0;
  assign access  = {engine_w_valid_i, engine_req_valid_i} & ~beyond;

  always_ff @(posedge clk_i) begin
    if (!engine_rst_no) outside_q <= 1'b0;
    else if (({engine_w_valid_i, engine_req_valid_i} & beyond) != '0) outside_q <= 1'b1;
  end

  assign core_bad_o       = owner_q & {2{engine_bad_i || outside_q}};
  assign core_done_o      = owner_q & {2{engine_done_i}};
  assign core_req_valid_o = {{2{owner_q[1]}} & access[1:0], {2{owner_q[0]}} & access[1:0]};
  assign core_w_valid_o   = owner_q & {2{access[2]}};
  assign {engine_w_ready_o, engine_req_ready_o} =
      (owner_q[1] ? {core_w_ready_i[1], core_req_ready_i[3:2]} : {core_w_ready_i[0], core_req_ready_i[1:0]}) & ~beyond;
  assign engine_rsp_valid_o = owner_q[1] ? core_rsp_valid_i[3:2] : core_rsp_valid_i[1:0];
  assign engine_rsp_data_o  = owner_q[1] ? core_rsp_data_i[2*WordW+:2*WordW] : core_rsp_data_i[0+:2*WordW];

  if (SCRATCH_W != (SCRATCH_W0 > SCRATCH_W1 ? SCRATCH_W0 : SCRATCH_W1)) begin : g_bad_widths
    ERROR_vector_share_SCRATCH_W_must_be_that_of_the_larger_scratchpad error ();
  end

`ifdef FORMAL
  // What the engine and the cores owe: an engine has one command at a time, and ends only what it has; a core keeps a command
  // that it shows while it is not in reset.
  logic       f_past_valid = 1'b0;
  logic       f_busy, f_core;
  logic [1:0] f_held, f_reset;
  // Commands of the other core since one began to wait.
  logic [3:0] f_waits;
  // Of core 0 and of core 1: the engine's addresses, of write and reads B and A, that its scratchpad has. An access was
  // made outside of the owner's; without an owner core 0's end counts.
  logic [5:0] f_below;
  logic       f_outside;
  always @(*) begin
    for (int c = 0; c < 2; c++) begin
      f_below[3*c+2] = 32'(engine_w_addr_i) < (32'd1 << (c == 0 ? SCRATCH_W0 : SCRATCH_W1));
      for (int p = 0; p < 2; p++) begin
        f_below[3*c+p] = 32'(engine_req_addr_i[p*SCRATCH_W+:SCRATCH_W]) < (32'd1 << (c == 0 ? SCRATCH_W0 : SCRATCH_W1));
      end
    end
  end

  always @(posedge clk_i) begin
    f_past_valid <= 1'b1;
    if (!f_past_valid) assume (!rst_ni);
    f_reset <= reset_q;
    f_held <= rst_ni ? core_cmd_valid_i & ~core_cmd_ready_o & core_rst_ni : '0;
    for (int c = 0; c < 2; c++) begin
      f_waits[2*c+:2] <= (rst_ni && core_cmd_valid_i[c] && !core_cmd_ready_o[c]) ?
                         f_waits[2*c+:2] + 2'(core_cmd_ready_o[1-c]) : '0;
    end
    // The command in the engine: whose it is, until its end or its core's reset.
    if (!rst_ni) f_busy <= 1'b0;
    else if (engine_cmd_valid_o && engine_cmd_ready_i) f_busy <= 1'b1;
    else if ((engine_done_i && engine_rst_no) || !engine_rst_no) f_busy <= 1'b0;
    if (engine_cmd_valid_o && engine_cmd_ready_i) f_core <= core_cmd_ready_o[1];
    if (!engine_rst_no) f_outside <= 1'b0;
    else if (({engine_w_valid_i, engine_req_valid_i} & ~(owner_q[1] ? f_below[5:3] : f_below[2:0])) != '0) begin
      f_outside <= 1'b1;
    end
    if (f_past_valid && rst_ni) begin
      if (f_held[0] && core_rst_ni[0]) assume (core_cmd_valid_i[0]);
      if (f_held[1] && core_rst_ni[1]) assume (core_cmd_valid_i[1]);
      if (engine_done_i) assume (f_busy);
      // A reset lasts two cycles or more, and from the second one on its core shows nothing.
      assume ((core_cmd_valid_i & reset_q & ~core_rst_ni) == '0);
      assume ((reset_q & ~f_reset & core_rst_ni) == '0);
      assert (owner_q != 2'b11 && core_cmd_ready_o != 2'b11);
      // A command goes over in the same cycle on both sides, of one core, while the engine works for nobody.
      assert ((core_cmd_ready_o != '0) == (engine_cmd_valid_o && engine_cmd_ready_i));
      assert ((core_cmd_ready_o & ~core_cmd_valid_i) == '0);
      if (core_cmd_ready_o != '0) assert (owner_q == '0);
      if (core_cmd_ready_o[0]) assert (engine_cmd_o == core_cmd_i[511:0]);
      if (core_cmd_ready_o[1]) assert (engine_cmd_o == core_cmd_i[1023:512]);
      // From then on it is that core's: its end, its faults and its accesses reach no other.
      if (f_busy) assert (owner_q == (f_core ? 2'b10 : 2'b01));
      if (engine_done_i) assert (core_done_o == (f_core ? 2'b10 : 2'b01));
      if (!engine_done_i) assert (core_done_o == '0);
      for (int c = 0; c < 2; c++) begin
        // An access is made exactly when it is inside of the core's scratchpad, and taken when that one takes it.
        assert (core_w_valid_o[c] == (owner_q[c] && engine_w_valid_i && f_below[3*c+2]));
        if (owner_q[c]) assert (engine_w_ready_o == (core_w_ready_i[c] && f_below[3*c+2]));
        for (int p = 0; p < 2; p++) begin
          assert (core_req_valid_o[2*c+p] == (owner_q[c] && engine_req_valid_i[p] && f_below[3*c+p]));
          if (owner_q[c]) assert (engine_req_ready_o[p] == (core_req_ready_i[2*c+p] && f_below[3*c+p]));
        end
        // Answers are those of the core's scratchpad.
        if (owner_q[c]) assert (engine_rsp_valid_o == core_rsp_valid_i[2*c+:2]);
        if (owner_q[c]) assert (engine_rsp_data_o == core_rsp_data_i[c*2*WordW+:2*WordW]);
      end
      // One outside makes the command bad, until the engine's reset.
      assert (core_bad_o == (owner_q & {2{engine_bad_i || f_outside}}));
      assert (outside_q == f_outside);
      assert (core_wait_o == (core_cmd_valid_i & {owner_q[0], owner_q[1]}));
      // A core resets the engine exactly while it is the core's.
      assert (engine_rst_no == ((owner_q & ~core_rst_ni) == '0));
`ifdef FORMAL_BOUNDED
      // Neither core waits for more than one command of the other.
      assert (f_waits[1:0] <= 2'd1 && f_waits[3:2] <= 2'd1);
`endif
      cover (core_cmd_ready_o[0] && f_waits[1:0] == 2'd1);
      cover (core_cmd_ready_o[1] && f_waits[3:2] == 2'd1);
      cover (f_busy && !engine_rst_no);
      cover (core_done_o == 2'b10);
    end
  end

  // The end of a smaller scratchpad.
  for (genvar c = 0; c < 2; c++) begin : g_f_smaller
    if ((c == 0 ? SCRATCH_W0 : SCRATCH_W1) < SCRATCH_W) begin : g_f_cover
      always @(posedge clk_i) begin
        if (f_past_valid && rst_ni && owner_q[c]) begin
          cover (engine_w_valid_i && !f_below[3*c+2] && core_w_ready_i[c]);
          cover (engine_req_valid_i[0] && !f_below[3*c] && core_req_ready_i[2*c]);
          cover (engine_req_valid_i[1] && !f_below[3*c+1] && core_req_ready_i[2*c+1]);
          cover (f_outside && core_bad_o[c] && !engine_bad_i && engine_done_i);
        end
      end
    end
  end
`endif

endmodule : vector_share
