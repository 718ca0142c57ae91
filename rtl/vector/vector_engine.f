# Vector engine: vector_engine and everything below it.
-f rtl/vector/function_unit.f
rtl/common/fp32_mul.sv
rtl/common/fp32_add.sv
rtl/common/step_delay.sv
rtl/common/stream_fifo.sv
rtl/common/stream_stage.sv
rtl/core/commands_pkg.sv
rtl/vector/vector_pkg.sv
rtl/vector/row_counter.sv
rtl/vector/row_address.sv
rtl/vector/operand_queue.sv
rtl/vector/operand_reader.sv
rtl/vector/function_lanes.sv
rtl/vector/row_reducer.sv
rtl/vector/result_writer.sv
rtl/vector/vector_engine.sv
