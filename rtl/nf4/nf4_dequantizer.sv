// SPDX-License-Identifier: Apache-2.0
//
// NF4 dequantizer: 64 codes and an absmax to 64 values in FP32, FP16 or BF16.
//
// Why: LoRA merge and inspection need the weights as numbers, the same numbers that bitsandbytes
// gives: the table value times absmax rounded to FP32, then rounded to the output format. (The matrix
// path does not come through here; its codebook and column scale do the same without the rounding.)
// A block has 16 distinct values. They are computed once per block, and each lane selects among them.
// Latency 5 cycles; throughput one block every 64/LANES cycles, so one block per cycle by default.
// in_ready_o follows out_ready_i combinationally: a stalled output freezes the pipeline.

module nf4_dequantizer #(
  // Values per output beat: 8, 16, 32 or 64.
  parameter int LANES = 64
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                in_valid_i,
  output logic                in_ready_o,
  // Code of value 0 in bits 3:0.
  input  logic [255:0]        in_codes_i,
  // FP32, any bits; after double quantization it may be negative.
  input  logic [31:0]         in_absmax_i,
  // nf4_pkg::Format* of the values.
  input  logic [1:0]          in_fmt_i,

  output logic                out_valid_o,
  input  logic                out_ready_i,
  // One 32-bit slot per value; 16-bit formats use the low half of the slot, the rest is zero.
  output logic [LANES*32-1:0] out_data_o,
  // Last beat of a block.
  output logic                out_last_o
);

  localparam int Beats     = nf4_pkg::Block / LANES;
  localparam int BeatWidth = Beats > 1 ? $clog2(Beats) : 1;
  localparam int ProductLatency = 3;

  if (LANES != 8 && LANES != 16 && LANES != 32 && LANES != 64) begin : g_check
    ERROR_nf4_dequantizer_LANES_must_be_8_16_32_or_64 error ();
  end

  // The output register moves when it is empty or taken; the table and all before it when the table
  // is empty or its last beat moves on.
  logic                 out_en, table_en, table_last;
  logic [BeatWidth-1:0] beat_q;
  logic                 table_valid_q, out_valid_q;

  assign out_en     = !out_valid_q || out_ready_i;
  assign table_last = beat_q == BeatWidth'(Beats - 1);
  assign table_en   = !table_valid_q || (out_en && table_last);
  assign in_ready_o = table_en;

  // Stages 1 to 3: products, with sign, codes and format beside them.
  localparam int SideWidth = 256 + 2 + 3;

  logic [(ProductLatency+1)*SideWidth-1:0] side_q;
  logic [ProductLatency:0]                 valid_q;
  logic                                infinite, nan;

  assign infinite = in_absmax_i[30:23] == 8'hFF && in_absmax_i[22:0] == '0;
  assign nan      = in_absmax_i[30:23] == 8'hFF && in_absmax_i[22:0] != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= '0;
    else if (table_en) valid_q <= {valid_q[ProductLatency-1:0], in_valid_i};
  end

  always_ff @(posedge clk_i) begin
    if (table_en) begin
      side_q <= {side_q[ProductLatency*SideWidth-1:0], nan, infinite, in_absmax_i[31], in_fmt_i, in_codes_i};
    end
  end

  logic [255:0] codes;
  logic [1:0]   fmt;
  logic         is_nan, is_inf, negative;

  assign {is_nan, is_inf, negative} = side_q[ProductLatency*SideWidth-1-:3];
  logic unused_side;
  assign unused_side = ^side_q[(ProductLatency+1)*SideWidth-1-:3];
  assign {fmt, codes} = side_q[ProductLatency*SideWidth+:SideWidth-3];

  // The codes of -1 and +1 pass absmax on, through the same delay.
  logic [ProductLatency*31-1:0] absmax_q;

  always_ff @(posedge clk_i) begin
    if (table_en) absmax_q <= {absmax_q[(ProductLatency-1)*31-1:0], in_absmax_i[30:0]};
  end

  // Stage 4: values. Stage 5: the table, one entry per code in the output format.
  logic [16*32-1:0] table_q;

  for (genvar k = 0; k < 16; k++) begin : g_entry
    localparam logic [31:0] Constant = nf4_pkg::Nf4Table[k*32+:32];

    logic [30:0] magnitude;
    logic [31:0] value, value_q;
    logic [15:0] fp16, bf16;

    if (Constant[30:0] == '0) begin : g_zero
      assign magnitude = '0;
    end else if (Constant[30:0] == 31'h3F80_0000) begin : g_one
      assign magnitude = absmax_q[(ProductLatency-1)*31+:31];
    end else begin : g_product
      nf4_product #(
        .CONSTANT(Constant[30:0])
      ) u_product (
        .clk_i,
        .en_i(table_en),
        .absmax_i(in_absmax_i[30:0]),
        .product_o(magnitude)
      );
    end

    // Zero times infinity is NaN.
    always_comb begin
      value = {Constant[31] ^ negative, magnitude};
      if (is_inf) value = {Constant[31] ^ negative, fp32_pkg::InfinityBits};
      if (is_nan || (is_inf && Constant[30:0] == '0)) value = fp32_pkg::CanonicalNan;
    end

    always_ff @(posedge clk_i) begin
      if (table_en) value_q <= value;
    end
    fp32_to_fp16 u_fp16 (
      .clk_i,
      .en_i(table_en),
      .x_i (value),
      .y_o (fp16)
    );
    fp32_to_bf16 u_bf16 (.x_i(value_q), .y_o(bf16));

    always_ff @(posedge clk_i) begin
      if (table_en) begin
        table_q[k*32+:32] <= fmt == nf4_pkg::FormatFp16 ? {16'h0, fp16} :
                             fmt == nf4_pkg::FormatBf16 ? {16'h0, bf16} : value_q;
      end
    end
  end

  logic [255:0] codes_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      table_valid_q <= 1'b0;
      beat_q        <= '0;
    end else if (table_en) begin
      table_valid_q <= valid_q[ProductLatency];
      beat_q        <= '0;
    end else if (out_en) begin
      beat_q        <= beat_q + BeatWidth'(1);
    end
  end

  // Stage 6: selection. The codes move down by a beat each time one has been used.
  logic [LANES*32-1:0] out_data_q;
  logic                out_last_q;

  if (Beats > 1) begin : g_shift
    always_ff @(posedge clk_i) begin
      if (table_en) codes_q <= codes;
      else if (out_en) codes_q <= codes_q >> (LANES * 4);
    end
  end else begin : g_whole
    always_ff @(posedge clk_i) begin
      if (table_en) codes_q <= codes;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_q <= 1'b0;
    else if (out_en) out_valid_q <= table_valid_q;
  end

  for (genvar i = 0; i < LANES; i++) begin : g_lane
    always_ff @(posedge clk_i) begin
      if (out_en) out_data_q[i*32+:32] <= table_q[codes_q[i*4+:4]*32+:32];
    end
  end

  always_ff @(posedge clk_i) begin
    if (out_en) out_last_q <= table_last;
  end

  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_data_q;
  assign out_last_o  = out_last_q;

endmodule : nf4_dequantizer
