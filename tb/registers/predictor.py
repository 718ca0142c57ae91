"""Predict what the AXI slave must do: register accesses from bursts, responses from the answers to the accesses."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pyuvm import uvm_component, uvm_subscriber

from tb.common.scoreboard import Scoreboard
from tb.common.stream import StreamItem
from tb.registers import coverage
from tb.registers.burst import OKAY, SLVERR, Burst, Kind

BOARDS = ("write_access", "read_access", "b", "r")


@dataclass
class _Write:
    burst: Burst
    seen: int = 0
    waiting: int = 0
    error: bool = False


@dataclass
class _ReadBeat:
    burst: Burst
    last: bool
    waiting: deque[int] = field(default_factory=deque)
    data: int = 0
    error: bool = False


def _burst(fields: dict, write: bool) -> Burst:
    return Burst(
        write=write,
        address=fields["addr"],
        beats=fields["len"] + 1,
        size=fields["size"],
        kind=Kind(fields["burst"]),
        ident=fields["id"],
    )


class Predictor(uvm_subscriber):
    """Fill the scoreboards ``BOARDS`` with expected and observed transfers.

    Expected are: every register access with address, data and strobes, in order per direction; every B and R beat.
    A read beat's lanes without a register must be zero. It also counts what coverage needs.
    """

    def __init__(self, name: str, parent: uvm_component, bus_bytes: int, boards: dict[str, Scoreboard]) -> None:
        super().__init__(name, parent)
        self.bus_bytes, self.boards = bus_bytes, boards
        self.writes: deque[_Write] = deque()
        self.read_beats: deque[_ReadBeat] = deque()
        self.beats = {"r": 0, "w": 0}

    def write(self, item) -> None:
        """Take one handshake from the monitor."""
        getattr(self, f"_on_{item.fields['channel']}")(item.fields)

    def _on_aw(self, fields: dict) -> None:
        self.writes.append(_Write(_burst(fields, True)))
        coverage.sample_burst(self.writes[-1].burst, self.bus_bytes)
        if self.read_beats:
            coverage.sample_overlap("read running, write comes")

    def _on_w(self, fields: dict) -> None:
        self.beats["w"] += 1
        state = next(write for write in self.writes if write.seen < write.burst.beats)
        burst, beat = state.burst, state.seen
        state.seen += 1
        if not burst.legal(self.bus_bytes) or fields["last"] != (state.seen == burst.beats):
            state.error = True
        touched = 0
        for address, word in burst.words(beat, self.bus_bytes) if burst.legal(self.bus_bytes) else ():
            strobes = fields["strb"] >> 4 * word & 0xF
            if strobes:
                data = fields["data"] >> 32 * word & 0xFFFFFFFF
                touched += 1
                expected = {"addr": address, "wdata": data, "wstrb": strobes}
                self.boards["write_access"].expect(expected, f"beat {beat} of {burst}")
        state.waiting += touched
        coverage.sample_words("write", touched)
        self._finish_writes()

    def _on_ar(self, fields: dict) -> None:
        burst = _burst(fields, False)
        coverage.sample_burst(burst, self.bus_bytes)
        if self.writes:
            coverage.sample_overlap("write running, read comes")
        for beat in range(burst.beats):
            state = _ReadBeat(burst, beat == burst.beats - 1)
            if burst.legal(self.bus_bytes):
                for address, word in burst.words(beat, self.bus_bytes):
                    state.waiting.append(word)
                    self.boards["read_access"].expect({"addr": address, "wstrb": 0}, f"beat {beat} of {burst}")
            else:
                state.error = True
            coverage.sample_words("read", len(state.waiting))
            self.read_beats.append(state)
        self._finish_reads()

    def _on_access(self, fields: dict) -> None:
        if fields["write"]:
            observed = {name: fields[name] for name in ("addr", "wdata", "wstrb")}
            self.boards["write_access"].write(StreamItem(observed))
            state = next((write for write in self.writes if write.waiting), None)
            if state:
                state.waiting -= 1
                state.error |= bool(fields["error"])
                self._finish_writes()
        else:
            self.boards["read_access"].write(StreamItem({name: fields[name] for name in ("addr", "wstrb")}))
            if self.read_beats and self.read_beats[0].waiting:
                state = self.read_beats[0]
                state.data |= fields["rdata"] << 32 * state.waiting.popleft()
                state.error |= bool(fields["error"])
                self._finish_reads()

    def _finish_writes(self) -> None:
        while self.writes and self.writes[0].seen == self.writes[0].burst.beats and not self.writes[0].waiting:
            state = self.writes.popleft()
            response = SLVERR if state.error else OKAY
            self.boards["b"].expect({"id": state.burst.ident, "resp": response}, f"{state.burst}")

    def _finish_reads(self) -> None:
        while self.read_beats and not self.read_beats[0].waiting:
            state = self.read_beats.popleft()
            expected = {
                "id": state.burst.ident,
                "data": state.data,
                "resp": SLVERR if state.error else OKAY,
                "last": int(state.last),
            }
            self.boards["r"].expect(expected, f"{state.burst}")

    def _on_b(self, fields: dict) -> None:
        self.boards["b"].write(StreamItem({name: fields[name] for name in ("id", "resp")}))
        coverage.sample_response("write", fields["resp"])

    def _on_r(self, fields: dict) -> None:
        self.beats["r"] += 1
        self.boards["r"].write(StreamItem({name: fields[name] for name in ("id", "data", "resp", "last")}))
        coverage.sample_response("read", fields["resp"])

    def forget(self) -> None:
        """A reset has ended everything that was in flight."""
        self.writes.clear()
        self.read_beats.clear()
        for board in self.boards.values():
            board.forget()

    @property
    def idle(self) -> bool:
        """Nothing is in flight as far as the channels have shown."""
        return not self.writes and not self.read_beats
