# The bridge with its register bus as ports
-f rtl/vega_bridge/vega_bridge.f
sim/tops/vega_bridge_probe.sv
