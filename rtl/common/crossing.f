# Between clocks
rtl/common/sync_bits.sv
rtl/common/sync_reset.sv
rtl/common/async_fifo.sv
