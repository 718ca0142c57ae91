"""Functional coverage that several benches share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cocotb_coverage.coverage import CoverPoint


def events(point: str, bins: Iterable[object]) -> Callable[[object], None]:
    """A function that covers something that happened, which is one of the bins of a cover point."""

    @CoverPoint(point, xf=lambda what: what, bins=list(bins))
    def sample(what: object) -> None:
        """Something happened."""

    return sample
