// SPDX-License-Identifier: Apache-2.0
//
// Frames of the serial host link: a request is received and checked, done, and answered.
//
// Why: bytes get lost and damaged on a line. Nothing of a request is done before all of it has come and its checksum is
// right; every request that has begun gets one answer; after a damaged one the line must be quiet, so that a host which waits
// for answers is in step again with the next. A write that comes again with the number of the last frame is answered and
// not done a second time. See docs/ip/uart_link.md.
//
// Latency: accesses begin four cycles after the last byte of a request. Throughput: that of the line; one frame at a time.

module uart_frames #(
  // Most words of 32 bits of a frame, 4 to 32,767. Up to 1008 the checksum finds every error of up to three bits.
  parameter int MAX_WORDS = 1008,
  // Cycles without a byte after which a frame is over; longer than a few bytes, and than the pauses of the host.
  parameter int TIMEOUT   = 1 << 20
) (
  input  logic         clk_i,
  input  logic         rst_ni,

  // Bytes from the line, each for one cycle and at least four cycles apart.
  input  logic         byte_valid_i,
  input  logic [7:0]   byte_data_i,
  input  logic         byte_error_i,

  // Bytes to the line.
  output logic         out_valid_o,
  input  logic         out_ready_i,
  output logic [7:0]   out_data_o,

  // Accesses, as axi_word_master takes them.
  output logic         req_valid_o,
  input  logic         req_ready_i,
  output logic         req_write_o,
  output logic [31:0]  req_addr_o,
  output logic [31:0]  req_wdata_o,
  input  logic [31:0]  req_rdata_i,
  input  logic [1:0]   req_resp_i,

  // The four words that identify the link, the first in the lowest bits.
  input  logic [127:0] info_i,

  // A frame is under way.
  output logic         busy_o,
  // The last frame was damaged or its access failed.
  output logic         error_o
);

  if (MAX_WORDS < 4 || MAX_WORDS > 32767) begin : g_check_words
    ERROR_uart_frames_MAX_WORDS_must_be_4_to_32767 error ();
  end
  if (TIMEOUT < 16) begin : g_check_timeout
    ERROR_uart_frames_TIMEOUT_must_be_at_least_16 error ();
  end

  localparam int IndexW   = $clog2(MAX_WORDS);
  localparam int TimeoutW = $clog2(TIMEOUT);

  localparam logic [7:0]  RequestMark   = 8'hA5;
  localparam logic [7:0]  AnswerMark    = 8'h5A;
  localparam logic [7:0]  ReadWords     = 8'h01;
  localparam logic [7:0]  WriteWords    = 8'h02;
  localparam logic [7:0]  Identify      = 8'h03;
  localparam logic [15:0] IdentifyWords = 16'd4;
  localparam logic [15:0] CrcStart      = 16'hFFFF;

  // Status of an answer: AXI's response, or what was wrong with the frame.
  localparam logic [7:0] StatusOkay    = 8'h00;
  localparam logic [7:0] StatusCrc     = 8'h10;
  localparam logic [7:0] StatusFraming = 8'h11;
  localparam logic [7:0] StatusTimeout = 8'h12;
  localparam logic [7:0] StatusRequest = 8'h13;

  typedef enum logic [3:0] {
    StateMark,    // the first byte of a frame
    StateHeader,  // tag, command, address, number of words
    StateCheck,
    StatePayload,
    StateCrc,
    StateVerify,
    StateFlush,   // a damaged frame: until the line is quiet
    StateAccess,
    StateHead,    // the answer: mark, status, tag, number of words
    StateData,
    StateTail     // its checksum
  } state_e;

  state_e               state_q, state_d;
  // Bytes of this state or word, and words of this frame.
  logic [2:0]           count_q;
  logic [IndexW-1:0]    index_q;
  logic [63:0]          header_q;
  logic [23:0]          bytes_q;
  logic [7:0]           status_q, status_d;
  logic [15:0]          crc_q, crc_next;
  logic [TimeoutW-1:0]  quiet_q;
  logic                 receiving, sending, quiet, last_word_q, word_end, step, settle, settling_q, settled_q;
  logic [IndexW-1:0]    last_index_q;
  logic [31:0]          buffer [2**IndexW];
  logic [31:0]          ram_q, word_q, in_word, address_q;
  logic                 store;
  // The last frame that was done.
  logic                 again_q;
  logic [7:0]           again_tag_q;
  logic [1:0]           again_resp_q;
  logic                 error_q;

  // Fields of the request.
  logic [7:0]           tag, command, send;
  logic [15:0]          words, answer_words;
  logic                 legal, repeated, access_end;
  logic [1:0]           access_resp;

  assign tag     = header_q[7:0];
  assign command = header_q[15:8];
  assign words   = header_q[63:48];
  assign legal   = command == Identify ? words == IdentifyWords :
                   (command == ReadWords || command == WriteWords) && header_q[17:16] == 2'd0 &&
                   words != 16'd0 && words <= 16'(MAX_WORDS);
  assign repeated     = command == WriteWords && again_q && again_tag_q == tag;
  assign answer_words = command == WriteWords || status_q != StatusOkay ? 16'd0 : words;

  assign receiving = state_q == StateHeader || state_q == StatePayload || state_q == StateCrc || state_q == StateFlush;
  assign quiet     = quiet_q == TimeoutW'(TIMEOUT - 1);
  assign word_end  = count_q[1:0] == 2'd3;

  // ---------------------------------------------------------------------------------------------
  // Checksum, over all bytes behind the mark, of requests and answers: the whole frame leaves zero
  // ---------------------------------------------------------------------------------------------
  function automatic logic [15:0] crc_of(input logic [15:0] crc, input logic [7:0] data);
    logic [15:0] sum;
    sum = crc ^ {data, 8'd0};
    for (int b = 0; b < 8; b++) sum = {sum[14:0], 1'b0} ^ (sum[15] ? 16'h1021 : 16'd0);
    crc_of = sum;
  endfunction

  assign crc_next = crc_of(crc_q, receiving ? byte_data_i : send);

  // ---------------------------------------------------------------------------------------------
  // Next state
  // ---------------------------------------------------------------------------------------------
  // A byte is received or sent, or a word is accessed.
  assign sending     = state_q == StateHead || state_q == StateData || state_q == StateTail;
  assign step        = sending ? out_valid_o && out_ready_i : state_q == StateAccess ? access_end : byte_valid_i;
  // What follows from the index is there two cycles later.
  assign settle      = (state_q == StateAccess || state_q == StateData) && state_d == state_q && !step;
  assign access_end  = settled_q && (command == Identify || req_ready_i);
  assign access_resp = command == Identify ? 2'd0 : req_resp_i;

  always_comb begin
    state_d  = state_q;
    status_d = status_q;
    case (state_q)
      StateMark: if (byte_valid_i && !byte_error_i && byte_data_i == RequestMark) state_d = StateHeader;
      StateHeader: if (step && count_q == 3'd7) state_d = StateCheck;
      StateCheck: begin
        status_d = StatusRequest;
        state_d  = StateCrc;
        if (command == WriteWords) state_d = StatePayload;
        if (!legal) state_d = StateFlush;
      end
      StatePayload: if (step && word_end && last_word_q) state_d = StateCrc;
      StateCrc: if (step && count_q == 3'd1) state_d = StateVerify;
      StateVerify: begin
        status_d = StatusOkay;
        state_d  = StateAccess;
        if (crc_q != 16'd0) begin
          status_d = StatusCrc;
          state_d  = StateFlush;
        end else if (repeated) begin
          status_d = {6'd0, again_resp_q};
          state_d  = StateHead;
        end
      end
      StateFlush: if (quiet) state_d = StateHead;
      StateAccess: begin
        if (access_end && access_resp[1]) status_d = {6'd0, access_resp};
        if (access_end && (access_resp[1] || last_word_q)) state_d = StateHead;
      end
      StateHead: begin
        if (step && count_q == 3'd4) state_d = StateTail;
        if (step && count_q == 3'd4 && answer_words != 16'd0) state_d = StateData;
      end
      StateData: if (step && word_end && last_word_q) state_d = StateTail;
      default: if (step && count_q == 3'd1) state_d = StateMark;
    endcase
    // A frame that breaks off.
    if (receiving && state_q != StateFlush) begin
      if (byte_valid_i && byte_error_i) begin
        status_d = StatusFraming;
        state_d  = StateFlush;
      end else if (quiet) begin
        status_d = StatusTimeout;
        state_d  = StateHead;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StateMark;
      again_q <= 1'b0;
      error_q <= 1'b0;
    end else begin
      state_q <= state_d;
      // What a write answered is remembered until another frame is done.
      if (state_q == StateVerify && state_d == StateAccess) again_q <= command == WriteWords;
      if (state_q == StateHead) error_q <= status_q != StatusOkay;
    end
  end

  always_ff @(posedge clk_i) begin
    status_q <= status_d;
    if (state_q == StateAccess) begin
      again_tag_q  <= tag;
      again_resp_q <= status_d[1:0];
    end
    if (state_d != state_q) begin
      count_q <= 3'd0;
      index_q <= '0;
    end else if (step) begin
      count_q <= count_q + 3'd1;
      if (state_q == StateAccess || word_end) index_q <= index_q + IndexW'(1);
    end
    // A cycle behind the index; a word takes longer.
    last_index_q <= IndexW'(words - 16'd1);
    last_word_q  <= index_q == last_index_q;
    settling_q <= settle;
    settled_q  <= settle && settling_q;

    if (state_q == StateHeader && step) header_q <= {byte_data_i, header_q[63:8]};
    if (step) bytes_q <= {byte_data_i, bytes_q[23:8]};
    quiet_q <= !receiving || byte_valid_i ? '0 : quiet_q + TimeoutW'(1);
    if (state_q == StateMark || (state_q == StateHead && count_q == 3'd0)) crc_q <= CrcStart;
    else if (step && state_q != StateAccess && state_q != StateTail) crc_q <= crc_next;
  end

  // ---------------------------------------------------------------------------------------------
  // Words of the frame: of a write on their way in, of a read on their way out
  // ---------------------------------------------------------------------------------------------
  assign store   = step && (state_q == StateAccess ? command != WriteWords : state_q == StatePayload && word_end);
  assign in_word = state_q == StatePayload ? {byte_data_i, bytes_q} :
                   command == Identify ? info_i[{index_q[1:0], 5'd0}+:32] : req_rdata_i;

  always_ff @(posedge clk_i) begin
    if (store) buffer[index_q] <= in_word;
    ram_q     <= buffer[index_q];
    word_q    <= ram_q;
    address_q <= header_q[47:16] + 32'({index_q, 2'd0});
  end

  assign req_valid_o = state_q == StateAccess && settled_q && command != Identify;
  assign req_write_o = command == WriteWords;
  assign req_addr_o  = address_q;
  assign req_wdata_o = word_q;

  // ---------------------------------------------------------------------------------------------
  // Answer
  // ---------------------------------------------------------------------------------------------
  always_comb begin
    case (state_q)
      StateData: send = word_q[{count_q[1:0], 3'd0}+:8];
      StateTail: send = count_q[0] ? crc_q[7:0] : crc_q[15:8];
      default: begin
        case (count_q)
          3'd0: send = AnswerMark;
          3'd1: send = status_q;
          3'd2: send = tag;
          3'd3: send = answer_words[7:0];
          default: send = answer_words[15:8];
        endcase
      end
    endcase
  end

  assign out_valid_o = state_q == StateHead || state_q == StateTail || (state_q == StateData && settled_q);
  assign out_data_o  = send;
  assign busy_o      = state_q != StateMark;
  assign error_o     = error_q;

endmodule : uart_frames
