# Exact mean
rtl/common/fp32_pkg.sv
rtl/nf4/exact_mean.sv
