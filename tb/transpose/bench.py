"""Benches of the tile transposer: NF4 codes at 64 a beat, FP16 and FP32 values at the width of the memory bus."""

from __future__ import annotations

from sim.bench import Bench

DESCRIPTION = "64x64 tile transposer: order of elements, double buffering, throughput, reset"

FILELIST = "rtl/systolic/tile_transposer.f"
MODULE = "tb.transpose.test_transpose"

BENCHES = [
    Bench(
        name="transpose_codes",
        top="tile_transposer",
        filelist=FILELIST,
        module=MODULE,
        parameters=lambda config: {"LANES": 64, "WIDTH": 4},
        configs=("tiny",),
    ),
    Bench(
        name="transpose_floats",
        top="tile_transposer",
        filelist=FILELIST,
        module=MODULE,
        parameters=lambda config: {"LANES": config["bus_width"] // 16, "WIDTH": 16, "WIDE": 1},
    ),
    Bench(
        name="transpose_512",
        top="tile_transposer",
        filelist=FILELIST,
        module=MODULE,
        parameters=lambda config: {"LANES": 32, "WIDTH": 16, "WIDE": 1},
        configs=("tiny",),
    ),
]
