"""Planner and driver over the software backend, against PyTorch with bitsandbytes and PEFT."""

import asyncio
import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from edge_qlora import errors, registers
from edge_qlora.checkpoint import open_checkpoint
from edge_qlora.driver import Accelerator, QloraLinear
from edge_qlora.job import ADDRESSES, MemoryWindow, Opcode
from edge_qlora.layout import tensor_bytes
from edge_qlora.planner import Allocator, Job, LayerPlan, Segment
from edge_qlora.quantization import dequantize_nf4, quantize_nf4
from model_backend import ModelBackend

from tb.reference import LinearCase, float64_reference, relative_error

WINDOW = MemoryWindow(0x9_0000_0000, 1 << 20)  # above 4 GB: the high address registers count
N, K, RANK, TOKENS, SCALE = 128, 192, 8, 5, 0.5


@pytest.fixture(scope="module")
def case() -> LinearCase:
    rng = np.random.default_rng(21)
    arrays = ((N, K), (TOKENS, K), (TOKENS, N), (RANK, K), (N, RANK))
    weight, *others = (rng.standard_normal(shape).astype(np.float32) for shape in arrays)
    return LinearCase("random", quantize_nf4(weight), *others, SCALE)


async def open_layer(case: LinearCase, tokens: int = TOKENS, **types) -> tuple[QloraLinear, ModelBackend]:
    backend = ModelBackend(WINDOW.base, WINDOW.size)
    accelerator = Accelerator(backend)
    await accelerator.open(WINDOW)
    layer = QloraLinear(accelerator, LayerPlan(WINDOW, case.weight, tokens, case.rank, case.scale, **types))
    await layer.load()
    if case.rank:
        await layer.set_adapter(case.lora_a, case.lora_b)
    return layer, backend


def test_forward_and_backward(case):
    async def scenario():
        layer, backend = await open_layer(case)
        y = await layer.forward(case.x)
        gradients = await layer.backward(case.x, case.dy)
        expected = float64_reference(case)
        single = 2.0**-24  # one rounding of a float64 result to FP32
        assert relative_error(y, expected.y) <= single
        assert set(gradients) == {"dx", "d_lora_a", "d_lora_b"}
        for name, gradient in gradients.items():
            assert gradient.shape == getattr(expected, name).shape and gradient.dtype == np.float32
            assert relative_error(gradient, getattr(expected, name)) <= single
        assert [job.opcode for job in backend.jobs] == [Opcode.FORWARD, Opcode.BACKWARD]
        assert backend.registers[registers.IRQ_STATUS.offset] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("x_dtype", "lora_dtype", "y_dtype"), list(itertools.product([np.float32, np.float16], repeat=3))
)
def test_every_combination_of_formats(case, x_dtype, lora_dtype, y_dtype):
    rounded = replace(
        case,
        x=case.x.astype(x_dtype).astype(np.float32),
        dy=case.dy.astype(x_dtype).astype(np.float32),
        lora_a=case.lora_a.astype(lora_dtype).astype(np.float32),
        lora_b=case.lora_b.astype(lora_dtype).astype(np.float32),
    )
    expected = float64_reference(rounded)

    async def scenario():
        layer, _ = await open_layer(case, x_dtype=x_dtype, lora_dtype=lora_dtype, y_dtype=y_dtype)
        y = await layer.forward(case.x)
        gradients = await layer.backward(case.x, case.dy)
        unit = 2.0**-11 if y_dtype == np.float16 else 2.0**-24
        assert y.dtype == gradients["dx"].dtype == y_dtype
        assert relative_error(y, expected.y) <= unit
        assert relative_error(gradients["dx"], expected.dx) <= unit
        assert relative_error(gradients["d_lora_a"], expected.d_lora_a) <= 2.0**-24
        assert relative_error(gradients["d_lora_b"], expected.d_lora_b) <= 2.0**-24

    asyncio.run(scenario())


def test_fewer_tokens_than_planned_and_a_new_adapter(case):
    async def scenario():
        layer, _ = await open_layer(case, tokens=70)
        await layer.set_adapter(case.lora_a, -case.lora_b)
        changed = replace(case, lora_b=-case.lora_b, x=case.x[:2], dy=case.dy[:2])
        assert relative_error(await layer.forward(case.x[:2]), float64_reference(changed).y) <= 2.0**-24
        gradients = await layer.backward(case.x[:2], case.dy[:2])
        assert relative_error(gradients["d_lora_b"], float64_reference(changed).d_lora_b) <= 2.0**-24

    asyncio.run(scenario())


