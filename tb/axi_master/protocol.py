"""AXI4 rules, and the master's own status outputs, checked cycle by cycle on what the bus monitor samples."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tb.axi_master.model import PAGE, Geometry


class ProtocolError(AssertionError):
    """The DUT broke a rule of the bus or of its status outputs."""


@dataclass
class Channel:
    """One channel in one cycle; ``payload`` is None while valid is low."""

    valid: bool
    ready: bool
    payload: dict[str, int] | None

    @property
    def fires(self) -> bool:
        """A transfer takes place at this clock edge."""
        return self.valid and self.ready


@dataclass
class Status:
    """Status outputs and command events in one cycle."""

    drained: bool
    writes_pending: bool
    rbeat: bool
    wbeat: bool
    read_error: int | None
    write_error: int | None
    writes_accepted: int
    write_completed: bool
    stopped: bool


@dataclass
class Limits:
    """Parameters of the DUT that the rules depend on."""

    geometry: Geometry
    read_outstanding: int
    write_outstanding: int
    id_value: int


@dataclass
class ProtocolChecker:
    """Rules over successive cycles.

    Attributes:
        limits: parameters of the DUT.
        violations: the first few broken rules in words.
        count: number of broken rules.
        most_reads, most_writes: most bursts that were in flight at once.
        announced_beats: beats of all write bursts whose address was offered.
        orders: "data first" once data was taken before its address, "address first" once it was not.
    """

    limits: Limits
    violations: list[str] = field(default_factory=list)
    count: int = 0
    most_reads: int = 0
    most_writes: int = 0
    announced_beats: int = 0
    orders: set[str] = field(default_factory=set)
    _stalled: dict[str, dict[str, int] | None] = field(default_factory=dict)
    _reads: deque = field(default_factory=deque)  # [address, beats left, failed] from ARVALID to RLAST
    _data: deque = field(default_factory=deque)  # beats left of each write burst from AWVALID to WLAST
    _responses: deque = field(default_factory=deque)  # address of each write burst from AWVALID to B
    _written: int = 0  # write bursts whose last beat is through and whose response is not
    _pending_writes: int = 0
    _write_completed: bool = False
    _responded: bool = False  # a response was taken in the cycle before
    _stopped: bool = False  # in the cycle before
    _expected: dict[str, object] = field(default_factory=dict)  # status outputs due in the next cycle

    def fail(self, rule: str) -> None:
        """Record a broken rule."""
        self.count += 1
        if len(self.violations) < 10:
            self.violations.append(rule)

    def require(self, holds: bool, rule: str) -> None:
        """Record ``rule`` unless it holds."""
        if not holds:
            self.fail(rule)

    def cycle(self, channels: dict[str, Channel], status: Status) -> None:
        """Check one clock cycle; to be called for every cycle out of reset."""
        new = {name: self._stable(name, channel) for name, channel in channels.items()}
        for name in ("ar", "aw"):
            if new[name]:
                self._address(name, channels[name].payload)
                self.require(not self._stopped, f"{name}: a new address while stopped")
        # A burst counts from the cycle in which its address becomes valid.
        if new["ar"]:
            payload = channels["ar"].payload
            self._reads.append([payload["addr"], payload["len"] + 1, False])
        if new["aw"]:
            payload = channels["aw"].payload
            self._data.append(payload["len"] + 1)
            self._responses.append(payload["addr"])
            self.announced_beats += payload["len"] + 1
        self.most_reads = max(self.most_reads, len(self._reads))
        self.most_writes = max(self.most_writes, len(self._responses))
        self.require(len(self._reads) <= self.limits.read_outstanding, "too many reads outstanding")
        self.require(len(self._responses) <= self.limits.write_outstanding, "too many writes outstanding")
        self._status(status)
        self._expected = {"rbeat": channels["r"].fires, "wbeat": channels["w"].fires}
        self._read_data(channels["r"])
        self._write_data(channels["w"])
        self._response(channels["b"])
        # Completion shows a cycle after the response, when its error report is out.
        self._pending_writes += status.writes_accepted - self._write_completed
        self._write_completed = status.write_completed
        self._responded = channels["b"].fires
        self._stopped = status.stopped
        if status.stopped:  # commands are forgotten, bursts are not
            self._pending_writes, self._write_completed = 0, False

    @property
    def reads_in_flight(self) -> int:
        """Read bursts whose data have not come."""
        return len(self._reads)

    @property
    def writes_in_flight(self) -> int:
        """Write bursts that have not been answered."""
        return len(self._responses)

    def _stable(self, name: str, channel: Channel) -> bool:
        """Check that a stalled transfer stays as it is; returns whether a new one is offered."""
        stalled = self._stalled.get(name)
        self.require(stalled is None or channel.valid, f"{name}: valid fell before ready")
        self.require(stalled is None or stalled == channel.payload, f"{name}: payload changed while stalled")
        self._stalled[name] = channel.payload if channel.valid and not channel.ready else None
        return channel.valid and stalled is None

    def _address(self, name: str, payload: dict[str, int]) -> None:
        geometry = self.limits.geometry
        beats = payload["len"] + 1
        size = geometry.beat_bytes.bit_length() - 1
        self.require(payload["addr"] % geometry.beat_bytes == 0, f"{name}: address not aligned")
        self.require(beats <= geometry.max_burst, f"{name}: burst longer than MAX_BURST")
        end = payload["addr"] % PAGE + beats * geometry.beat_bytes
        self.require(end <= PAGE, f"{name}: burst crosses 4 KB")
        constants = {"id": self.limits.id_value, "size": size, "burst": 1, "lock": 0, "cache": 3, "prot": 0, "qos": 0}
        for field_name, value in constants.items():
            self.require(payload[field_name] == value, f"{name}: {field_name} is {payload[field_name]}")

    def _read_data(self, channel: Channel) -> None:
        if not channel.fires:
            return
        if not self._reads:
            self.fail("r: a beat was taken that nobody asked for")
            return
        burst, payload = self._reads[0], channel.payload
        burst[1] -= 1
        self.require(payload["last"] == (burst[1] == 0), "r: RLAST at the wrong beat (memory model)")
        if payload["resp"] & 2 and not burst[2]:
            burst[2] = True
            self._expected["read_error"] = burst[0]
        if burst[1] == 0:
            self._reads.popleft()

    def _write_data(self, channel: Channel) -> None:
        if not channel.valid:
            return
        if not self._data:
            self.fail("w: data before their address")
            return
        self.require(channel.payload["last"] == (self._data[0] == 1), "w: WLAST at the wrong beat")
        if channel.ready:
            # The address that waits is that of the burst announced last.
            early = len(self._data) == 1 and self._stalled["aw"]
            self.orders.add("data first" if early else "address first")
            self._data[0] -= 1
            if self._data[0] == 0:
                self._data.popleft()
                self._written += 1

    def _response(self, channel: Channel) -> None:
        if not channel.fires:
            return
        if not self._responses or not self._written:
            self.fail("b: response taken before its data")
            return
        self._written -= 1
        addr = self._responses.popleft()
        if channel.payload["resp"] & 2:
            self._expected["write_error"] = addr

    def _status(self, status: Status) -> None:
        for name in ("rbeat", "wbeat"):
            self.require(getattr(status, name) == self._expected.get(name, False), f"{name}_o is wrong")
        for name in ("read_error", "write_error"):
            self.require(getattr(status, name) == self._expected.get(name), f"{name}_o is wrong")
        self.require(status.drained == (not self._reads and not self._responses), "drained_o is wrong")
        pending = bool(self._pending_writes or self._responses or self._responded)
        self.require(status.writes_pending == pending, "writes_pending_o is wrong")

    def finish(self) -> None:
        """Check that nothing is left over.

        Raises:
            ProtocolError: a rule was broken.
        """
        self.require(not self._reads and not self._data and not self._responses, "bursts left unfinished")
        if self.count:
            raise ProtocolError(f"{self.count} violations: " + "; ".join(self.violations))
