"""Plans of a layer: buffers, refusals, and lists that give the golden model's bits however small the scratchpad is."""

import itertools
import random
from dataclasses import replace

import numpy as np
import pytest
from edge_qlora import errors
from edge_qlora.commands import End, Limits, Matrix, Read, Write, unpack
from edge_qlora.footprint import MemoryWindow, merged, overlap
from edge_qlora.layer_program import Adapter, adapter_gradients, forward, input_gradient
from edge_qlora.ordering import check_list, hazards
from edge_qlora.planner import LayerPlan
from edge_qlora.products import StoredCodes, StoredFloats
from edge_qlora.quantization import quantize_nf4

from tb.lora_linear.jobs import random_job, run_golden
from tb.reference import LinearCase

WINDOW = MemoryWindow(0x9_0000_0000, 1 << 20)
LIMITS = Limits(1024, 16, 256, WINDOW)
N, K, RANK, TOKENS, SCALE = 128, 192, 8, 5, 0.5


@pytest.fixture(scope="module")
def case() -> LinearCase:
    rng = np.random.default_rng(21)
    arrays = ((N, K), (TOKENS, K), (TOKENS, N), (RANK, K), (N, RANK))
    weight, *others = (rng.standard_normal(shape).astype(np.float32) for shape in arrays)
    return LinearCase("random", quantize_nf4(weight), *others, SCALE)


# Tokens, N, K, rank: one chunk and many, a reduction over tokens that is not whole blocks, the largest rank.
LAYERS = [(1, 64, 64, 0), (3, 192, 128, 5), (40, 128, 192, 8), (130, 64, 128, 64), (70, 256, 64, 16)]


@pytest.mark.parametrize(("scratch_words", "max_rows"), [(320, 16), (1024, 16), (1024, 3), (8192, 64)])
@pytest.mark.parametrize("layer", LAYERS)
def test_lists_give_the_golden_bits(scratch_words, max_rows, layer):
    """Any scratchpad: results, order of commands, and what they touch."""
    tokens, n, k, rank = layer
    limits = Limits(scratch_words, max_rows, 256, WINDOW)
    random.seed(f"{scratch_words} {max_rows} {layer}")
    for backward in (False, True):
        job = random_job(backward, n, k, tokens, rank)
        plan, placed = job.place(limits)
        assert not check_list(placed.commands) and not hazards(placed.commands)
        assert not [error for command in placed.commands for error in command.violations(limits)]
        _, results = run_golden(placed, limits, 25)
        for name, expected in job.expected(25).items():
            stored = results[name]
            found = stored.reshape(expected.shape) if placed.outputs[name].transposed else stored
            np.testing.assert_array_equal(found, expected, f"{job.name}: {name}")
        allowed = [(plan.addresses[name], output.size) for name, output in placed.outputs.items()]
        for command in placed.commands:
            for rows in command.memory_writes():
                assert any(
                    a <= begin and begin + rows.size <= a + size for begin in rows.begins() for a, size in allowed
                )


def test_largest_chunks(case):
    """With room for all, a layer is one read, two products, one write; with less, columns are cut before rows."""
    plan = LayerPlan(replace(LIMITS, scratch_words=8192), case.weight, TOKENS, RANK)
    kinds = [command.opcode.name for command in plan.forward_job(case.x).commands]
    assert kinds == ["READ", "LOAD", "MATRIX", "LOAD", "MATRIX", "WRITE", "END"]
    small = LayerPlan(replace(LIMITS, scratch_words=5 * (24 + 8) + 40), case.weight, TOKENS, RANK)
    matrices = [command for command in small.forward_job(case.x).commands if isinstance(command, Matrix)]
    assert [(m.outer, m.outputs) for m in matrices] == [(5, RANK), (5, 64), (5, 64)]
    least = LayerPlan(replace(LIMITS, scratch_words=24 + 8 + 8), case.weight, 1, RANK)
    assert [m.outputs for m in least.forward_job(case.x[:1]).commands if isinstance(m, Matrix)] == [RANK, 64, 64]


def test_transfers_overlap_products():
    """Many chunks use two places for inputs and two for outputs by turns, and are read ahead."""
    limits = Limits(2 * 8 * 8 + 2 * 8 * 8, 8, 256, WINDOW)
    x, y = StoredFloats(0, 64, 64), StoredFloats(1 << 16, 64, 64)
    commands = forward(limits, 64, StoredCodes(1 << 18, 64, 64, 1 << 19, 192), None, x, y)
    reads = [n for n, c in enumerate(commands) if isinstance(c, Read)]
    writes = [n for n, c in enumerate(commands) if isinstance(c, Write)]
    assert len(reads) == len(writes) == 8 and reads[:3] == [0, 1, 5]
    assert {commands[n].s.base for n in reads} == {0, 64} and {commands[n].s.base for n in writes} == {128, 192}


