"""The golden core: lists of commands give what the models of its parts give, and what NumPy gives within the bound."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from edge_qlora.command_layout import ValueFormat, WeightFormat
from edge_qlora.commands import LAYOUTS, Command, End, Limits, Load, Matrix, Read, Vector, Write
from edge_qlora.ordering import check_list, hazards, synchronize
from edge_qlora.products import Factors, product
from edge_qlora.quantization import dequantize_nf4, quantize_nf4
from edge_qlora.registers import ErrorCode
from edge_qlora.vector import LANES, Function, Instruction, Operand, Reduction, Region, causal_softmax

from tb.commands.illegal import KINDS, illegal_program
from tb.commands.image import Image
from tb.commands.operands import random_values, random_weight
from tb.commands.program import faults, random_program
from tb.models import fp32, llama, qlora, transfers
from tb.models.core import Core, Report
from tb.models.error_bound import error_bound
from tb.models.matrix import Segment

LIMITS = Limits(1024, 16, 256)
RNG = np.random.default_rng(30)
SCALE = 0.37


def run(image: Image, commands: list[Command], act_width: int = 25, limits: Limits = LIMITS) -> Report:
    """Give commands their semaphores and run them as a list, on the image's memory."""
    ordered = synchronize([*commands, End()])
    assert not check_list(ordered) and not hazards(ordered)
    core = Core(image.memory, replace(limits, window=image.window), act_width, image.base)
    return core.run(image.list(ordered))


