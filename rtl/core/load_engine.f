# LOAD engine
rtl/core/commands_pkg.sv
rtl/common/stream_ram_fifo.sv
rtl/common/stream_register.sv
rtl/core/load_engine.sv
