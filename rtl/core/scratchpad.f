# Scratchpad: banks and their ports.
rtl/common/stream_register.sv
rtl/common/stream_stage.sv
rtl/common/round_robin.sv
rtl/core/scratchpad_port.sv
rtl/core/scratchpad_banks.sv
rtl/core/scratchpad.sv
