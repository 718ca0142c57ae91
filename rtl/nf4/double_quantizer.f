# Double quantizer
rtl/common/fp32_pkg.sv
rtl/common/stream_fifo.sv
rtl/nf4/nf4_pkg.sv
rtl/nf4/reciprocal_stage.sv
rtl/nf4/significand_reciprocal.sv
rtl/nf4/threshold_search.sv
rtl/nf4/centred_absmax.sv
rtl/nf4/dynamic_quant_lane.sv
rtl/nf4/double_quantizer.sv
