# Scratchpad: banks and their ports.
rtl/common/round_robin.sv
rtl/core/scratchpad.sv
