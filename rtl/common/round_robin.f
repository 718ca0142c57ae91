rtl/common/round_robin.sv
