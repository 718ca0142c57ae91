"""The cycle model: lists whose cycles follow from the pages of the IPs, what must not change them, and the RTL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edge_qlora import cli, cycle_model, decoder_program
from edge_qlora.array_model import ArrayModel, Hardware, blocks
from edge_qlora.bench import CLOCK_HZ, Case, predict, random_adapter
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import Command, End, Load, Matrix, Part, Product, Read, Vector, Write, pack_list
from edge_qlora.cycle_model import RATE, vector_cycles
from edge_qlora.driver import Accelerator
from edge_qlora.errors import OperandError
from edge_qlora.footprint import MemoryWindow
from edge_qlora.layout import BLOCK, VALUE_BYTES, tile_bytes
from edge_qlora.ordering import synchronize
from edge_qlora.rtl_backend import RtlBackend
from edge_qlora.runtime import Decoder, passes
from edge_qlora.vector import Function, Instruction, Operand, Reduction, Region

from sim.system import build as build_system
from sim.system import settings_of
from sw.tests.test_runtime import BASE, CONFIG, LIMITS, build

WIDE = Hardware(8, 256)
BOUND = 0.03  # of the RTL's cycles
SEQUENTIAL = 0.964  # docs/ip/ddr3_memory.md: beats per cycle of a sequential read
# Fetch of the first command: request, address, latency, bus, its beats, its check, its queue; report.
FETCH, REPORT = 5 + 1 + 6 + 22 + 1 + 2 + 4 + 4, 10 + 1


def cycles(commands: Sequence[Command], hardware: Hardware = WIDE) -> int:
    return cycle_model.predict([*commands, End()], hardware)["CYCLES_BUSY"]


def vector(length: int = 64, waits: tuple[int, ...] = (), post: tuple[int, ...] = (), **options) -> Vector:
    instruction = Instruction(length=length, d=Region(0), **options)
    return Vector(instruction=instruction, waits=frozenset(waits), post=frozenset(post))


def product(
    outputs: int,
    length: int,
    rows: int,
    rank: int = 0,
    waits: tuple[int, ...] = (),
    form: WeightFormat = WeightFormat.CODES,
) -> tuple[Load, Matrix]:
    """Codes in N mode, and with a rank an FP16 matrix in T mode."""
    count, size = outputs // BLOCK, length // BLOCK * tile_bytes(form)
    second = Part(1 << 18, 1, 2 * BLOCK * rank, step=2 * BLOCK * rank) if rank else None
    low = Product(Region(0), rank, True, WeightFormat.FP16) if rank else None
    load = Load(part0=Part(0, 1, size, step=size), part1=second, count=count)
    first = Product(Region(0), length, False, form)
    matrix = Matrix(d=Region(0), outputs=outputs, product0=first, product1=low, outer=rows, waits=frozenset(waits))
    return load, matrix


def per_block(length: int, rows: int, hardware: Hardware = WIDE, rank: int = 0) -> float:
    """Cycles that a block of 64 outputs more takes."""
    return (
        cycles(product(6400, length, rows, rank), hardware) - cycles(product(3200, length, rows, rank), hardware)
    ) / 50


def decoder_lists(tokens: int = 4, adapted: bool = False) -> list[Command]:
    """A pass of a small decoder."""
    image, _ = build(adapters={"lora": random_adapter(CONFIG, 8)} if adapted else {})
    return synchronize(decoder_program.forward(image, tokens, 0, LIMITS, 1))


@pytest.mark.parametrize(
    ("instruction", "eight", "four"),
    [
        (Instruction(length=64, d=Region(0)), 20 + 8, 20 + 16),
        (Instruction(length=64, x=Operand.B, d=Region(0)), 21 + 8, 21 + 16),
        (Instruction(length=64, outer=3, inner=2, d=Region(0)), 20 + 48, 20 + 96),
        (Instruction(length=64, function=Function.EXP, d=Region(0)), 36 + 7 * 4 + 1, 36 + 7 * 4 + 1),
        (Instruction(length=64, outer=3, reduction=Reduction.SUM), 20 + 3 * (8 + 39), 20 + 3 * (16 + 41)),
        (Instruction(length=64, outer=3, reduction=Reduction.MAX), 20 + 3 * (8 + 4), 20 + 3 * (16 + 3)),
        (Instruction(length=8, outer=2, reduction=Reduction.SUM), 20 + 2 * (1 + 39), 20 + 2 * (2 + 41)),
        # A short row waits for the sum of the one before, a long one does not: its functions take longer.
        (
            Instruction(length=64, outer=2, function=Function.EXP, reduction=Reduction.SUM),
            36 + 7 * 4 + (8 + 39) + 39 + 1,
            36 + 7 * 4 + (16 + 41) + 41 + 1,
        ),
        (
            Instruction(length=256, outer=2, function=Function.EXP, reduction=Reduction.SUM),
            36 + 31 * 4 + 32 * 4 + 39 + 1,
            36 + 31 * 4 + 32 * 4 + 41 + 1,
        ),
    ],
)
def test_vector_engine(instruction, eight, four):
    """docs/ip/vector_engine.md: 17, 18 or 33 cycles and 3 of the scratchpad to the first write; 1, 2 or 4 per word.

    ``make sim TEST=vector`` holds the RTL to what the model says.
    """
    for lanes, expected in ((8, eight), (4, four)):
        assert vector_cycles(instruction, lanes) == expected
        hardware = replace(WIDE, vector_lanes=lanes)
        assert cycles([Vector(instruction=instruction)], hardware) == FETCH + expected + REPORT


def test_an_engine_runs_its_commands_one_after_the_other():
    assert cycles([vector(6400)] * 3) == FETCH + 3 * (20 + 800) + 2 + REPORT


def test_semaphores_are_waited_for():
    """docs/ip/lists.md: an end to the offer of a command that waited for it takes five cycles."""
    write = Write(address=0, length=64, s=Region(0))
    apart = cycles([vector(8000), write])
    waiting = cycles([vector(8000, post=(1,)), replace(write, waits=frozenset((1,)))])
    assert apart == FETCH + 20 + 1000 + REPORT
    assert waiting - apart == 5 + cycles([write]) - FETCH - REPORT
    with pytest.raises(OperandError, match="WRITE waits for semaphore 1, which is zero there"):
        cycles([replace(write, waits=frozenset((1,))), vector(post=(1,))])


def test_a_full_queue_holds_the_fetch():
    """Four commands wait, one is on offer, one in the engine; what follows the next one comes when that one ends."""
    read = Read(address=0, length=8192, s=Region(0))
    assert cycles([vector(800)] * 6 + [read]) < cycles([vector(800)] * 7 + [read])
    alone = cycles([read]) - FETCH
    ends = [FETCH + n * (20 + 100 + 1) - 1 for n in range(1, 4)]
    for ahead, end in ((7, ends[0]), (8, ends[1]), (9, ends[2])):
        assert cycles([vector(800)] * ahead + [read]) == pytest.approx(end + alone, abs=12)


def test_weights_come_at_the_memory_s_rate():
    """One row: 66 beats of a tile of codes last longer than the array's 64 columns."""
    assert per_block(2048, 1) == pytest.approx(32 * 66 / RATE, rel=1e-3)
    assert per_block(2048, 1, Hardware(2, 128)) == pytest.approx(32 * 132 / RATE, rel=1e-3)
    assert per_block(2048, 1, replace(WIDE, bus_width=512)) == pytest.approx(
        32 * 34, rel=2e-2
    )  # 33 and one of the front end


