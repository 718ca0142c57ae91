// SPDX-License-Identifier: Apache-2.0
//
// What goes wrong in a list in this cycle: one error of all that may come together, with its command.
//
// Why: errors come from everywhere, each with its own way to name a command, and a report has room for one. Of errors in the
// same cycle the first of this order counts: COMMAND, FIELD, RANGE (read, write), STREAM, SEMAPHORE, AXI_READ, AXI_WRITE,
// DEADLOCK; of engines the lowest. A deadlock is that of the command that waits for semaphores, or, if none does, of the oldest
// one in an engine. Without an error the outputs are those of NONFINITE.
//
// Latency: combinational to failure_o and code_o; line_o and info_o are those of the cycle before.

module list_errors #(
  // Width of a memory address.
  parameter int ADDR_W = 40
) (
  input  logic              clk_i,
  input  logic              fetch_bad_i,
  input  logic [ADDR_W-7:0] fetch_bad_line_i,

  // Queues and engines, engine e in bit e or in bits [e*(ADDR_W-6) +: ADDR_W-6].
  input  logic [commands_pkg::Engines-1:0] busy_i,
  input  logic [commands_pkg::Engines-1:0] waiting_i,
  input  logic [commands_pkg::Engines-1:0] bad_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] issued_line_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] oldest_line_i,
  input  logic [commands_pkg::Engines*(ADDR_W-6)-1:0] waiting_line_i,
  // The weights do not fit the oldest MATRIX command in flight.
  input  logic              stream_i,
  // Semaphores.
  input  logic              overflow_i,
  input  logic [$clog2(commands_pkg::LoadWaitsWidth)-1:0] overflow_number_i,
  input  logic [ADDR_W-7:0] overflow_line_i,

  // AXI masters: one cycle with the access's first address and its command.
  input  logic              read_range_i,
  input  logic [ADDR_W-1:0] read_range_addr_i,
  input  logic [ADDR_W-7:0] read_range_tag_i,
  input  logic              write_range_i,
  input  logic [ADDR_W-1:0] write_range_addr_i,
  input  logic [ADDR_W-7:0] write_range_tag_i,
  input  logic              read_error_i,
  input  logic [ADDR_W-1:0] read_error_addr_i,
  input  logic [ADDR_W-7:0] read_error_tag_i,
  input  logic              write_error_i,
  input  logic [ADDR_W-1:0] write_error_addr_i,
  input  logic [ADDR_W-7:0] write_error_tag_i,
  // Weights are left over at the list's end, and belong to the LOAD command that was handed over last.
  input  logic              left_i,
  // Nothing can go on.
  input  logic              deadlock_i,

  // There is an error.
  output logic              failure_o,
  // registers_pkg::ErrorCode*.
  output logic [7:0]        code_o,
  // Of the cycle before: the command's line.
  output logic [ADDR_W-7:0] line_o,
  // Of the cycle before: address of the access or number of the semaphore; else zero.
  output logic [ADDR_W-1:0] info_o
);

  localparam int Engines = commands_pkg::Engines;
  localparam int LineW   = ADDR_W - 6;
  localparam int EngineW = $clog2(Engines);
  localparam logic [EngineW-1:0] Load   = EngineW'(commands_pkg::CommandLoad - 8'd1);
  localparam logic [EngineW-1:0] Matrix = EngineW'(commands_pkg::CommandMatrix - 8'd1);

  localparam logic [3:0] PlaceFetch      = 4'd0;
  localparam logic [3:0] PlaceReadRange  = 4'd1;
  localparam logic [3:0] PlaceWriteRange = 4'd2;
  localparam logic [3:0] PlaceReadError  = 4'd3;
  localparam logic [3:0] PlaceWriteError = 4'd4;
  localparam logic [3:0] PlaceOverflow   = 4'd5;
  localparam logic [3:0] PlaceIssued     = 4'd6;
  localparam logic [3:0] PlaceOldest     = 4'd7;
  localparam logic [3:0] PlaceWaiting    = 4'd8;

  logic [LineW-1:0]   issued, oldest, waiting;
  logic [EngineW-1:0] engine, number;
  logic [3:0]         place;

  // Of engines the lowest that refuses, or that waits, or else that has a command.
  always_comb begin
    engine = '0;
    for (int e = Engines - 1; e >= 0; e--) if (busy_i[e]) engine = EngineW'(e);
    for (int e = Engines - 1; e >= 0; e--) if (waiting_i[e]) engine = EngineW'(e);
    for (int e = Engines - 1; e >= 0; e--) if (bad_i[e]) engine = EngineW'(e);
  end

  // What it is, and where the command's line and what else there is to say come from.
  always_comb begin
    failure_o = 1'b1;
    place     = PlaceIssued;
    number    = engine;
    if (fetch_bad_i) begin
      code_o = registers_pkg::ErrorCodeCommand;
      place  = PlaceFetch;
    end else if (bad_i != '0) begin
      code_o = registers_pkg::ErrorCodeField;
    end else if (read_range_i) begin
      code_o = registers_pkg::ErrorCodeRange;
      place  = PlaceReadRange;
    end else if (write_range_i) begin
      code_o = registers_pkg::ErrorCodeRange;
      place  = PlaceWriteRange;
    end else if (stream_i) begin
      code_o = registers_pkg::ErrorCodeStream;
      place  = PlaceOldest;
      number = Matrix;
    end else if (left_i) begin
      code_o = registers_pkg::ErrorCodeStream;
      number = Load;
    end else if (overflow_i) begin
      code_o = registers_pkg::ErrorCodeSemaphore;
      place  = PlaceOverflow;
    end else if (read_error_i) begin
      code_o = registers_pkg::ErrorCodeAxiRead;
      place  = PlaceReadError;
    end else if (write_error_i) begin
      code_o = registers_pkg::ErrorCodeAxiWrite;
      place  = PlaceWriteError;
    end else if (deadlock_i) begin
      code_o = registers_pkg::ErrorCodeDeadlock;
      place  = (waiting_i != '0) ? PlaceWaiting : PlaceOldest;
    end else begin
      // No error, but perhaps a MATRIX command that met NaN.
      code_o    = registers_pkg::ErrorCodeNonfinite;
      place     = PlaceOldest;
      number    = Matrix;
      failure_o = 1'b0;
    end
  end

  // Where it is from, and all that it may be, a cycle later: these come from everywhere.
  logic [3:0]               place_q;
  logic [EngineW-1:0]       number_q;
  logic [Engines*LineW-1:0] issued_q, oldest_q, waiting_q;
  logic [LineW-1:0]         fetch_line_q, overflow_line_q;
  logic [LineW-1:0]         read_range_tag_q, write_range_tag_q, read_error_tag_q, write_error_tag_q;
  logic [ADDR_W-1:0]        read_range_addr_q, write_range_addr_q, read_error_addr_q, write_error_addr_q;
  logic [$clog2(commands_pkg::LoadWaitsWidth)-1:0] overflow_number_q;

  always_ff @(posedge clk_i) begin
    place_q            <= place;
    number_q           <= number;
    issued_q           <= issued_line_i;
    oldest_q           <= oldest_line_i;
    waiting_q          <= waiting_line_i;
    fetch_line_q       <= fetch_bad_line_i;
    overflow_line_q    <= overflow_line_i;
    overflow_number_q  <= overflow_number_i;
    read_range_tag_q   <= read_range_tag_i;
    read_range_addr_q  <= read_range_addr_i;
    write_range_tag_q  <= write_range_tag_i;
    write_range_addr_q <= write_range_addr_i;
    read_error_tag_q   <= read_error_tag_i;
    read_error_addr_q  <= read_error_addr_i;
    write_error_tag_q  <= write_error_tag_i;
    write_error_addr_q <= write_error_addr_i;
  end

  always_comb begin
    info_o = '0;
    case (place_q)
      PlaceFetch: line_o = fetch_line_q;
      PlaceReadRange: begin
        line_o = read_range_tag_q;
        info_o = read_range_addr_q;
      end
      PlaceWriteRange: begin
        line_o = write_range_tag_q;
        info_o = write_range_addr_q;
      end
      PlaceReadError: begin
        line_o = read_error_tag_q;
        info_o = read_error_addr_q;
      end
      PlaceWriteError: begin
        line_o = write_error_tag_q;
        info_o = write_error_addr_q;
      end
      PlaceOverflow: begin
        line_o = overflow_line_q;
        info_o = ADDR_W'(overflow_number_q);
      end
      PlaceIssued: line_o = issued;
      PlaceOldest: line_o = oldest;
      default: line_o = waiting;
    endcase
  end

  assign issued  = issued_q[number_q*LineW+:LineW];
  assign oldest  = oldest_q[number_q*LineW+:LineW];
  assign waiting = waiting_q[number_q*LineW+:LineW];

endmodule : list_errors
