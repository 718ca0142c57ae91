"""Backends by name. Golden model and simulation come from the checkout that this package lies in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from .commands import Limits
from .driver import Backend
from .footprint import MemoryWindow
from .rtl_backend import RtlBackend

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ("golden", "rtl")


def _checkout() -> None:
    """Make the checkout's packages importable."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


def configurations() -> Mapping[str, Mapping[str, int]]:
    """Hardware configurations by name, as ``sim/configs.toml`` has them."""
    _checkout()
    from sim.bench import configs

    return configs()


def limits_of(config: str, window: MemoryWindow) -> Limits:
    """What a configuration takes."""
    settings = configurations()[config]
    return Limits(settings["scratch_words"], settings["max_rows"], settings["nested_depth"], window)


def open_backend(
    name: str, config: str, memory: np.ndarray, base: int, progress: Callable[[int], None] | None = None
) -> Backend:
    """A backend with the accelerator in a hardware configuration.

    Args:
        name: one of BACKENDS.
        config: a configuration's name.
        memory: uint8, what is at address ``base`` and behind it; the accelerator works on it.
        progress: is told of the cycles of a simulation.

    Raises:
        SystemExit: the simulation does not build.
    """
    _checkout()
    if name == "golden":
        from tb.models.golden_backend import GoldenBackend

        limits = limits_of(config, MemoryWindow(base, len(memory)))
        return GoldenBackend(memory, limits, base, configurations()[config]["act_width"])
    from sim.system import build

    return RtlBackend(build(config), memory, base, progress=progress)
