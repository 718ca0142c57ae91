# 64-bit event counters; top: event_counters
rtl/core/event_counters.sv
