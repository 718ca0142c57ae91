# Two pipelines with what was seen of the places where they meet
-f rtl/core/edge_qlora_pair.f
sim/tops/pair_probe.sv
