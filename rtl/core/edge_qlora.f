# The whole accelerator; top: edge_qlora
-f rtl/vega_bridge/vega_bridge.f
-f rtl/vega_bridge/axi_master.f
-f rtl/core/control.f
-f rtl/core/load_engine.f
-f rtl/core/matrix_engine.f
-f rtl/vector/vector_engine.f
-f rtl/core/read_engine.f
-f rtl/core/write_engine.f
-f rtl/core/scratchpad.f
rtl/core/command_unit.sv
rtl/core/event_counters.sv
rtl/core/qlora_core.sv
rtl/core/edge_qlora.sv
