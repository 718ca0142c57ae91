"""Jobs for the accelerator: what they compute, random ones, and their place in memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import numpy as np
from edge_qlora import layout
from edge_qlora.job import Descriptor, MemoryWindow
from edge_qlora.layout import BLOCK, SCRATCH_ROW_BYTES, NF4Weight, transpose_lora_b
from edge_qlora.planner import Job, LayerPlan, Segment

from tb.models import qlora
from tb.models.matrix import Codebook
from tb.reference import LinearCase

DTYPES = (np.float32, np.float16)


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
        """Results as they lie in memory, by the name of the descriptor's field."""
        if self.dy is None:
            return {"y": qlora.forward(self.layer, self.x, act_width, self.y_dtype)}
        grads = qlora.backward(self.layer, self.x, self.dy, act_width, self.y_dtype)
        if not self.rank:
            return {"dx": grads.dx}
        return {"dx": grads.dx, "d_lora_a": grads.d_lora_a, "d_lora_b": grads.d_lora_bt}

    def nonfinite_result(self, descriptor: Descriptor, act_width: int) -> int | None:
        """Address of the result into which the first NaN or infinity goes; None when all is finite."""
        step = qlora.nonfinite_step(self.layer, self.x, self.dy, act_width, self.y_dtype)
        if step is None:
            return None
        if self.dy is None:
            return (descriptor.workspace, descriptor.y)[step]
        low_t = descriptor.workspace + len(self.x) * SCRATCH_ROW_BYTES
        grad_low_t = low_t + self.rank * -(-len(self.x) // BLOCK) * SCRATCH_ROW_BYTES
        after = (low_t, grad_low_t, descriptor.d_lora_a, descriptor.d_lora_b)
        return (descriptor.workspace, descriptor.dx, *after)[step]

    def place(self, window: MemoryWindow) -> tuple[LayerPlan, Job]:
        """The job in memory, its static and adapter segments included.

        The planner refuses NaN and infinity; it places finite values, which then give way to the job's own.
        """
        plan = LayerPlan(
            window,
            replace(self.weight, offset=_finite(self.weight.offset), nested_absmax=_finite(self.weight.nested_absmax)),
            len(self.x),
            self.rank,
            float(_finite(np.float32(self.scale))),
            self.x.dtype.type,
            self.lora_a.dtype.type,
            self.y_dtype,
        )
        x = _finite(self.x)
        job = plan.forward_job(x) if self.dy is None else plan.backward_job(x, _finite(self.dy))
        adapter = plan.adapter_segments(_finite(self.lora_a), _finite(self.lora_b)) if self.rank else ()
        descriptor = replace(job.descriptor, lora_scale=self.scale, absmax_offset=float(self.weight.offset))
        images = {"x": self.x, "dy": self.dy, "nested_absmax": self.weight.nested_absmax}
        if self.rank:
            images |= {"lora_a": self.lora_a, "lora_b": layout.transpose_lora_b(self.lora_b)}
        contents = {plan.addresses[name]: layout.tensor_bytes(v) for name, v in images.items() if v is not None}
        contents[job.descriptor_address] = descriptor.pack()
        segments = (*plan.static_segments(), *adapter, *job.segments)
        own = tuple(Segment(s.address, contents.get(s.address, s.data)) for s in segments)
        return plan, Job(descriptor, job.descriptor_address, own, job.outputs)


def _finite(values: np.ndarray | np.float32) -> np.ndarray | np.float32:
    return np.nan_to_num(values, nan=1, posinf=1, neginf=1)


def random_weight(rng: np.random.Generator, n: int, k: int) -> NF4Weight:
    """Any codes and scales, absmax of both signs."""
    blocks = n * k // BLOCK
    return NF4Weight(
        (n, k),
        rng.integers(0, 256, n * k // 2, dtype=np.uint8),
        rng.integers(0, 256, blocks, dtype=np.uint8),
        rng.uniform(0.01, 0.1, -(-blocks // 256)).astype(np.float32),
        np.float32(rng.uniform(0.02, 0.2)),
    )


def random_values(rng: np.random.Generator, shape: tuple[int, int], dtype: type) -> np.ndarray:
    """Narrow or wide range, zeros, subnormals, one outlier channel."""
    kind = rng.choice(["normal", "wide", "sparse", "outlier"])
    values = rng.standard_normal(shape)
    if kind == "wide":
        span = 6 if dtype == np.float16 else 30
        values *= 2.0 ** rng.integers(-span, span, shape)
    elif kind == "sparse":
        values *= rng.random(shape) < 0.2
        values[rng.random(shape) < 0.1] = 1e-6 if dtype == np.float16 else 1e-41
    elif kind == "outlier" and shape[1]:
        values[:, rng.integers(shape[1])] *= 60
    return values.astype(dtype)


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
