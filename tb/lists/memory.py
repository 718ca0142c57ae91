"""Stand-in for the AXI masters towards the fetch: lines from memory, the window, and the bus that comes to rest."""

from __future__ import annotations

import random
from collections import deque

from tb.common.stream import Pace
from tb.lists.coverage import sample_seen
from tb.lists.model import BITS, LINE
from tb.lists.pins import BUS_BITS, DUT, Pins
from tb.lists.plan import Plan

BEATS = BITS // BUS_BITS


class Memory:
    """Answer the requests of the fetch, and check that it asks for nothing but the list.

    Args:
        plan: the list.
        pins: inputs of the DUT.
        read_ahead: lines per request.

    Attributes:
        range_error, read_error: request line and address of an access outside of the window, or with an error.
    """

    def __init__(self, plan: Plan, pins: Pins, read_ahead: int) -> None:
        self.plan, self.pins, self.read_ahead = plan, pins, read_ahead
        self.beats: deque[tuple[int, int]] = deque()  # cycles to wait before it, data
        self.next_line, self.requests = plan.line, 0
        self.command_pace, self.data_pace = (Pace(), Pace()) if plan.fast else (Pace.any(), Pace.any())
        self.command_pause, self.drain = 0, None
        self.range_error: tuple[int, int] | None = None
        self.read_error: tuple[int, int] | None = None

    def reset(self) -> None:
        """Forget everything."""
        self.beats.clear()
        self.pins.put(rcmd_ready=0, rdata_valid=0)

    def step(self, stop: bool, traffic: bool) -> None:
        """One cycle: what came, then what comes next."""
        pins = self.pins
        if stop:
            self._stop(traffic)
            return
        if DUT.rcmd_valid_o.value and pins["rcmd_ready"]:
            self._request(int(DUT.rcmd_addr_o.value), int(DUT.rcmd_lines_o.value))
        if pins["rdata_valid"]:
            assert DUT.rdata_ready_o.value, "the fetch does not take what it has asked for"
        self.read_error = None
        valid, data = 0, 0
        if self.beats:
            wait, data = self.beats[0]
            if wait:
                self.beats[0] = wait - 1, data
            else:
                self.beats.popleft()
                valid = 1
        # The bus is idle a cycle after the last beat.
        pins.put(rdata_valid=valid, rdata_data=data, axi_idle=int(not self.beats and not valid and not traffic))
        self.command_pause = self.command_pause - 1 if self.command_pause else self.command_pace.cycles()
        pins.put(rcmd_ready=int(not self.command_pause))

    def _request(self, line: int, lines: int) -> None:
        plan, limit = self.plan, self.plan.limit // LINE
        assert line == self.next_line, f"line {line:#x} is read after {self.next_line - 1:#x}"
        fits = line + self.read_ahead <= limit
        assert lines == (self.read_ahead if fits else 1), f"{lines} lines are asked for"
        if not fits:
            assert plan.last_line is None or line <= plan.last_line, "a line behind END is read near the window's end"
            sample_seen("single lines near the limit")
        self.next_line += lines
        first, end = line * LINE, (line + lines) * LINE
        if first < plan.base or end > plan.limit:
            self.range_error = line, first if first < plan.base or first >= plan.limit else plan.limit
            return
        if self.requests == plan.failing_read:
            self.read_error = line, first
        self.requests += 1
        if plan.last_line is not None and line > plan.last_line:
            sample_seen("data dropped behind END")
        latency = 0 if plan.fast else random.choice((0, 1, 10, 60))
        for n in range(line, line + lines):
            word = plan.word(n)
            for beat in range(BEATS):
                data = word >> BUS_BITS * beat & (1 << BUS_BITS) - 1
                self.beats.append((latency + self.data_pace.cycles(), data))
                latency = 0

    def _stop(self, traffic: bool) -> None:
        """Bursts under way end some time; what they bring is dropped."""
        if self.drain is None:
            self.drain = random.choice((0, 1, 3, 40)) if self.beats or traffic else 0
            self.beats.clear()
        self.drain = max(0, self.drain - 1)
        self.pins.put(rdata_valid=0, rcmd_ready=0, axi_idle=int(self.drain == 0))
