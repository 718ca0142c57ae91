"""Random operands: activations and weights as trained models have them, and as they do not."""

from __future__ import annotations

import numpy as np
from edge_qlora.layout import BLOCK, NF4Weight, nested_entries

from tb.models import bfp8


def random_weight(rng: np.random.Generator, n: int, k: int) -> NF4Weight:
    """Any codes and scales, absmax of both signs."""
    blocks = n * k // BLOCK
    return NF4Weight(
        (n, k),
        rng.integers(0, 256, n * k // 2, dtype=np.uint8),
        rng.integers(0, 256, blocks, dtype=np.uint8),
        rng.uniform(0.01, 0.1, nested_entries(n, k)).astype(np.float32),
        np.float32(rng.uniform(0.02, 0.2)),
    )


def random_values(rng: np.random.Generator, shape: tuple[int, int], dtype: type) -> np.ndarray:
    """Narrow or wide range, zeros, subnormals, one outlier channel; uint8: of rows of BFP8 blocks, their bytes."""
    if dtype == np.uint8:
        return bfp8.pack(random_values(rng, shape, np.float32).reshape(-1, BLOCK)).reshape(shape)
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
