# NF4 quantizer
rtl/common/fp32_pkg.sv
rtl/common/stream_fifo.sv
rtl/common/fp16_to_fp32.sv
rtl/common/bf16_to_fp32.sv
rtl/nf4/nf4_pkg.sv
rtl/nf4/reciprocal_stage.sv
rtl/nf4/significand_reciprocal.sv
rtl/nf4/threshold_search.sv
rtl/nf4/nf4_quant_lane.sv
rtl/nf4/nf4_block_absmax.sv
rtl/nf4/nf4_quantizer.sv
