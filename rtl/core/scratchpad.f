# Scratchpad: banks and their ports.
rtl/common/round_robin.sv
rtl/core/scratchpad_port.sv
rtl/core/scratchpad_banks.sv
rtl/core/scratchpad.sv
