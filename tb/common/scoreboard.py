"""In-order scoreboard: what a monitor saw against what the golden model expects, bit for bit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import cocotb
from cocotb.triggers import Event
from pyuvm import uvm_component, uvm_subscriber


class ScoreboardError(AssertionError):
    """The DUT's output differs from the golden model's, or outputs are missing."""


def describe(name: str, actual: int, expected: int, longest: int = 4) -> str:
    """How two values of a field differ; of more than 64 bits, only the 32-bit words that do, the lowest first."""
    digits = -(-max(actual.bit_length(), expected.bit_length(), 1) // 4)
    if digits <= 16:
        bits = f"differing bits {actual ^ expected:#x}"
        return f"{name} is {actual:#0{digits + 2}x}, expected {expected:#0{digits + 2}x}, {bits}"
    words = [(at, actual >> 32 * at & 0xFFFFFFFF, expected >> 32 * at & 0xFFFFFFFF) for at in range(-(-digits // 8))]
    wrong = [f"[{32 * at}+:32] is {is_:#010x}, expected {should:#010x}" for at, is_, should in words if is_ != should]
    more = [f"{len(wrong) - longest} more words differ"] if len(wrong) > longest else []
    return "; ".join(f"{name}{part}" for part in wrong[:longest]) + "".join(f"; {part}" for part in more)


class Scoreboard(uvm_subscriber):
    """Compare transfers in order with expected ones.

    Connect a monitor's ``analysis_port`` to ``analysis_export``; call ``expect`` for each output in order, before or
    after it arrives. ``await drained()`` returns when everything expected has been seen. ``check_phase`` raises
    ScoreboardError on any difference, so a test that must fail is declared with ``expect_error=ScoreboardError``.

    Attributes:
        compared: transfers compared.
        mismatches: transfers that differed.
    """

    def __init__(self, name: str, parent: uvm_component, longest_report: int = 10) -> None:
        super().__init__(name, parent)
        self.expected: deque[tuple[Mapping[str, int], str, Callable[[], None] | None]] = deque()
        self.early: deque[Mapping[str, int]] = deque()
        self.compared = 0
        self.mismatches = 0
        self.longest_report = longest_report
        self._empty = Event()

    def expect(self, fields: Mapping[str, int], context: str = "", matched: Callable[[], None] | None = None) -> None:
        """Queue one expected transfer.

        Args:
            fields: all or some of its fields.
            context: where in the data it is, which tells a mismatch.
            matched: called when it has come and is right, to cover it.
        """
        self.expected.append((fields, context, matched))
        self._empty.clear()
        self._compare()

    def write(self, item) -> None:
        """Receive one observed transfer from the monitor."""
        self.early.append(item.fields)
        self._compare()

    def _compare(self) -> None:
        while self.expected and self.early:
            (expected, context, matched), actual = self.expected.popleft(), self.early.popleft()
            if missing := expected.keys() - actual.keys():
                raise ScoreboardError(f"{self.get_name()}: the monitor does not report {sorted(missing)}")
            wrong = {name: value for name, value in expected.items() if actual[name] != value}
            if wrong:
                self.mismatches += 1
                if self.mismatches <= self.longest_report:
                    for name, value in wrong.items():
                        where = f" ({context})" if context else ""
                        difference = describe(name, actual[name], value)
                        cocotb.log.error(f"MISMATCH {self.get_name()} transfer {self.compared}{where}: {difference}")
            elif matched:
                matched()
            self.compared += 1
        if not self.expected:
            self._empty.set()

    def forget(self, keep: int = 0) -> None:
        """Drop what is expected, but for the next ``keep`` transfers."""
        while len(self.expected) > keep:
            self.expected.pop()
        self._compare()

    async def drained(self) -> None:
        """Wait until every expected transfer has been compared."""
        if self.expected:
            await self._empty.wait()

    def check_phase(self) -> None:
        if self.mismatches or self.expected or self.early:
            raise ScoreboardError(
                f"{self.get_name()}: {self.mismatches} of {self.compared} transfers differ, {len(self.expected)} "
                f"expected transfers never came, {len(self.early)} came unexpected"
            )