def read(image: Image, values: np.ndarray, place: int) -> Read:
    """Fill rows from a word on with values [M, n]."""
    rows, length = values.shape
    form = ValueFormat.FP16 if values.dtype == np.float16 else ValueFormat.FP32
    stride = length * values.itemsize
    s = Region(place, length // LANES)
    return Read(address=image.place(values), length=length, s=s, outer=rows, outer_stride=stride, format=form)


def write(address: int, place: int, rows: int, length: int, dtype: type = np.float32) -> Write:
    """The way back."""
    form = ValueFormat.FP16 if dtype == np.float16 else ValueFormat.FP32
    stride = length * np.dtype(dtype).itemsize
    s = Region(place, length // LANES)
    return Write(address=address, length=length, s=s, outer=rows, outer_stride=stride, format=form)


@pytest.mark.parametrize("act_width", [18, 25])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_forward_of_a_layer(dtype, act_width) -> None:
    """Two chunks of tokens, the second product made in two halves: bit for bit the model of a layer."""
    tokens, n, k, rank = 6, 192, 128, 5
    weight = random_weight(RNG, n, k)
    x, a, bt = (random_values(RNG, shape, dtype) for shape in ((tokens, k), (rank, k), (rank, n)))
    image = Image(1 << 18, 1 << 33)
    w, down, up = image.codes(weight), image.floats(a), image.floats(bt)
    y = image.allocate(tokens * n * 4)
    commands: list[Command] = []
    for begin in range(0, tokens, 4):
        rows = min(4, tokens - begin)
        xs, us, ys = Region(0, k // LANES), Region(200, 8), Region(300, n // LANES)
        commands += [
            read(image, x[begin : begin + rows], 0),
            *product(us, rank, [Factors(xs, down, False)], rows),
            *product(ys, 128, [Factors(xs, w, False), Factors(us, up, True, SCALE)], rows),
            *product(Region(316, 24), 64, [Factors(xs, w, False), Factors(us, up, True, SCALE)], rows, 1, 128, False),
            write(y + begin * n * 4, 300, rows, n),
        ]
    assert run(image, commands, act_width).error == ErrorCode.NONE
    expected = qlora.forward(qlora.Layer(qlora.code_weights(weight), a, bt, SCALE), x, act_width)
    np.testing.assert_array_equal(image.array(y, (tokens, n), np.float32), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_backward_of_a_layer(dtype) -> None:
    """All five steps in the scratchpad, with a reduction over tokens that is no multiple of 64."""
    tokens, n, k, rank = 7, 64, 128, 3
    weight = random_weight(RNG, n, k)
    x, dy, a, bt = (random_values(RNG, s, dtype) for s in ((tokens, k), (tokens, n), (rank, k), (rank, n)))
    image = Image(1 << 18)
    w, down, up, saved, grad = image.codes(weight), *(image.floats(v) for v in (a, bt, x, dy))
    places = {"dy": 0, "du": 100, "dx": 200, "a": 400, "bt": 500, "low": 600, "da": 700, "dbt": 800}
    out = {
        name: image.allocate(rows * size * 4)
        for name, rows, size in (("dx", tokens, k), ("da", rank, k), ("dbt", rank, n))
    }
    at = {
        name: Region(place, size // LANES)
        for (name, place), size in zip(places.items(), (n, 64, k, k, n, 64, k, n), strict=True)
    }
    commands = [
        read(image, dy, places["dy"]),
        *product(at["du"], rank, [Factors(at["dy"], up, False, SCALE)], tokens),
        *product(at["dx"], k, [Factors(at["dy"], w, True), Factors(at["du"], down, True)], tokens),
        write(out["dx"], places["dx"], tokens, k),
        read(image, a, places["a"]),
        *product(at["low"], tokens, [Factors(at["a"], saved, False)], rank),
        *product(at["dbt"], n, [Factors(at["low"], grad, True, SCALE)], rank),
        write(out["dbt"], places["dbt"], rank, n),
        read(image, bt, places["bt"]),
        *product(at["low"], tokens, [Factors(at["bt"], grad, False, SCALE)], rank),
        *product(at["da"], k, [Factors(at["low"], saved, True)], rank),
        write(out["da"], places["da"], rank, k),
    ]
    assert run(image, commands).error == ErrorCode.NONE
    expected = qlora.backward(qlora.Layer(qlora.code_weights(weight), a, bt, SCALE), x, dy, 25)
    np.testing.assert_array_equal(image.array(out["dx"], (tokens, k), np.float32), expected.dx)
    np.testing.assert_array_equal(image.array(out["da"], (rank, k), np.float32), expected.d_lora_a)
    np.testing.assert_array_equal(image.array(out["dbt"], (rank, n), np.float32), expected.d_lora_bt)


@pytest.mark.parametrize("context", [3, 64, 77])
def test_attention(context) -> None:
    """q k^T, softmax, p v: bit for bit the model of a decoder's attention."""
    tokens, heads, size = 2, 3, 64
    q = RNG.standard_normal((tokens, heads, size)).astype(np.float32)
    k, v = (RNG.standard_normal((context, size)).astype(np.float16) for _ in range(2))
    image = Image(1 << 18)
    keys, values = image.floats(k), image.floats(v)
    out = image.allocate(q.nbytes)
    width = -(-context // 64) * 8
    qs, scores, mixed, scalars = Region(0, 24, 8), Region(100, 3 * width, width), Region(400, 24, 8), 600
    inverse = Region(LANES * scalars, heads, 1)
    divide = Instruction(
        length=size, outer=tokens, inner=heads, a=mixed, x=Operand.B, b=inverse, b_per_row=True, d=mixed
    )
    commands = [
        read(image, q.reshape(-1, size), 0),
        read(image, np.ones((1, 32), np.float32), scalars),
        *product(scores, context, [Factors(qs, keys, False, size**-0.5)], tokens, heads),
        *(Vector(instruction=i) for i in causal_softmax(scores, scores, scalars, tokens, heads, context, context - 1)),
        *product(mixed, size, [Factors(scores, values, True)], tokens, heads),
        Vector(instruction=divide),
        write(out, 400, tokens * heads, size),
    ]
    assert run(image, commands).error == ErrorCode.NONE
    expected = llama.attention(q, fp32.from_fp16(k), fp32.from_fp16(v), 25)
    np.testing.assert_array_equal(image.array(out, q.shape, np.float32), expected)


def test_against_numpy_within_the_bound() -> None:
    """A quantized weight in either mode against float64, whose weight comes from bitsandbytes."""
    n, k, rows = 128, 192, 3
    weight = quantize_nf4((0.02 * RNG.standard_normal((n, k))).astype(np.float32))
    real = dequantize_nf4(weight).astype(np.float64)
    image = Image(1 << 18)
    w = image.codes(weight)
    for transpose, length, outputs in ((False, k, n), (True, n, k)):
        x = RNG.standard_normal((rows, length)).astype(np.float32)
        y = image.allocate(rows * outputs * 4)
        factors = [Factors(Region(0, length // LANES), w, transpose)]
        d = Region(300, outputs // LANES)
        run(image, [read(image, x, 0), *product(d, outputs, factors, rows), write(y, 300, rows, outputs)])
        exact = x.astype(np.float64) @ (real if transpose else real.T)
        segment = Segment(x, qlora.code_weights(weight), transpose)
        # The bound is for exact products of value and absmax; NumPy's weight is rounded to FP32 once.
        bound = error_bound([segment], 25, qlora.NF4_VALUES) + 2.0**-24 * np.abs(x) @ np.abs(
            real if transpose else real.T
        )
        error = np.abs(image.array(y, (rows, outputs), np.float32) - exact)
        assert (error <= bound).all() and error.max() > 0


def test_transfers_move_rows_in_any_order() -> None:
    """READ and WRITE with distances of both signs, both formats, against loops over single values."""
    image = Image(1 << 16)
    source = RNG.standard_normal((6, 48)).astype(np.float32)
    halves = RNG.standard_normal((6, 64)).astype(np.float16)
    target = image.allocate(4096)
    base = image.place(source)
    commands = [
        Read(
            address=base + 5 * 192,
            length=48,
            s=Region(0, 20, 7),
            outer=3,
            inner=2,
            outer_stride=-384,
            inner_stride=-192,
        ),
        Read(
            address=image.place(halves),
            length=64,
            s=Region(100 + 40, 65536 - 20, 10),
            outer=3,
            inner=2,
            outer_stride=256,
            inner_stride=128,
            format=ValueFormat.FP16,
        ),
        Write(
            address=target,
            length=32,
            s=Region(0, 20, 7),
            outer=3,
            inner=2,
            outer_stride=64,
            inner_stride=192,
            format=ValueFormat.FP16,
        ),
        Write(
            address=target + 1024,
            length=64,
            s=Region(140, 65536 - 20, 10),
            outer=3,
            inner=2,
            outer_stride=512,
            inner_stride=256,
        ),
    ]
    assert run(image, commands).error == ErrorCode.NONE
    written = image.array(target, (6, 32), np.float16)
    for o in range(3):
        for i in range(2):
            np.testing.assert_array_equal(written[o + 3 * i], source[5 - 2 * o - i, :32].astype(np.float16))
    np.testing.assert_array_equal(image.array(target + 1024, (6, 64), np.float32), halves.astype(np.float32))


def test_results_are_filled_with_zeros_and_activations_end_with_their_row() -> None:
    """Columns behind the last output are zero; values behind a short reduction do not matter, NaN among them."""
    image = Image(1 << 16)
    x = np.full((1, 64), np.nan, np.float32)
    x[0, :3] = 1, 2, 3
    columns, rows = np.ones((5, 64), np.float32), np.ones((3, 64), np.float32)
    y = image.allocate(512)
    commands = [
        read(image, x, 0),
        *product(Region(10), 64, [Factors(Region(0), image.floats(rows), True)]),
        *product(Region(20), 5, [Factors(Region(10), image.floats(columns), False)]),
        write(y, 20, 1, 64),
    ]
    assert run(image, commands).error == ErrorCode.NONE
    assert image.array(y, (64,), np.float32).tolist() == [6.0 * 64] * 5 + [0.0] * 59


def test_changed_weights_are_decoded_again() -> None:
    """By the host, and by a WRITE command of the same list."""
    image = Image(1 << 16)
    weights = image.floats(np.ones((64, 64), np.float32))
    x, ones = np.ones((1, 64), np.float32), np.full((1, 64), 2, np.float32)
    y = image.allocate(512)
    multiply = [*product(Region(20), 64, [Factors(Region(0), weights, False)])]
    commands = [read(image, x, 0), *multiply, write(y, 20, 1, 64)]
    second = [read(image, ones, 10), write(weights.address + 256 * 3, 10, 1, 64), *multiply, write(y + 256, 20, 1, 64)]
    address = image.list(synchronize([*commands, *second, End()]))
    core = Core(image.memory, replace(LIMITS, window=image.window), 25)
    assert core.run(address).error == ErrorCode.NONE
    assert image.array(y, (64,), np.float32).tolist() == [64] * 64
    assert image.array(y + 256, (64,), np.float32).tolist() == [64] * 3 + [128] + [64] * 60
    core.write(weights.address, np.full(64, 3, np.float32).tobytes())
    core.run(address)
    assert image.array(y, (4,), np.float32).tolist() == [192, 64, 64, 128]


def test_old_weights_are_forgotten() -> None:
    """The cache keeps to its size, the latest weights stay."""
    image = Image(1 << 18)
    weights = [image.floats(np.ones((64, 64), np.float32)) for _ in range(4)]
    products = [product(Region(20), 64, [Factors(Region(0), w, False)]) for w in weights]
    commands = [read(image, np.ones((1, 64), np.float32), 0), *(c for pair in products for c in pair)]
    core = Core(image.memory, replace(LIMITS, window=image.window), 25, cache_bytes=2 * 64 * 65 * 4)
    core.run(image.list(synchronize([*commands, End()])))
    kept = [key[0].part0.address for key in core._cache]
    assert kept == [w.address for w in weights[2:]]


def test_counters() -> None:
    """Bytes without those of the list; with 8 columns a tile takes 8 passes, one of 5 columns a single one."""
    image = Image(1 << 18)
    w, f = image.codes(random_weight(RNG, 64, 128)), image.floats(np.ones((5, 64), np.float32))
    commands = [
        read(image, np.ones((3, 128), np.float32), 0),
        *product(Region(100, 8), 64, [Factors(Region(0, 16), w, False)], 3),
        *product(Region(200, 8), 5, [Factors(Region(0, 16), f, False)], 3),
        write(image.allocate(3 * 128), 100, 3, 64, np.float16),
    ]
    report = run(image, commands)
    assert report == Report(
        commands=6,
        read_bytes=3 * 512 + w.header_bytes + 2 * 2112 + 5 * 256,
        write_bytes=3 * 128,
        mac_vectors=3 * (2 * 8 + 1),
    )


def test_nonfinite_runs_to_the_end() -> None:
    """The first MATRIX command with a NaN is reported, and what follows is done all the same."""
    image = Image(1 << 16)
    weights = np.ones((64, 64), np.float32)
    bad = weights.copy()
    bad[3, 5] = np.inf
    good, first, second = image.floats(weights), image.floats(bad), image.floats(bad)
    y = image.allocate(256)
    pairs = [
        product(Region(10 * n), 64, [Factors(Region(0), w, False)]) for n, w in ((1, good), (2, first), (3, second))
    ]
    commands = synchronize(
        [read(image, np.ones((1, 64), np.float32), 0), *(c for p in pairs for c in p), write(y, 10, 1, 64), End()]
    )
    address = image.list(commands)
    core = Core(image.memory, replace(LIMITS, window=image.window), 25)
    report = core.run(address)
    assert (report.error, report.command, report.info) == (ErrorCode.NONFINITE, address + 4 * 64, 0)
    assert report.commands == 8 and image.array(y, (64,), np.float32).tolist() == [64] * 64


@pytest.mark.parametrize("kind", KINDS)
def test_faults(kind) -> None:
    """The error, its command and its information are those that the fault was made for."""
    for seed in range(8):
        case = illegal_program(np.random.default_rng(seed), kind, LIMITS, 25)
        core = Core(case.program.image.memory, case.program.limits, 25, case.program.image.base)
        report = core.run(case.address)
        assert (report.error, report.info) == (case.error, case.info), case.fault
        assert report.command in case.commands, case.fault


def test_order_of_errors() -> None:
    """Streams and partners that are missing, and the first of several errors."""
    image = Image(1 << 16)
    load, matrix = product(Region(10), 64, [Factors(Region(0), image.floats(np.ones((64, 64), np.float32)), False)])
    wrong = replace(load, part0=replace(load.part0, rows=63))
    waits = Read(address=0, length=16, s=Region(0), waits=frozenset({2}))
    far = Read(address=image.window.limit, length=16, s=Region(0))
    for commands, error, position, info in (
        ([load, End()], ErrorCode.STREAM, 0, 0),
        ([load, load, End()], ErrorCode.STREAM, 1, 0),
        ([matrix, load, End()], ErrorCode.DEADLOCK, 0, 0),
        ([wrong, matrix, End()], ErrorCode.STREAM, 1, 0),
        ([waits, far, End()], ErrorCode.DEADLOCK, 0, 0),
        ([far, waits, End()], ErrorCode.RANGE, 0, image.window.limit),
    ):
        address = image.list(commands)
        report = Core(image.memory, replace(LIMITS, window=image.window), 25).run(address)
        assert (report.error, report.command, report.info) == (error, address + 64 * position, info)


def test_list_outside_of_the_window() -> None:
    """A list without END runs into the window's end."""
    image = Image(4096)
    core = Core(image.memory, replace(LIMITS, window=image.window), 25)
    assert core.run(4096) == Report(ErrorCode.RANGE, 4096, 4096)
    read_end = Read(address=0, length=16, s=Region(0))
    core.write(4096 - 64, read_end.pack())
    assert core.run(4096 - 64) == Report(ErrorCode.RANGE, 4096, 4096, commands=1, read_bytes=64)


def test_random_programs() -> None:
    """They are legal, and one command after the other gives the same as the list without its semaphores."""
    for seed in range(15):
        program = random_program(np.random.default_rng(seed), LIMITS)
        assert not faults(program)
        image = program.image
        bare = [replace(c, waits=frozenset(), post=frozenset()) for c in program.commands]
        results = []
        for commands in (program.commands, bare):
            memory = image.memory.copy()
            core = Core(memory, program.limits, 25, image.base)
            core.write(program.address, b"".join(c.pack() for c in commands))
            report = core.run(program.address)
            assert report.error in (ErrorCode.NONE, ErrorCode.NONFINITE)
            core.write(program.address, bytes(64 * len(commands)))
            results.append((memory, core.scratch.view(np.uint32)))
        np.testing.assert_array_equal(results[0][0], results[1][0])
        np.testing.assert_array_equal(results[0][1], results[1][1])


def test_transfers_agree_with_their_own_model() -> None:
    """LOAD, READ and WRITE commands of random programs against ``tb/models/transfers.py``, which takes their fields."""
    for seed in range(6):
        program = random_program(np.random.default_rng(seed), LIMITS)
        image = program.image
        rng = np.random.default_rng(seed)
        for command in program.commands:
            if not isinstance(command, Load | Read | Write):
                continue
            bits = int.from_bytes(command.pack(), "little")
            layout = LAYOUTS[command.opcode]
            fields = {name: bits >> lsb & (1 << width) - 1 for name, (lsb, width) in layout.items()}
            core = Core(image.memory.copy(), program.limits, 25, image.base)
            core.scratch[:] = rng.standard_normal(core.scratch.shape)
            memory, scratch = core.memory.copy(), core.scratch.copy().view(np.uint32)
            if isinstance(command, Load):
                np.testing.assert_array_equal(core._stream(command), transfers.load_stream(memory, fields, image.base))
                continue
            step = core._read if isinstance(command, Read) else core._write
            step(command)
            (transfers.read_rows if isinstance(command, Read) else transfers.write_rows)(
                memory, scratch, fields, image.base
            )
            np.testing.assert_array_equal(core.memory, memory)
            np.testing.assert_array_equal(core.scratch.view(np.uint32), scratch)


def test_random_programs_use_everything() -> None:
    """All kinds of weights, both modes, short blocks, headers and their absence, masks, functions, formats."""
    seen: set[tuple] = set()
    for seed in range(60):
        for command in random_program(np.random.default_rng(seed), LIMITS).commands:
            if isinstance(command, Matrix):
                seen |= {("weights", p.format, p.transpose) for p in command.products}
                seen |= {("products", len(command.products)), ("short columns", command.outputs % 64 > 0)}
                seen |= {("short reduction", p.length % 64 > 0) for p in command.products}
                seen.add(("header", command.header_bytes > 0, bool(command.blocks)))
            elif isinstance(command, Vector):
                i = command.instruction
                seen |= {("function", i.function), ("reduction", i.reduction), ("x", i.x), ("z", i.z)}
                seen |= {("masked", i.first is not None), ("exchange", i.exchange > 0), ("per row", i.b_per_row)}
                seen.add(("store", i.d is not None))
            elif isinstance(command, Read | Write):
                seen.add((command.opcode.name, command.format, command.inner > 1, command.outer_stride < 0))
            elif isinstance(command, Load):
                seen |= {("parts", len(command.parts)), ("repeated", command.count > 1)}
    both = (False, True)
    expected = {("weights", form, mode) for form in WeightFormat for mode in both} - {
        ("weights", WeightFormat.INT8, True)
    }
    expected |= {("header", there, codes) for there in both for codes in both}
    expected |= {(name, flag) for name in ("short columns", "short reduction", "repeated") for flag in both}
    expected |= {(name, flag) for name in ("masked", "exchange", "per row", "store") for flag in both}
    expected |= {(name, n) for name in ("products", "parts") for n in (1, 2)}
    expected |= (
        {("function", f) for f in Function} | {("reduction", r) for r in Reduction} | {("x", x) for x in Operand}
    )
    expected |= {("z", z) for z in (Operand.IMMEDIATE, Operand.B)}
    readable = set(ValueFormat) - {ValueFormat.BFP8}
    expected |= {("READ", form, nested, down) for form in readable for nested in both for down in both}
    expected |= {("WRITE", form, nested, False) for form in ValueFormat for nested in both}
    assert expected <= seen, expected - seen


@pytest.mark.parametrize(("rows", "limit"), [(1, 0.1), (16, 0.3)])
def test_decoded_weights_make_it_fast(rows, limit) -> None:
    """A 2048 x 2048 matrix of codes, after its first time; the limit is for an idle machine."""
    image = Image(1 << 22)
    w = image.codes(random_weight(RNG, 2048, 2048))
    x = Region(0, 256)
    commands = synchronize([*product(Region(4096, 256), 2048, [Factors(x, w, False)], rows), End()])
    core = Core(image.memory, Limits(1 << 14, 64, 4096, image.window), 25)
    address = image.list(commands)
    core.run(address)
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        core.run(address)
        best = min(best, time.process_time() - started)
    print(f"{rows} rows: {1e3 * best:.0f} ms")
    assert best < 4 * limit
