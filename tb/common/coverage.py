"""Functional coverage that several benches share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cocotb_coverage.coverage import CoverCross, CoverItem, CoverPoint, coverage_db


def events(point: str, bins: Iterable[object]) -> Callable[[object], None]:
    """A function that covers something that happened, which is one of the bins of a cover point."""

    @CoverPoint(point, xf=lambda what: what, bins=list(bins))
    def sample(what: object) -> None:
        """Something happened."""

    return sample


def points() -> Iterator[tuple[str, CoverPoint | CoverCross]]:
    """Cover points and crosses of the database by their names, without the groups that they are in."""
    return ((name, item) for name, item in coverage_db.items() if type(item) is not CoverItem)


class Counted:
    """Which hits count: those of tests that say so, and not those of tests that inject a fault, or fail.

    The database lives as long as the simulation, and a test may sample behind its report. So what a test has covered is
    taken back, if it must be, when the next one begins.
    """

    def __init__(self) -> None:
        self.kept: dict[str, dict] = {}
        self.counts = True  # what there was before the first test

    def begin(self) -> None:
        """A test begins."""
        for name, point in points():
            hits = point.detailed_coverage
            if self.counts:
                self.kept[name] = dict(hits)
            else:
                hits.update(self.kept.get(name) or dict.fromkeys(hits, 0))
        self.counts = False

    def count(self) -> None:
        """What the test covers counts."""
        self.counts = True


counted = Counted()
