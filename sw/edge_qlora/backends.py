"""Backends by name. Golden model and simulation come from the checkout that this package lies in; a board is a port."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from .commands import Limits
from .driver import Backend
from .footprint import MemoryWindow
from .rtl_backend import RtlBackend
from .uart_link import BAUD, LinkError, SerialTransport, UartBackend

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ("golden", "rtl", "uart")


def _checkout() -> None:
    """Make the checkout's packages importable."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))


def configurations() -> Mapping[str, Mapping[str, int]]:
    """Hardware configurations by name, as ``sim/configs.toml`` has them."""
    _checkout()
    from sim.bench import configs

    return configs()


def setting(text: str) -> tuple[str, int]:
    """Name and value from "columns=4"."""
    name, separator, value = text.partition("=")
    if not separator:
        raise ValueError(text)
    return name, int(value, 0)


def settings_of(config: str, changes: Mapping[str, int]) -> Mapping[str, int]:
    """Settings of a configuration, some of them replaced.

    Raises:
        SystemExit: there is no such setting.
    """
    _checkout()
    from sim.system import settings_of

    return settings_of(config, changes)


def limits_of(settings: Mapping[str, int], window: MemoryWindow) -> Limits:
    """What hardware with these settings takes."""
    return Limits(settings["scratch_words"], settings["max_rows"], settings["nested_depth"], window)


def open_backend(
    name: str,
    config: str,
    memory: np.ndarray,
    base: int,
    progress: Callable[[int], None] | None = None,
    changes: Mapping[str, int] | None = None,
    port: str | None = None,
    baud: int = BAUD,
) -> Backend:
    """A backend with the accelerator in a hardware configuration.

    Args:
        name: one of BACKENDS.
        config: a configuration's name.
        memory: uint8, what is at address ``base`` and behind it; the accelerator works on it.
        progress: is told of the cycles of a simulation.
        changes: settings that replace those of the configuration.
        port, baud: of the board; its memory is loaded by ``UartBackend.load``, for which it must be started.

    Raises:
        SystemExit: the simulation does not build.
        LinkError: there is no such port.
    """
    if name == "uart":
        if port is None:
            raise LinkError("a board needs --port, such as /dev/ttyUSB1")
        return UartBackend(SerialTransport(port, baud))
    settings = settings_of(config, changes or {})
    if name == "golden":
        from tb.models.golden_backend import GoldenBackend

        limits = limits_of(settings, MemoryWindow(base, len(memory)))
        return GoldenBackend(memory, limits, base, settings["act_width"])
    from sim.system import build

    return RtlBackend(build(config, **changes or {}), memory, base, progress=progress)
