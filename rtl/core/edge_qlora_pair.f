# Two pipelines; top: edge_qlora_pair
-f rtl/core/edge_qlora.f
rtl/vector/vector_share.sv
rtl/vega_bridge/axi_join.sv
rtl/core/edge_qlora_pair.sv
