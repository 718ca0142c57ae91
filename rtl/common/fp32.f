# FP32 units
rtl/common/fp32_pkg.sv
rtl/common/fp32_mul.sv
rtl/common/fp32_add.sv
rtl/common/int_to_fp32.sv
rtl/common/fp16_to_fp32.sv
rtl/common/bf16_to_fp32.sv
rtl/common/fp32_to_fp16.sv
rtl/common/fp32_to_bf16.sv
