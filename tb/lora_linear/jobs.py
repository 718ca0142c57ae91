"""Jobs for the accelerator: what they compute, random ones, and their place in memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from edge_qlora import layout
from edge_qlora.commands import Command, Limits, Matrix, pack_list
from edge_qlora.layout import NF4Weight, transpose_lora_b
from edge_qlora.planner import Job, LayerPlan, Segment
from edge_qlora.streams import header_bytes

from tb.commands.operands import random_values, random_weight
from tb.models import qlora
from tb.models.core import Core, Report
from tb.models.matrix import Codebook
from tb.reference import LinearCase

DTYPES = (np.float32, np.float16)
# The planner's scale where the job's own is not finite; no other scale of a command is this.
STAND_IN = 3.0


@dataclass(frozen=True)
class LayerJob:
    """One job and its operands.

    Attributes:
        name: for messages.
        weight: base weight [N, K].
        x: [M, K] in the type it has in memory.
        dy: [M, N] in the type of x, or None for FORWARD.
        lora_a, lora_b: [r, K] and [N, r] in the type they have in memory; r 0 for no adapter.
        scale: LoRA scale.
        y_dtype: type of y or dx in memory.
        codebook: None for NF4.
    """

    name: str
    weight: NF4Weight
    x: np.ndarray
    dy: np.ndarray | None
    lora_a: np.ndarray
    lora_b: np.ndarray
    scale: float
    y_dtype: type = np.float32
    codebook: Codebook | None = None

    @property
    def rank(self) -> int:
        """LoRA rank, 0 for no adapter."""
        return len(self.lora_a)

    @property
    def layer(self) -> qlora.Layer:
        """The golden model's view."""
        weights = qlora.code_weights(self.weight, self.codebook)
        return qlora.Layer(weights, self.lora_a, transpose_lora_b(self.lora_b), self.scale)

    @classmethod
    def of_case(
        cls, case: LinearCase, backward: bool, dtype: type = np.float32, y_dtype: type = np.float32
    ) -> LayerJob:
        """FORWARD or BACKWARD of a reference case, with all operands in ``dtype``."""
        x, dy, a, b = (v.astype(dtype) for v in (case.x, case.dy, case.lora_a, case.lora_b))
        return cls(case.name, case.weight, x, dy if backward else None, a, b, case.scale, y_dtype)

    def expected(self, act_width: int) -> dict[str, np.ndarray]:
        """Results as they lie in memory, by name."""
        if self.dy is None:
            return {"y": qlora.forward(self.layer, self.x, act_width, self.y_dtype)}
        grads = qlora.backward(self.layer, self.x, self.dy, act_width, self.y_dtype)
        if not self.rank:
            return {"dx": grads.dx}
        return {"dx": grads.dx, "d_lora_a": grads.d_lora_a, "d_lora_b": grads.d_lora_bt}

    def place(self, limits: Limits) -> tuple[LayerPlan, Job]:
        """The job in the window of some limits, its static and adapter segments included.

        The planner refuses NaN and infinity; it places finite values, which then give way to the job's own.
        """
        finite = replace(
            self.weight, offset=_finite(self.weight.offset), nested_absmax=_finite(self.weight.nested_absmax)
        )
        scale = float(np.float32(self.scale))
        plan = LayerPlan(
            limits,
            finite,
            len(self.x),
            self.rank,
            scale if np.isfinite(scale) else STAND_IN,
            self.x.dtype.type,
            self.lora_a.dtype.type,
            self.y_dtype,
            self.codebook and (self.codebook.entries, self.codebook.scale),
        )
        x = _finite(self.x)
        job = plan.forward_job(x) if self.dy is None else plan.backward_job(x, _finite(self.dy))
        commands = job.commands if np.isfinite(scale) else tuple(_rescaled(c, scale) for c in job.commands)
        adapter = plan.adapter_segments(_finite(self.lora_a), _finite(self.lora_b)) if self.rank else ()
        images = {"x": self.x, "dy": self.dy}
        if self.rank:
            images |= {"lora_a": self.lora_a, "lora_b": layout.transpose_lora_b(self.lora_b)}
        contents = {plan.addresses[name]: layout.tensor_bytes(v) for name, v in images.items() if v is not None}
        book = self.layer.weights.codebook
        header = header_bytes(book.entries, book.scale, self.weight.offset, self.weight.nested_absmax)
        contents |= {plan.addresses["header"]: header.tobytes(), job.list_address: pack_list(commands)}
        segments = (*plan.static_segments(), *adapter, *job.segments)
        own = tuple(Segment(s.address, contents.get(s.address, s.data)) for s in segments)
        return plan, Job(commands, job.list_address, own, job.outputs)


def run_golden(job: Job, limits: Limits, act_width: int, columns: int = 8) -> tuple[Report, dict[str, np.ndarray]]:
    """How a placed job ends on the golden core, and its results as they lie in memory."""
    window = limits.window
    core = Core(np.zeros(window.size, np.uint8), limits, act_width, window.base, columns)
    for segment in job.segments:
        core.write(segment.address, segment.data)
    report = core.run(job.list_address)
    results = {
        name: core.memory[o.address - window.base :][: o.size].view(o.dtype).reshape(o.shape)
        for name, o in job.outputs.items()
    }
    return report, results


def _finite(values: np.ndarray | np.float32) -> np.ndarray | np.float32:
    return np.nan_to_num(values, nan=1, posinf=1, neginf=1)


def _rescaled(command: Command, scale: float) -> Command:
    """A command with another scale in the place of STAND_IN."""
    if not isinstance(command, Matrix):
        return command
    changed = {
        name: replace(product, scale=scale)
        for name in ("product0", "product1")
        if (product := getattr(command, name)) is not None and product.scale == STAND_IN
    }
    return replace(command, **changed)


def random_job(
    backward: bool, n: int, k: int, tokens: int, rank: int, dtypes: tuple[type, type, type] | None = None
) -> LayerJob:
    """A job of the given size with random operands; ``dtypes`` of x and dy, of A and B, of y and dx (None: random)."""
    rng = np.random.default_rng(random.getrandbits(32))
    x_dtype, lora_dtype, y_dtype = dtypes or tuple(random.choice(DTYPES) for _ in range(3))
    return LayerJob(
        f"{'backward' if backward else 'forward'} {n}x{k} M={tokens} r={rank}",
        random_weight(rng, n, k),
        random_values(rng, (tokens, k), x_dtype),
        random_values(rng, (tokens, n), x_dtype) if backward else None,
        random_values(rng, (rank, k), lora_dtype),
        random_values(rng, (n, rank), lora_dtype),
        float(np.float32(rng.choice([1.0, 2.0, -0.37, rng.uniform(0.01, 30)]))),
        y_dtype,
    )
