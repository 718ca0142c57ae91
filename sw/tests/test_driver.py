"""Planner and driver over the software backend, against the golden model of a layer, bit for bit, and float64."""

import asyncio
import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest
from edge_qlora import errors, registers
from edge_qlora.checkpoint import open_checkpoint
from edge_qlora.commands import Limits
from edge_qlora.driver import Accelerator, QloraLinear
from edge_qlora.footprint import MemoryWindow
from edge_qlora.layout import tensor_bytes
from edge_qlora.planner import Job, LayerPlan, Segment
from edge_qlora.quantization import quantize_nf4
from model_backend import ACT_WIDTH, ModelBackend

from tb.models import qlora
from tb.models.core import Report
from tb.models.qlora_bound import forward_bound
from tb.reference import LinearCase, float64_reference

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
    plan = LayerPlan(accelerator.limits, case.weight, tokens, case.rank, case.scale, **types)
    layer = QloraLinear(accelerator, plan)
    await layer.load()
    if case.rank:
        await layer.set_adapter(case.lora_a, case.lora_b)
    return layer, backend


def golden(case: LinearCase) -> qlora.Layer:
    return qlora.Layer.from_nf4(case.weight, case.lora_a, case.lora_b, case.scale)


def golden_y(case: LinearCase, dtype: type = np.float32) -> np.ndarray:
    return qlora.forward(golden(case), case.x, ACT_WIDTH, dtype)


def golden_gradients(case: LinearCase, dtype: type = np.float32) -> dict[str, np.ndarray]:
    found = qlora.backward(golden(case), case.x, case.dy, ACT_WIDTH, dtype)
    adapter = {"d_lora_a": found.d_lora_a, "d_lora_b": found.d_lora_bt.T} if case.rank else {}
    return {"dx": found.dx} | adapter


def assert_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values, name)


def test_forward_and_backward(case):
    async def scenario():
        layer, backend = await open_layer(case)
        y = await layer.forward(case.x)
        assert_equal({"y": y}, {"y": golden_y(case)})
        bound = forward_bound(golden(case), case.x, y, ACT_WIDTH).exact
        assert (np.abs(y - float64_reference(case).y) <= bound).all()
        assert_equal(await layer.backward(case.x, case.dy), golden_gradients(case))
        assert backend.lists == [layer.plan.addresses["list"]] * 2
        assert backend.registers[registers.IRQ_STATUS.offset] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("x_dtype", "lora_dtype", "y_dtype"), list(itertools.product([np.float32, np.float16], repeat=3))
)
def test_every_combination_of_formats(case, x_dtype, lora_dtype, y_dtype):
    rounded = replace(
        case,
        x=case.x.astype(x_dtype),
        dy=case.dy.astype(x_dtype),
        lora_a=case.lora_a.astype(lora_dtype),
        lora_b=case.lora_b.astype(lora_dtype),
    )

    async def scenario():
        layer, _ = await open_layer(case, x_dtype=x_dtype, lora_dtype=lora_dtype, y_dtype=y_dtype)
        assert_equal({"y": await layer.forward(case.x)}, {"y": golden_y(rounded, y_dtype)})
        assert_equal(await layer.backward(case.x, case.dy), golden_gradients(rounded, y_dtype))

    asyncio.run(scenario())


def test_fewer_tokens_than_planned_and_a_new_adapter(case):
    async def scenario():
        layer, _ = await open_layer(case, tokens=70)
        await layer.set_adapter(case.lora_a, -case.lora_b)
        changed = replace(case, lora_b=-case.lora_b, x=case.x[:2], dy=case.dy[:2])
        assert_equal({"y": await layer.forward(changed.x)}, {"y": golden_y(changed)})
        assert_equal(await layer.backward(changed.x, changed.dy), golden_gradients(changed))

    asyncio.run(scenario())


def test_without_an_adapter(case):
    plain = replace(case, lora_a=case.lora_a[:0], lora_b=case.lora_b[:, :0])

    async def scenario():
        layer, _ = await open_layer(plain)
        assert_equal({"y": await layer.forward(case.x)}, {"y": golden_y(plain)})
        assert_equal(await layer.backward(case.x, case.dy), golden_gradients(plain))

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [code for code in registers.ErrorCode if code])
def test_hardware_errors_have_names_and_the_next_list_works(case, code):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.fault = Report(code, 0x12_3456_7840, 0x98_7654_3210)
        message = f"command 0x1234567840, information 0x9876543210 .*{code.name}"
        with pytest.raises(errors.JOB_ERRORS[code], match=message) as caught:
            await layer.forward(case.x)
        assert (caught.value.command, caught.value.info) == (0x12_3456_7840, 0x98_7654_3210)
        assert await layer.accelerator.last_error() == code
        assert backend.registers[registers.IRQ_STATUS.offset] == 0
        assert_equal({"y": await layer.forward(case.x)}, {"y": golden_y(case)})

    asyncio.run(scenario())


def test_every_hardware_code_has_an_exception():
    assert set(errors.JOB_ERRORS) == set(registers.ErrorCode) - {registers.ErrorCode.NONE}


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
        whole = QloraLinear(layer.accelerator, LayerPlan(layer.accelerator.limits, weight, TOKENS, 0, SCALE))
        await whole.load()
        none = replace(case, weight=weight, x=case.x[:, :128], lora_a=case.lora_a[:0, :128], lora_b=np.zeros((128, 0)))
        assert_equal({"y": await whole.forward(none.x)}, {"y": golden_y(none)})
        assert len(backend.lists) == 3

    asyncio.run(scenario())


