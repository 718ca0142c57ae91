# Control side of the core: list, queues, semaphores.
-f rtl/common/streams.f
rtl/common/round_robin.sv
rtl/vega_bridge/registers_pkg.sv
rtl/core/commands_pkg.sv
rtl/core/command_fetch.sv
rtl/core/command_queue.sv
rtl/core/semaphores.sv
rtl/core/list_errors.sv
rtl/core/list_control.sv
