# Data bus of a small processor to AXI4; top: word_master
rtl/vega_bridge/word_master.sv
