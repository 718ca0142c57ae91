"""Golden arbiter of those who take turns."""

from __future__ import annotations


class Turns:
    """Of those who ask, the first behind the last one served, or else the first.

    Attributes:
        count: how many may ask.
        last: who was served last; ``count`` when nobody was.
    """

    def __init__(self, count: int) -> None:
        self.count = self.last = count

    def pick(self, requests: int) -> int:
        """Who is served, as a bit mask, when these ask; nobody when nobody asks."""
        asking = [number for number in range(self.count) if requests >> number & 1]
        behind = [number for number in asking if number > self.last]
        return 1 << (behind or asking)[0] if asking else 0

    def clock(self, served: int) -> None:
        """The cycle ends in which one was served, or nobody."""
        self.last = served.bit_length() - 1 if served else self.last
