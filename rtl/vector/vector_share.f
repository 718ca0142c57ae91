# Shares a vector engine; top: vector_share
rtl/vector/vector_pkg.sv
rtl/common/round_robin.sv
rtl/vector/vector_share.sv
