# Two pipelines with a host of another clock at one memory port; top: edge_qlora_system
-f rtl/core/edge_qlora_pair.f
-f rtl/vega_bridge/host_bridge.f
rtl/core/edge_qlora_system.sv
