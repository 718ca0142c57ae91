"""Models of a real configuration with weights drawn from a seed, for measurements where no weights are at hand."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from . import layout
from .checkpoint import Checkpoint, ModelConfig
from .errors import MissingTensorError
from .layout import NF4Weight
from .quantization import standard_tables

CONFIGS = {
    "tinyllama-1.1b": ModelConfig(
        hidden_size=2048,
        intermediate_size=5632,
        layers=22,
        heads=32,
        kv_heads=4,
        head_dim=64,
        vocab_size=32000,
        context=2048,
        rms_eps=1e-5,
        rope_theta=10000.0,
        tied_head=False,
    ),
}
DEVIATION = 0.02  # of weights, as models of this family are initialized


class SyntheticCheckpoint(Checkpoint):
    """Every tensor is a function of the seed and its name.

    Linear layers come in NF4 at once: codes as normal values would have them, and absmax around three deviations.
    """

    def __init__(self, config: ModelConfig, seed: int = 0):
        self.path = Path(f"seed {seed}")
        self.config = config
        self.seed = seed

    def _rng(self, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def tensor(self, name: str) -> np.ndarray:
        shape = self._expected_shape(name)
        if shape is None:
            raise MissingTensorError(self.path, "not a tensor of a Llama model", name)
        rng = self._rng(name)
        if len(shape) == 1:
            return rng.uniform(0.5, 1.5, shape).astype(np.float32)
        return (DEVIATION * rng.standard_normal(shape, np.float32)).astype(np.float32)

    def linear(self, name: str) -> NF4Weight:
        shape = self._expected_shape(name)
        if shape is None or len(shape) != 2:
            raise MissingTensorError(self.path, "not a linear layer of a Llama model", name)
        (n, k), rng = shape, self._rng(name)
        entries = layout.nested_entries(n, k)
        return NF4Weight(
            shape=shape,
            packed=_packed_codes()[rng.integers(0, 1 << 16, n * k // 2, np.uint16)],
            absmax_codes=rng.integers(0, 256, n * k // layout.BLOCK, np.uint8),
            nested_absmax=np.full(entries, DEVIATION, np.float32),
            offset=np.float32(3 * DEVIATION),
        )


def _packed_codes() -> np.ndarray:
    """Pairs of codes, uint8 [2**16]: drawn evenly, they are distributed as those of normal values."""
    values = standard_tables()["quant_map"].numpy()
    bounds = (values[1:] + values[:-1]) / 2
    codes = np.searchsorted(bounds, np.random.default_rng(0).standard_normal((2, 1 << 16)) / 3).astype(np.uint8)
    return codes[0] << 4 | codes[1]
