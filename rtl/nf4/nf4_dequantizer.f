# NF4 dequantizer
rtl/common/fp32_pkg.sv
rtl/common/fp32_to_fp16.sv
rtl/common/fp32_to_bf16.sv
rtl/nf4/nf4_pkg.sv
rtl/nf4/nf4_product.sv
rtl/nf4/nf4_dequantizer.sv