def test_an_error_code_of_later_hardware(case):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.fault = Report(200)
        with pytest.raises(errors.JobError, match="error code 200"):
            await layer.forward(case.x)
        assert await layer.accelerator.last_error() == 200

    asyncio.run(scenario())


@pytest.mark.parametrize("event", ["done", "error", "nonfinite"])
def test_an_old_event_is_not_taken_for_the_job(case, event):
    async def scenario():
        layer, backend = await open_layer(case)
        backend.registers[registers.IRQ_STATUS.offset] = registers.IRQ_STATUS[event].mask
        assert_equal({"y": await layer.forward(case.x)}, {"y": golden_y(case)})

    asyncio.run(scenario())


def test_damaged_list_is_rejected_by_the_accelerator(case):
    async def scenario():
        layer, _ = await open_layer(case)
        job = layer.plan.forward_job(case.x)
        damaged = Segment(job.list_address + 128, bytes(64))
        with pytest.raises(errors.CommandError) as caught:
            await layer.accelerator.run(Job(job.commands, job.list_address, (*job.segments, damaged), job.outputs))
        assert caught.value.command == job.list_address + 128
        assert_equal({"y": await layer.forward(case.x)}, {"y": golden_y(case)})

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


def test_limits_of_the_accelerator_are_read(case):
    async def scenario():
        accelerator = Accelerator(ModelBackend(WINDOW.base, WINDOW.size, 512, 8, 256))
        await accelerator.open(WINDOW)
        assert accelerator.limits == Limits(512, 8, 256, WINDOW)
        QloraLinear(accelerator, LayerPlan(accelerator.limits, case.weight, TOKENS))
        with pytest.raises(errors.OperandError, match="the plan is for"):
            QloraLinear(accelerator, LayerPlan(Limits(1024, 8, 256, WINDOW), case.weight, TOKENS))

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
    ("backward", "where", "command"),
    [(False, "lora_a", 2), (False, "nested_absmax", 4), (True, "lora_b", 2), (True, "nested_absmax", 4)],
)
def test_nan_in_memory_ends_the_list_with_results(case, backward, where, command):
    """The error names the first MATRIX command concerned, and the list has run to its end."""

    async def scenario():
        layer, backend = await open_layer(case)
        run = functools.partial(layer.backward, case.x, case.dy) if backward else lambda: layer.forward(case.x)
        place = layer.plan.addresses["header"] + 128 if where == "nested_absmax" else layer.plan.addresses[where]
        await backend.write(place, tensor_bytes(np.full(1, np.nan, np.float32)))
        with pytest.raises(errors.NonFiniteError, match="NONFINITE") as caught:
            await run()
        assert caught.value.command == layer.plan.addresses["list"] + 64 * command
        results = caught.value.results
        assert set(results) == ({"dx", "d_lora_a", "d_lora_b"} if backward else {"y"})
        assert all(value.dtype == np.float32 for value in results.values())
        assert np.isnan(results["dx" if backward else "y"]).any()
        assert backend.registers[registers.IRQ_STATUS.offset] == 0
        assert backend.registers[registers.STATUS.offset] == registers.STATUS["error"].mask
        await layer.load()
        await layer.set_adapter(case.lora_a, case.lora_b)
        await run()

    asyncio.run(scenario())


def test_overflow_in_memory_is_reported_with_results(case):
    """The hardware lets FP16 become infinite when it is stored; the driver does not."""

    async def scenario():
        layer, backend = await open_layer(case, y_dtype=np.float16)
        x = case.x.copy()
        x[1] *= 1e6
        with pytest.raises(errors.NonFiniteError, match="^y of the list .* overflows float16") as caught:
            await layer.forward(x)
        y = caught.value.results["y"]
        assert np.isinf(y[1]).any() and np.isfinite(y[0]).all()
        assert backend.registers[registers.STATUS.offset] == registers.STATUS["done"].mask

    asyncio.run(scenario())


def test_layer_that_is_not_in_memory(case):
    async def scenario():
        accelerator = Accelerator(ModelBackend(WINDOW.base, WINDOW.size))
        await accelerator.open(WINDOW)
        layer = QloraLinear(accelerator, LayerPlan(accelerator.limits, case.weight, TOKENS, RANK))
        with pytest.raises(errors.NotLoadedError, match="adapter, weight"):
            await layer.forward(case.x)
        await layer.load()
        with pytest.raises(errors.NotLoadedError, match="adapter"):
            await layer.backward(case.x, case.dy)
        await layer.set_adapter(case.lora_a, case.lora_b)
        await layer.forward(case.x)

    asyncio.run(scenario())


def test_counters(case):
    """MAC_VECTORS as of the golden core, and a carry into the upper half."""

    async def scenario():
        layer, backend = await open_layer(case)
        await layer.forward(case.x)
        vectors = (await layer.accelerator.counters())["MAC_VECTORS"]
        assert vectors == TOKENS * (K // 64 * 1 + N // 64 * (K // 64 + 1) * 8)
        backend.registers[registers.MAC_VECTORS_LO.offset] = 0xFFFFFFFF
        await layer.forward(case.x)
        assert (await layer.accelerator.counters())["MAC_VECTORS"] == 0xFFFFFFFF + vectors
        await layer.accelerator.clear_counters()
        assert not any((await layer.accelerator.counters()).values())

    asyncio.run(scenario())
