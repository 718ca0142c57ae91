# Double dequantizer, as a pipeline and as a stream
rtl/common/fp32_pkg.sv
rtl/common/fp32_mul.sv
rtl/common/fp32_add.sv
rtl/nf4/nf4_pkg.sv
rtl/nf4/double_dequantizer.sv
rtl/nf4/double_dequantizer_stream.sv