def test_without_an_adapter(case):
    plain = replace(case, lora_a=case.lora_a[:0], lora_b=case.lora_b[:, :0])

    async def scenario():
        layer, _ = await open_layer(plain)
        expected = float64_reference(plain)
        assert relative_error(await layer.forward(case.x), expected.y) <= 2.0**-24
        gradients = await layer.backward(case.x, case.dy)
        assert set(gradients) == {"dx"}
        assert relative_error(gradients["dx"], expected.dx) <= 2.0**-24

    asyncio.run(scenario())


def test_plan_is_aligned_disjoint_and_inside(case):
    plan = LayerPlan(WINDOW, case.weight, TOKENS, RANK, SCALE, x_dtype=np.float16)
    for job in (plan.forward_job(case.x), plan.backward_job(case.x, case.dy)):
        assert all(getattr(job.descriptor, name) % 64 == 0 for name in ADDRESSES)
        assert all(WINDOW.base <= getattr(job.descriptor, name) < WINDOW.limit for name in ADDRESSES)
        spans = [(region.address, region.address + region.size) for region in job.descriptor.regions()]
        spans.append((job.descriptor_address, job.descriptor_address + 128))
        spans.sort()
        assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
        assert spans[-1][1] <= plan.end <= WINDOW.limit
        written = {region.address for region in job.descriptor.regions() if region.written}
        assert {output.address for output in job.outputs.values()} <= written


def test_window_too_small(case):
    size = LayerPlan(WINDOW, case.weight, TOKENS, RANK).end - WINDOW.base
    LayerPlan(MemoryWindow(WINDOW.base, size), case.weight, TOKENS, RANK)
    with pytest.raises(errors.RangeError, match="left in the window"):
        LayerPlan(MemoryWindow(WINDOW.base, size - 64), case.weight, TOKENS, RANK)


def test_allocator_aligns_an_odd_base():
    allocator = Allocator(MemoryWindow(0x1001, 0x200))
    assert [allocator.allocate(size) for size in (1, 0, 65)] == [0x1040, 0x1080, 0x1080]


def test_arguments_that_do_not_fit(case):
    plan = LayerPlan(WINDOW, case.weight, TOKENS, RANK)
    with pytest.raises(ValueError, match="x is"):
        plan.forward_job(np.zeros((TOKENS + 1, K), np.float32))
    with pytest.raises(ValueError, match="x is"):
        plan.forward_job(np.zeros((1, K + 64), np.float32))
    with pytest.raises(ValueError, match="dy has 1 tokens"):
        plan.backward_job(case.x, case.dy[:1])
    with pytest.raises(errors.AdapterShapeError, match="lora_b"):
        plan.adapter_segments(case.lora_a, case.lora_b.T)
    with pytest.raises(ValueError, match="float64"):
        LayerPlan(WINDOW, case.weight, TOKENS, RANK, x_dtype=np.float64)


def poisoned(array: np.ndarray, value) -> np.ndarray:
    """A copy with `value` at index [1, 2]."""
    changed = array.astype(np.result_type(array, np.asarray(value)))
    changed[1, 2] = value
    return changed


@pytest.mark.parametrize("value", [np.nan, -np.inf, 65520.0, 1 + 1j, None])
def test_operands_that_memory_cannot_hold(case, value):
    """65,520 is the smallest number that rounds to infinity in FP16."""
    plan = LayerPlan(WINDOW, case.weight, TOKENS, RANK, x_dtype=np.float16, lora_dtype=np.float16)
    x, dy, a, b = (poisoned(v, value) for v in (case.x, case.dy, case.lora_a, case.lora_b))
    jobs = {
        "x": (lambda: plan.forward_job(x), lambda: plan.backward_job(x, case.dy)),
        "dy": (lambda: plan.backward_job(case.x, dy),),
        "lora_a": (lambda: plan.adapter_segments(a, case.lora_b),),
        "lora_b": (lambda: plan.adapter_segments(case.lora_a, b),),
    }
    error, where = (errors.NonFiniteError, r"\[1, 2\]") if isinstance(value, float) else (errors.OperandError, " is")
    for name, makers in jobs.items():
        for make in makers:
            with pytest.raises(error, match=f"^{name}{where}"):
                make()


def test_largest_fp16_operand(case):
    plan = LayerPlan(WINDOW, case.weight, TOKENS, x_dtype=np.float16)
    segment = plan.forward_job(poisoned(case.x, 65519.0)).segments[0]
    assert np.frombuffer(segment.data, np.float16).max() == 65504


PLANS = [
    ({"max_tokens": 0}, errors.DimZeroError),
    ({"max_tokens": -1}, errors.DescriptorError),
    ({"max_tokens": 2.0}, errors.DescriptorError),
    ({"max_tokens": np.nan}, errors.DescriptorError),
    ({"max_tokens": True}, errors.DescriptorError),
    ({"rank": 65}, errors.DimLargeError),
    ({"rank": -1}, errors.DescriptorError),
    ({"rank": 8.5}, errors.DescriptorError),
    ({"lora_scale": "1"}, errors.DescriptorError),
    ({"lora_scale": np.nan}, errors.NonFiniteError),
    ({"lora_scale": 3.5e38}, errors.NonFiniteError),
    ({"lora_scale": 10**400}, errors.NonFiniteError),
]


