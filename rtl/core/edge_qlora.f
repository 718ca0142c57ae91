# The whole accelerator; top: edge_qlora
-f rtl/vega_bridge/vega_bridge.f
-f rtl/vega_bridge/axi_master.f
-f rtl/systolic/matrix_unit.f
rtl/common/stream_resize.sv
rtl/common/stream_fork.sv
rtl/core/descriptor_pkg.sv
rtl/core/core_pkg.sv
rtl/core/descriptor_fetch.sv
rtl/core/descriptor_check.sv
rtl/core/step_table.sv
rtl/core/operand_lookup.sv
rtl/core/step_operands.sv
rtl/core/chunk_planner.sv
rtl/core/tile_walker.sv
rtl/core/step_runner.sv
rtl/core/job_control.sv
rtl/core/job_sequencer.sv
rtl/core/write_release.sv
rtl/core/event_counters.sv
rtl/core/qlora_core.sv
rtl/core/edge_qlora.sv