@pytest.mark.parametrize(("columns", "rows"), [(2, 16), (4, 16), (8, 16), (3, 8)])
def test_many_rows_take_their_passes(columns, rows):
    expected = 32 * rows * -(-BLOCK // columns)
    assert per_block(2048, rows, replace(WIDE, columns=columns)) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("columns", [12, 16])
def test_activations_come_8_values_a_cycle(columns):
    assert per_block(2048, 32, replace(WIDE, columns=columns)) == pytest.approx(32 * 8 * 32, rel=1e-3)


def test_lora_b_waits_for_its_last_beat():
    """30 to 52 cycles per block beyond the beats and the front end's cycle per tile, when there are few beats."""
    for length in (64, 192):
        assert 30 <= per_block(length, 1, rank=16) - (length // BLOCK * (66 + 1) + 64 + 1) <= 52


def test_the_loader_runs_ahead_by_its_fifo():
    """While a MATRIX command waits, three or four bursts, quarters of the FIFO, come; 410 beats on the RTL."""
    late = vector(32000, post=(0,))
    begun = cycles([late]) - REPORT
    waited = cycles([late, *product(6400, 2048, 1, waits=(0,))]) - begun
    at_once = cycles(product(6400, 2048, 1)) - FETCH
    ahead = (at_once - waited) * RATE
    assert 384 <= ahead <= 512


def test_rows_of_a_bank_wait_for_one_another():
    """Rows of 128 beats in eight banks: a distance of 32 KB is always the same bank."""
    write = Write(address=0, length=64, s=Region(0), outer=32, outer_stride=32 << 10)
    assert cycles([write]) - cycles([replace(write, outer_stride=4 << 10)]) > 32 * 8


@pytest.mark.parametrize("adapted", [False, True])
@pytest.mark.parametrize("tokens", [1, 4])
def test_more_hardware_is_not_slower_and_more_work_not_faster(tokens, adapted):
    commands = decoder_lists(tokens, adapted)
    by_columns = [cycles(commands, Hardware(columns, 128)) for columns in (1, 2, 4, 8)]
    by_width = [cycles(commands, Hardware(4, width)) for width in (64, 128, 256)]
    assert by_columns == sorted(by_columns, reverse=True) and by_width == sorted(by_width, reverse=True)
    assert cycles(decoder_lists(tokens + 1, adapted)) > cycles(commands)


def test_skipped_blocks_cost_what_they_would(monkeypatch):
    lists = [product(6400, 2048, rows, rank) for rows in (1, 16) for rank in (0, 16)]
    skipped = [cycles(commands) for commands in lists]
    monkeypatch.setattr(
        ArrayModel, "_repeat", lambda self, block, n, *rest: [self._block(block, *rest) for _ in range(n)][-1]
    )
    assert skipped == [cycles(commands) for commands in lists]


def test_formats_of_projections_are_predicted(capsys, tmp_path):
    """A token of TinyLlama's first layer waits for the memory, which has more to give for larger formats."""
    file, found = tmp_path / "found.json", []
    for weights in ("nf4", "nf4,down_proj=int8", "fp16,q_proj=int8,v_proj=nf2", "fp16"):
        options = ["--layers", "1", "--decode", "1", "--weights", weights, "--memory", "4GiB", "--json", str(file)]
        assert cli.main(["bench", "--predict", "tinyllama-1.1b", *options]) == 0
        counters = json.loads(file.read_text())[0]["counters"]
        assert 0.85 < counters["READ_BEATS"] / counters["CYCLES_BUSY"] <= 1
        found.append(counters["CYCLES_BUSY"])
    assert found == sorted(found) and found[-1] > 3.5 * found[0]


def test_beats_and_vectors_are_counted():
    load, matrix = product(128, 192, 5)
    found = cycle_model.predict([load, matrix, End()], WIDE)
    assert found["MAC_VECTORS"] == 6 * 8 * 5
    assert found["READ_BEATS"] == 6 * 66 + 2 * 8 * 2  # and two groups of the list
    assert sum(tile.beats for block, n in blocks(matrix, WIDE) for tile in n * block) == 6 * 66


def test_passes_are_those_of_the_runtime():
    assert passes(17, 8, 1) == [(6, 0), (6, 0), (5, 1)]
    assert passes(17, 8, 7) == [(6, 0), (6, 2), (5, 5)] and passes(1, 8, 0) == [(1, 0)]


def test_predictions_are_labelled(capsys, tmp_path):
    file = tmp_path / "found.json"
    options = ["tinyllama-1.1b", "--layers", "1", "--decode", "1", "--prefill", "8", "--json", str(file)]
    assert cli.main(["bench", "--predict", *options]) == 0
    table = capsys.readouterr().out
    assert "| decode at context 1 (predicted) |" in table and "| prefill of 8 (predicted) |" in table
    first = json.loads(file.read_text())[0]
    assert first["case"] == "decode at context 1 (predicted)" and first["counters"]["CYCLES_BUSY"] > 700_000
    assert cli.main(["bench", "--predict", "tinyllama-1.1b", "--decode", "3000"]) == 1


def predictions(file: Path, options: str) -> list[dict]:
    """Records of ``edge-qlora bench --predict``, see ``bench.Measurement.record``."""
    assert cli.main(["bench", "--predict", *options.split(), "--json", str(file)]) == 0
    return json.loads(file.read_text())


@pytest.mark.parametrize(
    ("model", "contexts", "of_sequential"), [("tinyllama-1.1b", "1 512 2047", 0.97), ("smollm2", "1 8 511", 0.93)]
)
def test_decoding_takes_the_memory_s_rate(tmp_path, model, contexts, of_sequential):
    """Whole models, TinyLlama-1.1B in less than 100 ms per token; docs/results/speed.md has what the RTL takes."""
    for one in predictions(tmp_path / "found.json", f"{model} --decode {contexts}"):
        rate = one["counters"]["READ_BEATS"] / one["cycles"]
        assert rate >= of_sequential * SEQUENTIAL, one
        if model == "tinyllama-1.1b":
            assert rate >= 0.94 and one["cycles"] < 0.1 * CLOCK_HZ, one


def test_prefill_keeps_the_array_busy(tmp_path):
    """One layer without the head, as docs/results/speed.md has it; all layers are alike."""
    options = "tinyllama-1.1b --prefill 64 128 --layers 1 --set scratch_words=16384"
    for one in predictions(tmp_path / "found.json", options):
        assert one["counters"]["MAC_VECTORS"] >= 0.95 * one["cycles"], one


@pytest.mark.parametrize("options", ["--decode 1 2047", "--prefill 64 --layers 1 --set scratch_words=16384"])
def test_cost_of_an_adapter(tmp_path, options):
    """Rank 16 on all projections of TinyLlama: below 8 %, of one layer in prefill, and more than nothing."""
    plain, adapted = (
        predictions(tmp_path / "found.json", f"tinyllama-1.1b {options} {rank}") for rank in ("", "--rank 16")
    )
    for without, one in zip(plain, adapted, strict=True):
        assert 1.02 < one["cycles"] / without["cycles"] < 1.08, one


def test_a_function_takes_no_words_from_the_activations():
    """The scratchpad serves activations first: an array of 8 columns, which needs a word per cycle, is not held up."""
    load, matrix = product(6400, 2048, 16)
    function = vector(64, outer=500, function=Function.EXP)
    assert cycles([load, matrix, function]) - cycles([load, matrix]) <= 10


@pytest.mark.parametrize(
    ("form", "per_tile"),
    [
        (WeightFormat.CODES, 66 / RATE),
        (WeightFormat.INT8, 130 / RATE),
        # docs/ip/systolic.md: the cycles of 4-bit codes without waiting for the memory.
        (WeightFormat.CODES3, 66),
        (WeightFormat.CODES2, 66),
    ],
)
def test_formats_of_codes(form: WeightFormat, per_tile: float):
    """One row: 8-bit integers take their beats, smaller codes the cycles of 4-bit codes."""
    longer, shorter = (cycles(product(outputs, 2048, 1, form=form)) for outputs in (6400, 3200))
    assert (longer - shorter) / 50 / 32 == pytest.approx(per_tile, rel=0.03)


@pytest.mark.parametrize("transpose", [False, True])
def test_blocks_of_8_bits_take_the_time_of_fp16(transpose: bool):
    """What a beat of BFP8 becomes goes through one beat per cycle; FP16 waits for the memory besides."""

    def total(form: WeightFormat, tiles: int) -> int:
        length, outputs = (BLOCK * tiles, BLOCK) if transpose else (BLOCK, BLOCK * tiles)
        size = BLOCK * BLOCK * tiles * VALUE_BYTES[form]
        matrix = Matrix(d=Region(0), outputs=outputs, product0=Product(Region(0), length, transpose, form))
        return cycles([Load(part0=Part(0, 1, size)), matrix])

    for form, per_tile in ((WeightFormat.BFP8, 256), (WeightFormat.FP16, 256 / RATE)):
        assert (total(form, 128) - total(form, 64)) / 64 == pytest.approx(per_tile, rel=0.03)
    # One tile too, whose columns in T mode come when all of its beats have been taken.
    assert total(WeightFormat.BFP8, 1) == pytest.approx(total(WeightFormat.FP16, 1), abs=16)


@pytest.mark.parametrize("waiting", [False, True])
def test_products_against_the_rtl(waiting):
    """On the tiny configuration: long ones, and short ones of which each waits for the one before.

    A list of some thousand cycles meets one refresh more or less.
    """
    window = MemoryWindow(0, 1 << 21)
    accelerator = Accelerator(RtlBackend(build_system("tiny"), np.zeros(window.size, np.uint8)))
    asyncio.run(accelerator.open(window))
    outputs, count = (64, 16) if waiting else (1280, 1)
    for length, rows, rank in ((64, 1, 0), (64, 16, 0), (192, 4, 0), (64, 1, 16), (192, 16, 8)):
        commands: list[Command] = []
        for number in range(count):
            load, matrix = product(outputs, length, rows, rank, waits=(0,) * min(number, 1))
            commands += [
                replace(load, header_address=1 << 20, header_bytes=192),
                replace(matrix, header_bytes=192, post=frozenset((0,))),
            ]
        asyncio.run(accelerator.backend.write(1 << 19, pack_list([*commands, End()])))
        asyncio.run(accelerator.clear_counters())
        asyncio.run(accelerator.run_list(1 << 19))
        found = asyncio.run(accelerator.counters())["CYCLES_BUSY"]
        expected = cycles(commands, Hardware.of(settings_of("tiny", {})))
        assert expected == pytest.approx(found, rel=BOUND, abs=60), (length, rows, rank)


@pytest.mark.parametrize(
    ("adapted", "cache", "weights"),
    [
        (False, ValueFormat.BFP8, "nf4"),
        (True, ValueFormat.FP16, "nf4"),
        (True, ValueFormat.FP16, "fp16,q_proj=nf4,up_proj=int8"),
    ],
)
def test_a_small_decoder_against_the_rtl(adapted, cache, weights):
    """Short lists on the tiny configuration: what counts most here are latencies."""
    adapters = {"lora": random_adapter(CONFIG, 8)} if adapted else {}
    limits = replace(LIMITS, window=MemoryWindow(BASE, 1 << 21))
    image, memory = build(limits, adapters=adapters, cache=cache, weights=cli.weight_formats(weights))
    accelerator = Accelerator(RtlBackend(build_system("tiny"), memory, BASE))
    asyncio.run(accelerator.open(limits.window))
    decoder = Decoder(accelerator, image)
    for case in (Case(6, 6), Case(1, 7), Case(1, 8)):
        asyncio.run(accelerator.clear_counters())
        asyncio.run(decoder.forward(np.zeros(case.tokens, np.int64)))
        found = asyncio.run(accelerator.counters())
        expected = predict(image, accelerator.limits, case, Hardware.of(settings_of("tiny", {})))
        assert {n: found[n] for n in ("MAC_VECTORS", "READ_BEATS", "WRITE_BEATS")} == {
            n: expected.counters[n] for n in ("MAC_VECTORS", "READ_BEATS", "WRITE_BEATS")
        }
        assert expected.cycles == pytest.approx(found["CYCLES_BUSY"], rel=BOUND)


VALIDATION = [
    "tinyllama-1.1b --decode 1 512",
    "tinyllama-1.1b --prefill 16",
    "tinyllama-1.1b --decode 1 --prefill 16 --rank 16",
    "tinyllama-1.1b --prefill 64 --set scratch_words=16384",
    "tinyllama-1.1b --decode 1 --prefill 16 --set columns=4",
    "tinyllama-1.1b --prefill 16 --set columns=12 --set scratch_words=16384",
    "smollm2 --decode 1 512 --prefill 16 64",
    "smollm2 --decode 1 --prefill 16 64 --rank 16",
    "smollm2 --decode 1 --prefill 16 64 --set columns=2",
    "smollm2 --decode 1 --prefill 16 64 --set columns=12 --set scratch_words=16384",
    "smollm2 --decode 1 --prefill 16 --set bus_width=512",
    "smollm2 --decode 512 --prefill 64 --cache bfp8",
    "smollm2 --decode 1 512 --prefill 16 64 --config ecp5 --set nested_depth=2048",
]


@pytest.mark.slow
@pytest.mark.parametrize("options", VALIDATION)
def test_against_the_rtl(options, tmp_path, capsys):
    """One layer of real shapes: cycles within BOUND, beats and vectors exactly.

    Prints the rows of docs/results/cycle_model.md.
    """
    found = []
    for extra in ([], ["--predict"]):
        assert (
            cli.main(["bench", *options.split(), "--layers", "1", *extra, "--json", str(tmp_path / "found.json")]) == 0
        )
        found.append(json.loads((tmp_path / "found.json").read_text()))
    for measured, predicted in zip(*found, strict=True):
        rtl, model = measured["counters"], predicted["counters"]
        error = model["CYCLES_BUSY"] / rtl["CYCLES_BUSY"] - 1
        with capsys.disabled():
            row = (
                options,
                measured["case"],
                f"{rtl['CYCLES_BUSY']:,}",
                f"{model['CYCLES_BUSY']:,}",
                f"{100 * error:+.2f} %",
            )
            print(f"| {' | '.join(row)} |")
        assert abs(error) <= BOUND
        assert all(rtl[name] == model[name] for name in ("MAC_VECTORS", "READ_BEATS", "WRITE_BEATS"))
