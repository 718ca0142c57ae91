"""Functional coverage of what only the tests of the AXI slave alone provoke: misplaced WLAST, contention, reset."""

from __future__ import annotations

from collections import deque

from pyuvm import uvm_component, uvm_subscriber

from tb.common.base import cycle
from tb.common.coverage import events
from tb.registers.coverage import BUS_BYTES, GROUP
from tb.registers.predictor import Predictor

# Where WLAST was in a burst that has been answered.
sample_last = events(f"{GROUP}.last", ["at the end", "early", "missing", "early and missing"])
# An access of one direction was made while one of the other waited.
sample_contention = events(f"{GROUP}.contention", ["read waits", "write waits"])
# A reset came between the address of a burst and its end.
sample_reset = events(f"{GROUP}.reset", ["in a read", "in a write"])


class SlaveCoverage(uvm_subscriber):
    """Connect behind the predictor, whose knowledge of what each direction owes it uses."""

    def __init__(self, name: str, parent: uvm_component, predictor: Predictor) -> None:
        super().__init__(name, parent)
        self.predictor = predictor
        self.forget()

    def forget(self) -> None:
        """Begin anew after a reset."""
        self.bursts: deque[int] = deque()  # beats of the write bursts whose data have not all come
        self.lasts: list[bool] = []
        self.whole: deque[str] = deque()
        self.moved = {"read": 0, "write": 0}  # the last cycle in which the direction did something

    def write(self, item) -> None:
        """Take one handshake from the monitor."""
        fields = item.fields
        channel = fields["channel"]
        if channel == "aw":
            self.bursts.append(fields["len"] + 1)
        elif channel == "w":
            self._data(fields)
        elif channel == "b":
            sample_last(self.whole.popleft())
        elif channel == "access":
            self._contention(fields)
        if channel in ("ar", "r") or (channel == "access" and not fields["write"]):
            self.moved["read"] = cycle()
        if channel == "w" or (channel == "access" and fields["write"]):
            self.moved["write"] = cycle()

    def _data(self, fields: dict) -> None:
        self.lasts.append(bool(fields["last"]))
        if len(self.lasts) == self.bursts[0]:
            wrong = (["early"] if any(self.lasts[:-1]) else []) + ([] if self.lasts[-1] else ["missing"])
            self.whole.append(" and ".join(wrong) or "at the end")
            self.bursts.popleft()
            self.lasts = []

    def _contention(self, fields: dict) -> None:
        predictor, now = self.predictor, cycle()
        if fields["write"]:
            # The next read is asked for a cycle behind its address, or behind the beat before it.
            waits = predictor.read_beats and not predictor.boards["r"].expected
            if waits and self.moved["read"] < now:
                sample_contention("read waits")
        # The words of a beat are looked at one per cycle, whether they have strobes or not.
        elif any(write.waiting for write in predictor.writes) and self.moved["write"] + BUS_BYTES // 4 <= now:
            sample_contention("write waits")
