# Two pipelines with what was seen of the places where they meet
-f rtl/core/edge_qlora_pair.f
sim/tops/edge_qlora_pair_probe.sv
