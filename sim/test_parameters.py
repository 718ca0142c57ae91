"""Parameters that cannot work stop the build with a module whose name says what is wrong: Verilator and Icarus in every
case, yosys in one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sim.bench import read_filelist
from sim.lint import yosys_check
from sim.tools import require_simulator, verilator_environment

MATRIX, MASTER, BRIDGE = "rtl/core/matrix_engine.f", "rtl/vega_bridge/axi_master.f", "rtl/vega_bridge/vega_bridge.f"
STREAMS, CONTROL, DDR3 = "rtl/common/streams.f", "rtl/core/control.f", "sim/tops/axi_ddr3_memory.f"
LINK, ARRAY = "rtl/uart_link/uart_axi.f", "sim/tops/systolic_array.f"
CASES = [
    ("matrix_engine", MATRIX, {"COLUMNS": 17}, "matrix_unit_COLUMNS_must_be_1_to_16"),
    ("matrix_engine", MATRIX, {"ACT_W": 24}, "matrix_unit_ACT_W_must_be_18_or_25"),
    ("matrix_engine", MATRIX, {"MAX_ROWS": 48}, "matrix_unit_MAX_ROWS_must_be_a_power_of_two_from_2"),
    ("matrix_engine", MATRIX, {"MAX_ROWS": 1}, "matrix_unit_MAX_ROWS_must_be_a_power_of_two_from_2"),
    ("matrix_engine", MATRIX, {"BUS_W": 64, "NESTED_DEPTH": 8}, "matrix_unit_NESTED_DEPTH_must_be_a_power_of_two"),
    ("matrix_engine", MATRIX, {"BUS_W": 512, "NESTED_DEPTH": 16}, "matrix_unit_NESTED_DEPTH_must_be_a_power_of_two"),
    ("matrix_engine", MATRIX, {"SCRATCH_W": 8}, "matrix_check_SCRATCH_W_must_be_9_to_16"),
    ("matrix_engine", MATRIX, {"SCRATCH_W": 17}, "matrix_check_SCRATCH_W_must_be_9_to_16"),
    ("axi_master", MASTER, {"DATA_W": 96}, "data_w_must_be_64_128_256_or_512"),
    ("axi_master", MASTER, {"MAX_BURST": 257}, "max_burst_must_be_whole_lines_of_at_most_256_beats"),
    ("axi_master", MASTER, {"CLIENTS": 9}, "clients_must_be_1_to_8"),
    ("axi_master", MASTER, {"DATA_W": 64, "CREDITS": 4}, "CREDITS_must_be_0_or_at_least_a_line"),
    ("axi_master", MASTER, {"READ_OUTSTANDING": 1}, "outstanding_must_be_at_least_2"),
    ("axi_master", MASTER, {"ID_W": 2, "ID_VALUE": 4}, "id_value_does_not_fit_id_w"),
    ("vega_bridge", BRIDGE, {"DATA_W": 256}, "DATA_W_must_be_32_64_or_128"),
    ("vega_bridge", BRIDGE, {"MAX_ROWS": 65536}, "limits_must_fit_16_bits"),
    ("vega_bridge", BRIDGE, {"SCRATCH_W": 8}, "SCRATCH_W_must_be_9_to_16"),
    ("nf4_quantizer", "rtl/nf4/nf4_quantizer.f", {"LANES": 3}, "nf4_quantizer_LANES_must_be_a_power_of_two_up_to_16"),
    ("nf4_dequantizer", "rtl/nf4/nf4_dequantizer.f", {"LANES": 4}, "nf4_dequantizer_LANES_must_be_8_16_32_or_64"),
    ("tile_transposer", "rtl/systolic/tile_transposer.f", {"LANES": 3}, "tile_transposer_LANES_must_be_a_power_of_two"),
    (
        "tile_transposer",
        "rtl/systolic/tile_transposer.f",
        {"LANES": 64, "WIDE": 1},
        "tile_transposer_WIDE_needs_4_to_32",
    ),
    ("block_aligner", MATRIX, {"HALVES": 1}, "block_aligner_HALVES_needs_a_WIDTH_of_18"),
    ("block_aligner", MATRIX, {"PARTS": 16}, "block_aligner_PARTS_must_be_a_power_of_two"),
    ("systolic_array", ARRAY, {"PARTS": 8}, "systolic_array_PARTS_must_be_1_2_or_4"),
    ("systolic_array", ARRAY, {"PARTS": 2, "PORTS": 2}, "systolic_array_PARTS_must_be_1_2_or_4_and_1_with"),
    ("int_to_fp32", "rtl/common/fp32.f", {"WIDTH": 65}, "int_to_fp32_WIDTH_must_be_2_to_64"),
    (
        "vector_engine",
        "rtl/vector/vector_engine.f",
        {"UNITS": 8},
        "function_lanes_LANES_must_be_UNITS_times_a_power_of",
    ),
    ("vector_engine", "rtl/vector/vector_engine.f", {"LANES": 2}, "vector_engine_LANES_must_be_4_or_8"),
    (
        "vector_share",
        "rtl/core/edge_qlora_pair.f",
        {"SCRATCH_W": 12},
        "vector_share_SCRATCH_W_must_be_that_of_the_larger",
    ),
    ("scratchpad", "rtl/core/scratchpad.f", {"BANKS": 3}, "scratchpad_BANKS_must_be_a_power_of_two"),
    ("command_fetch", CONTROL, {"BUS_W": 96}, "command_fetch_BUS_W_must_be_64_128_256_or_512"),
    ("semaphores", CONTROL, {"COUNT": 12}, "semaphores_COUNT_must_be_a_power_of_two"),
    ("list_control", CONTROL, {"WATCHDOG": 0}, "list_control_WATCHDOG_must_be_positive"),
    ("axi_ddr3_memory", DDR3, {"BURSTS": 1}, "axi_ddr3_memory_INDEX_W_must_be_11_to_that_of_ADDR_W_and_BURSTS"),
    ("axi_ddr3_memory", DDR3, {"DATA_W": 32}, "axi_ddr3_memory_DATA_W_must_be_64_128_256_or_512"),
    ("load_engine", "rtl/core/load_engine.f", {"ADDR_W": 37}, "load_engine_ADDR_W_must_be_at_least_38"),
    ("read_engine", "rtl/core/read_engine.f", {"SCRATCH_W": 17}, "transfer_rows_SCRATCH_W_must_be_9_to_16"),
    ("write_engine", "rtl/core/write_engine.f", {"ADDR_W": 36}, "transfer_rows_ADDR_W_must_be_at_least_38"),
    ("uart_axi", LINK, {"BIT_CLOCKS_X16": 63}, "uart_receiver_BIT_CLOCKS_X16_must_be_at_least_64"),
    ("uart_axi", LINK, {"MAX_WORDS": 3}, "uart_frames_MAX_WORDS_must_be_4_to_32767"),
    ("uart_axi", LINK, {"TIMEOUT": 200}, "uart_axi_TIMEOUT_must_be_longer_than_two_bytes"),
    (
        "uart_axi",
        LINK,
        {"REGISTERS_BASE": 1 << 16},
        "uart_axi_REGISTERS_BASE_must_be_a_multiple_of_4_behind_the_memory",
    ),
    ("uart_axi", LINK, {"DATA_W": 96}, "axi_word_master_DATA_W_must_be_32_64_128_256_or_512"),
    ("axi_ram", "rtl/uart_link/axi_ram.f", {"BYTES": 6000}, "axi_ram_BYTES_must_be_a_multiple_of_4096"),
    ("axi_ram", "rtl/uart_link/axi_ram.f", {"DATA_W": 96}, "axi_ram_DATA_W_must_be_a_power_of_two_from_32_to_512"),
    ("stream_fifo", STREAMS, {"DEPTH": 1}, "stream_fifo_DEPTH_must_be_at_least_2"),
    ("stream_ram_fifo", STREAMS, {"DEPTH": 48}, "stream_ram_fifo_DEPTH_must_be_a_power_of_two_of_at_least_4"),
    ("stream_resize", STREAMS, {"IN_WIDTH": 3, "OUT_WIDTH": 2}, "stream_resize_widths_must_have_an_integer_ratio"),
]


@pytest.mark.parametrize(("top", "filelist", "parameters", "error"), CASES, ids=[case[3] for case in CASES])
def test_verilator_stops(top: str, filelist: str, parameters: dict[str, int], error: str) -> None:
    """Verilator names the module that does not exist."""
    options = [f"-G{name}={value}" for name, value in parameters.items()]
    command = ["verilator", "--lint-only", "-Wno-fatal", "--top", top, *options, *map(str, read_filelist(filelist))]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **verilator_environment()})
    assert done.returncode != 0 and f"ERROR_{error}" in done.stderr, done.stderr[-2000:]


@pytest.mark.parametrize(("top", "filelist", "parameters", "error"), CASES, ids=[case[3] for case in CASES])
def test_icarus_stops(top: str, filelist: str, parameters: dict[str, int], error: str, tmp_path: Path) -> None:
    """Icarus names it too."""
    require_simulator("icarus")
    options = [f"-P{top}.{name}={value}" for name, value in parameters.items()]
    command = ["iverilog", "-g2012", "-o", tmp_path / "out", "-s", top, *options, *read_filelist(filelist)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and f"ERROR_{error}" in done.stderr, done.stderr[-2000:]


def test_yosys_stops() -> None:
    """And so does yosys."""
    top, filelist, parameters, error = CASES[0]
    _, ok, output = yosys_check(top, filelist, "bad", parameters)
    assert not ok and f"ERROR_{error}" in output, output