@pytest.mark.parametrize(("change", "error"), PLANS)
def test_plans_that_cannot_be(case, change, error):
    with pytest.raises(error, match=next(iter(change)).removeprefix("max_")):
        LayerPlan(WINDOW, case.weight, **{"max_tokens": TOKENS, "rank": RANK} | change)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_with_bad_scales_are_refused(case, value):
    nested = np.full_like(case.weight.nested_absmax, value)
    with pytest.raises(errors.NonFiniteError, match="nested_absmax"):
        LayerPlan(WINDOW, replace(case.weight, nested_absmax=nested), TOKENS, RANK)


def test_numpy_integers_are_integers(case):
    plan = LayerPlan(WINDOW, case.weight, np.int32(TOKENS), np.uint8(RANK))
    assert plan.end == LayerPlan(WINDOW, case.weight, TOKENS, RANK).end


@pytest.mark.parametrize("code", [code for code in registers.ErrorCode if code])
def test_hardware_errors_have_names_and_the_next_job_works(case, code):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.fault, backend.fault_info = code, 0x12_3456_789A
        with pytest.raises(errors.JOB_ERRORS[code], match=f"0x123456789a.*{code.name}"):
            await layer.forward(case.x)
        assert await layer.accelerator.last_error() == code
        assert backend.registers[registers.IRQ_STATUS.offset] == 0
        assert relative_error(await layer.forward(case.x), float64_reference(case).y) <= 2.0**-24

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("cut", "error"),
    [
        (lambda data: data[:-2048], errors.TruncatedFileError),
        (lambda data: b"NOPE" + data[4:], errors.MalformedFileError),
    ],
    ids=["truncated", "malformed"],
)
def test_after_a_refused_model_file_jobs_work(case, models, tmp_path, cut, error):
    """The layer in memory gives the results it gave before, and the whole file's layer loads and runs."""
    bad, name = tmp_path / "bad.gguf", "model.layers.0.self_attn.q_proj.weight"
    bad.write_bytes(cut(models["gguf"].read_bytes()))

    async def scenario():
        layer, backend = await open_layer(case)
        before = await layer.forward(case.x)
        with pytest.raises(error, match="bad.gguf"):
            open_checkpoint(bad)
        np.testing.assert_array_equal(await layer.forward(case.x), before)
        weight = open_checkpoint(models["gguf"]).linear(name)
        whole = QloraLinear(layer.accelerator, LayerPlan(WINDOW, weight, TOKENS, 0, SCALE))
        await whole.load()
        x = case.x[:, :128]
        expected = x.astype(np.float64) @ dequantize_nf4(weight).astype(np.float64).T
        assert relative_error(await whole.forward(x), expected) <= 2.0**-24
        assert len(backend.jobs) == 3

    asyncio.run(scenario())


def test_an_error_code_of_later_hardware(case):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.fault = 200
        with pytest.raises(errors.JobError, match="error code 200"):
            await layer.forward(case.x)
        assert await layer.accelerator.last_error() == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("event", ["done", "error", "nonfinite"])
def test_an_old_event_is_not_taken_for_the_job(case, event):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.registers[registers.IRQ_STATUS.offset] = registers.IRQ_STATUS[event].mask
        assert relative_error(await layer.forward(case.x), float64_reference(case).y) <= 2.0**-24

    asyncio.run(scenario())


def test_damaged_descriptor_is_rejected_by_the_accelerator(case):
    async def scenario():
        layer, _ = await open_layer(case)
        job = layer.plan.forward_job(case.x)
        damaged = Segment(job.descriptor_address, b"\0" * 128)
        with pytest.raises(errors.DescriptorError):
            await layer.accelerator.run(Job(job.descriptor, job.descriptor_address, (damaged,), job.outputs))
        assert relative_error(await layer.forward(case.x), float64_reference(case).y) <= 2.0**-24

    asyncio.run(scenario())