def test_header_is_loaded_once(case):
    plan = LayerPlan(replace(LIMITS, scratch_words=120), case.weight, TOKENS, RANK)
    matrices = [command for command in plan.backward_job(case.x, case.dy).commands if isinstance(command, Matrix)]
    assert sum(m.header_bytes > 0 for m in matrices) == 1 and sum(bool(m.blocks) for m in matrices) > 5


def test_fewer_tokens_never_need_a_longer_list(case):
    for scratch_words in (100, 333):
        limits = replace(LIMITS, scratch_words=scratch_words)
        plan = LayerPlan(limits, case.weight, 70, RANK)
        x, dy = np.zeros((70, K), np.float32), np.zeros((70, N), np.float32)
        for count in (1, 16, 64, 65):
            longest = [len(plan.forward_job(v).commands) for v in (x[:count], x)]
            longest += [len(plan.backward_job(x[:c], dy[:c]).commands) for c in (count, 70)]
            assert longest[0] <= longest[1] and longest[2] <= longest[3]


def test_lists_are_in_their_segments(case):
    plan = LayerPlan(LIMITS, case.weight, TOKENS, RANK, SCALE)
    for job in (plan.forward_job(case.x), plan.backward_job(case.x, case.dy)):
        (data,) = (segment.data for segment in job.segments if segment.address == job.list_address)
        commands = [unpack(data[n : n + 64]) for n in range(0, len(data), 64)]
        assert commands == list(job.commands) and isinstance(commands[-1], End)
        assert not overlap(merged(r for c in job.commands for r in c.memory_writes()), merged_list(job))


def test_no_backward_pass_without_codes_in_t_mode(case):
    plan = LayerPlan(replace(LIMITS, backward=False), case.weight, TOKENS, RANK)
    assert plan.forward_job(case.x).commands
    with pytest.raises(errors.ModelLimitError, match="no backward passes"):
        plan.backward_job(case.x, case.dy)


def merged_list(job) -> np.ndarray:
    return np.array([[job.list_address, job.list_address + 64 * len(job.commands)]])


def test_plan_is_aligned_disjoint_and_inside(case):
    plan = LayerPlan(LIMITS, case.weight, TOKENS, RANK, SCALE, x_dtype=np.float16)
    spans = sorted((b.address, b.address + b.size) for b in plan.memory.buffers)
    assert all(begin % 64 == 0 for begin, _ in spans)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))
    assert WINDOW.base <= spans[0][0] and spans[-1][1] <= plan.memory.end <= WINDOW.limit
    names = ["header", "weights", "lora_a", "lora_b", "x", "dy", "y", "dx", "d_lora_a", "d_lora_b", "list"]
    assert [b.name for b in plan.memory.buffers] == names == list(plan.addresses)


def test_window_too_small(case):
    size = LayerPlan(LIMITS, case.weight, TOKENS, RANK).memory.end - WINDOW.base
    LayerPlan(replace(LIMITS, window=MemoryWindow(WINDOW.base, size)), case.weight, TOKENS, RANK)
    with pytest.raises(errors.MemoryFullError, match="list of"):
        LayerPlan(replace(LIMITS, window=MemoryWindow(WINDOW.base, size - 64)), case.weight, TOKENS, RANK)


def test_scratchpad_too_small(case):
    """A row of x, u and 64 columns of y are the least that a layer needs; of the gradients as many words of tokens."""
    with pytest.raises(errors.ModelLimitError, match="a row needs 40 words of the scratchpad, which has 39"):
        LayerPlan(replace(LIMITS, scratch_words=39), case.weight, 1, RANK)
    LayerPlan(replace(LIMITS, scratch_words=32), case.weight, 70)
    with pytest.raises(errors.ModelLimitError, match=f"a row needs {24 + 2 * 8 + 8} words"):
        LayerPlan(replace(LIMITS, scratch_words=24 + 2 * 8 + 7), case.weight, 70, RANK)


def test_table_of_nested_absmax_too_small(case):
    with pytest.raises(errors.ModelLimitError, match="2 nested absmax values are over 1"):
        LayerPlan(replace(LIMITS, nested_depth=1), case.weight, TOKENS)


def test_arguments_that_do_not_fit(case):
    plan = LayerPlan(LIMITS, case.weight, TOKENS, RANK)
    with pytest.raises(ValueError, match="x is"):
        plan.forward_job(np.zeros((TOKENS + 1, K), np.float32))
    with pytest.raises(ValueError, match="x is"):
        plan.forward_job(np.zeros((1, K + 64), np.float32))
    with pytest.raises(ValueError, match="dy has 1 tokens"):
        plan.backward_job(case.x, case.dy[:1])
    with pytest.raises(errors.AdapterShapeError, match="lora_b"):
        plan.adapter_segments(case.lora_a, case.lora_b.T)
    with pytest.raises(ValueError, match="float64"):
        LayerPlan(LIMITS, case.weight, TOKENS, RANK, x_dtype=np.float64)


def poisoned(array: np.ndarray, value) -> np.ndarray:
    """A copy with `value` at index [1, 2]."""
    changed = array.astype(np.result_type(array, np.asarray(value)))
    changed[1, 2] = value
    return changed


@pytest.mark.parametrize("value", [np.nan, -np.inf, 65520.0, 1 + 1j, None])
def test_operands_that_memory_cannot_hold(case, value):
    """65,520 is the smallest number that rounds to infinity in FP16."""
    plan = LayerPlan(LIMITS, case.weight, TOKENS, RANK, x_dtype=np.float16, lora_dtype=np.float16)
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
    plan = LayerPlan(LIMITS, case.weight, TOKENS, x_dtype=np.float16)
    segment = plan.forward_job(poisoned(case.x, 65519.0)).segments[0]
    assert np.frombuffer(segment.data, np.float16).max() == 65504


PLANS = [
    ({"max_tokens": 0}, errors.OperandError),
    ({"max_tokens": -1}, errors.OperandError),
    ({"max_tokens": 2.0}, errors.OperandError),
    ({"max_tokens": np.nan}, errors.OperandError),
    ({"max_tokens": True}, errors.OperandError),
    ({"max_tokens": 65536}, errors.ModelLimitError),
    ({"rank": 65}, errors.ModelLimitError),
    ({"rank": -1}, errors.OperandError),
    ({"rank": 8.5}, errors.OperandError),
    ({"lora_scale": "1"}, errors.OperandError),
    ({"lora_scale": np.nan}, errors.NonFiniteError),
    ({"lora_scale": 3.5e38}, errors.NonFiniteError),
    ({"lora_scale": 10**400}, errors.NonFiniteError),
]


@pytest.mark.parametrize(("change", "error"), PLANS)
def test_plans_that_cannot_be(case, change, error):
    with pytest.raises(error, match=next(iter(change))):
        LayerPlan(LIMITS, case.weight, **{"max_tokens": TOKENS, "rank": RANK} | change)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_with_bad_scales_are_refused(case, value):
    nested = np.full_like(case.weight.nested_absmax, value)
    with pytest.raises(errors.NonFiniteError, match="nested_absmax"):
        LayerPlan(LIMITS, replace(case.weight, nested_absmax=nested), TOKENS, RANK)
    with pytest.raises(errors.NonFiniteError, match="the weight's offset"):
        LayerPlan(LIMITS, replace(case.weight, offset=np.float32(value)), TOKENS, RANK)


def test_numpy_integers_are_integers(case):
    plan = LayerPlan(LIMITS, case.weight, np.int32(TOKENS), np.uint8(RANK))
    assert plan.addresses == LayerPlan(LIMITS, case.weight, TOKENS, RANK).addresses


def test_programs_of_a_layer_have_an_api_of_their_own():
    """Stored arrays of any pitch-free layout; the three programs together are what a plan runs."""
    weights = StoredCodes(1 << 16, N, K, 1 << 15, 192)
    adapter = Adapter(StoredFloats(0x20000, RANK, K), StoredFloats(0x24000, RANK, N), SCALE)
    x, y, dx = StoredFloats(0, 4, K), StoredFloats(0x4000, 4, N), StoredFloats(0x8000, 4, K)
    gradients = StoredFloats(0x28000, RANK, K), StoredFloats(0x2C000, RANK, N)
    programs = (
        forward(LIMITS, 4, weights, adapter, x, y),
        input_gradient(LIMITS, 4, weights, adapter, y, dx),
        adapter_gradients(LIMITS, 4, adapter, x, y, *gradients),
    )
    written = [{c.address for c in program if isinstance(c, Write)} for program in programs]
    assert written == [{0x4000}, {0x8000}, {0x28000, 0x2C000}]