def test_busy_accelerator_is_left_alone(case):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.registers[registers.STATUS.offset] = registers.STATUS["busy"].mask
        before = backend.memory.copy()
        with pytest.raises(errors.BusyError):
            await layer.forward(case.x)
        np.testing.assert_array_equal(backend.memory, before)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"rank": 4}, "rank 8 is over 4"),
        ({"nested_depth": 1}, "2 nested absmax values are over 1"),
        ({"act_depth": 3}, "in_features 192 needs 4 blocks"),
    ],
)
def test_limits_of_the_accelerator_are_read(case, limits, message):
    async def scenario():
        backend = ModelBackend(WINDOW.base, WINDOW.size, **limits)
        accelerator = Accelerator(backend)
        await accelerator.open(WINDOW)
        with pytest.raises(errors.DimLargeError, match=message):
            await QloraLinear(accelerator, LayerPlan(WINDOW, case.weight, TOKENS, RANK)).forward(case.x)
        assert not backend.jobs

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("register", "value", "message"),
    [(registers.ID, 0xFFFFFFFF, "no accelerator"), (registers.VERSION, 0x00010100, "major version 1")],
)
def test_no_accelerator_or_another_one(register, value, message):
    backend = ModelBackend(WINDOW.base, WINDOW.size)
    backend.registers[register.offset] = value
    with pytest.raises(errors.JobError, match=message):
        asyncio.run(Accelerator(backend).open(WINDOW))


@pytest.mark.parametrize("window", [(-64, 128), (0, 0), (64, -64), (0.0, 64), (0, (1 << 40) + 1), (1 << 40, 64)])
def test_impossible_windows(window):
    backend = ModelBackend(WINDOW.base, WINDOW.size)
    before = dict(backend.registers)
    with pytest.raises(errors.RangeError, match="not a range of addresses"):
        asyncio.run(Accelerator(backend).open(MemoryWindow(*window)))
    assert backend.registers == before


def test_open_sets_window_and_interrupts():
    async def scenario():
        backend = ModelBackend(WINDOW.base, WINDOW.size)
        await Accelerator(backend).open(MemoryWindow(0, 1 << 40))
        assert backend.registers[registers.MEM_LIMIT_HI.offset] == 1 << 8
        ends_a_job = registers.IRQ_STATUS["done"].mask | registers.IRQ_STATUS["error"].mask
        assert backend.registers[registers.IRQ_ENABLE.offset] == ends_a_job

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("backward", "where", "result"),
    [
        (False, "lora_a", "workspace"),
        (False, "nested_absmax", "y"),
        (True, "lora_b", "workspace"),
        (True, "nested_absmax", "dx"),
    ],
)
def test_nan_in_memory_ends_the_job_with_results(case, backward, where, result):
    """The error names the first result concerned, and the job has run to its end."""

    async def scenario():
        layer, backend = await open_layer(case)
        run = functools.partial(layer.backward, case.x, case.dy) if backward else lambda: layer.forward(case.x)
        await backend.write(layer.plan.addresses[where], tensor_bytes(np.full(1, np.nan, np.float32)))
        with pytest.raises(errors.NonFiniteError, match=f"{layer.plan.addresses[result]:#x} .*NONFINITE") as caught:
            await run()
        results = caught.value.results
        assert set(results) == ({"dx", "d_lora_a", "d_lora_b"} if backward else {"y"})
        assert all(value.dtype == np.float32 for value in results.values())
        first = results["dx" if backward else "y"]
        assert np.isnan(first).any()
        assert backend.registers[registers.IRQ_STATUS.offset] == 0
        assert backend.registers[registers.STATUS.offset] == registers.STATUS["error"].mask
        await layer.load()
        await layer.set_adapter(case.lora_a, case.lora_b)
        await run()

    asyncio.run(scenario())


def test_overflow_ends_the_job_with_results(case):
    async def scenario():
        layer, _ = await open_layer(case, y_dtype=np.float16)
        x = case.x.copy()
        x[1] *= 1e6
        with pytest.raises(errors.NonFiniteError, match=f"{layer.plan.addresses['y']:#x}") as caught:
            await layer.forward(x)
        y = caught.value.results["y"]
        assert np.isinf(y[1]).any() and np.isfinite(y[0]).all()

    asyncio.run(scenario())


def test_layer_that_is_not_in_memory(case):
    async def scenario():
        accelerator = Accelerator(ModelBackend(WINDOW.base, WINDOW.size))
        await accelerator.open(WINDOW)
        layer = QloraLinear(accelerator, LayerPlan(WINDOW, case.weight, TOKENS, RANK))
        with pytest.raises(errors.NotLoadedError, match="adapter, weight"):
            await layer.forward(case.x)
        await layer.load()
        with pytest.raises(errors.NotLoadedError, match="adapter"):
            await layer.backward(case.x, case.dy)
        await layer.set_adapter(case.lora_a, case.lora_b)
        await layer.forward(case.x)

    asyncio.run(scenario())


def test_counters(case):
    async def scenario():
        layer, _ = await open_layer(case)
        await layer.forward(case.x)
        assert (await layer.accelerator.counters())["CYCLES_BUSY"] == 7 | 1 << 32
        await layer.accelerator.clear_counters()
        assert (await layer.accelerator.counters())["CYCLES_BUSY"] == 0

    asyncio.run(scenario())
