"""Bus monitor: samples all five AXI channels and the status outputs in each cycle."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from cocotb.triggers import RisingEdge
from pyuvm import uvm_analysis_port, uvm_component

from tb.axi_master.model import Geometry
from tb.axi_master.protocol import Channel, Limits, ProtocolChecker, Status
from tb.common.base import cycle
from tb.common.stream import StreamItem

_ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos")
REGION_FIELDS = ("addr", "lines", "rows", "stride")
FIELDS = {
    "ar": _ADDRESS,
    "aw": _ADDRESS,
    "r": ("resp", "last"),
    "w": ("data", "strb", "last"),
    "b": ("resp",),
}


class BusMonitor(uvm_component):
    """Publish every transfer of the AXI channels and every error pulse; check the protocol.

    Analysis ports: ``ar``, ``r``, ``aw``, ``w``, ``b``, ``read_error``, ``write_error``.

    Attributes:
        checker: rules applied to each cycle.
        fault: (port, field) whose first transfer gets one bit flipped (fault injection), or None; of the bus channels
            before the protocol checker sees it, of the error reports on its way to the scoreboard.
        beats: transfers per channel.
        stalls: channels that were seen with valid high and ready low.
        on_stop: called in the first cycle of a stop with the addresses that are offered and not taken, "ar" and "aw".
        first, last: clock cycle of the first and the last transfer per channel since ``clear``.
    """

    def __init__(self, name: str, parent: uvm_component, dut, geometry: Geometry, limits: Limits) -> None:
        super().__init__(name, parent)
        self.dut, self.geometry = dut, geometry
        self.checker = ProtocolChecker(limits)
        self.fault: tuple[str, str] | None = None
        self.write_ends: deque[bool] = deque()
        self.stalls: set[str] = set()
        self.clear()
        self.signals = {
            name: {field: getattr(dut, f"m_axi_{name}{field}") for field in ("valid", "ready", *fields)}
            for name, fields in FIELDS.items()
        }
        self.on_stop: Callable[[dict[str, int | None]], None] = lambda waiting: None
        self.stopped = False
        self.command = [getattr(dut, f"wcmd_{part}") for part in ("valid_i", "ready_o")]
        self.region = {field: getattr(dut, f"wcmd_{field}_i") for field in REGION_FIELDS}
        self.flags = {name: getattr(dut, f"{name}_o") for name in ("drained", "writes_pending", "rbeat", "wbeat")}
        self.errors = {
            name: [getattr(dut, f"{name}_{part}") for part in ("o", "addr_o", "tag_o")]
            for name in ("read_error", "write_error")
        }

    def clear(self) -> None:
        """Start a new measurement."""
        self.beats = dict.fromkeys(FIELDS, 0)
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def rate(self, channel: str) -> float:
        """Transfers per cycle of a channel, from its first transfer to its last since ``clear``."""
        return self.beats[channel] / (self.last[channel] - self.first[channel] + 1)

    def build_phase(self) -> None:
        self.ports = {name: uvm_analysis_port(name, self) for name in (*FIELDS, "read_error", "write_error")}

    async def run_phase(self) -> None:
        while True:
            await RisingEdge(self.dut.clk_i)
            if self.dut.rst_ni.value == 1:
                self._cycle()

    def _channel(self, name: str) -> Channel:
        signals = self.signals[name]
        valid, ready = bool(int(signals["valid"].value)), bool(int(signals["ready"].value))
        payload = None
        if valid:
            payload = {field: int(signals[field].value) for field in FIELDS[name]}
            if ready:
                self._falsify(name, payload, signals)
            if not ready:
                self.stalls.add(name)
        return Channel(valid, ready, payload)

    def _falsify(self, name: str, payload: dict[str, int], signals: dict) -> None:
        if self.fault and self.fault[0] == name:
            # A low bit, so that an address stays with its client.
            payload[self.fault[1]] ^= 1 << random.randrange(min(32, len(signals[self.fault[1]])))
            self.fault = None

    def _accepted(self) -> list[bool]:
        """Of each burst of the write command taken at this clock edge, if any, whether it is the command's last."""
        if not all(int(signal.value) for signal in self.command):
            return []
        region = self.geometry.region({name: int(signal.value) for name, signal in self.region.items()})
        return [burst.last for burst in self.geometry.bursts(region)]

    def _error(self, name: str) -> dict[str, int] | None:
        pulse, *fields = self.errors[name]
        if not int(pulse.value):
            return None
        report = {name: int(field.value) for name, field in zip(("addr", "tag"), fields, strict=True)}
        self._falsify(name, report, dict(zip(report, fields, strict=True)))
        return report

    def _cycle(self) -> None:
        assert not int(self.dut.overflow_o.value), "a beat came for which its client had no room"
        channels = {name: self._channel(name) for name in FIELDS}
        accepted = self._accepted()
        self.write_ends.extend(accepted)
        errors = {name: self._error(name) for name in self.errors}
        began = not self.stopped and bool(int(self.dut.stop_i.value))
        self.stopped = bool(int(self.dut.stop_i.value))
        status = Status(
            **{name: bool(int(flag.value)) for name, flag in self.flags.items()},
            **{name: error and error["addr"] for name, error in errors.items()},
            writes_accepted=int(bool(accepted)),
            write_completed=bool(channels["b"].fires and self.write_ends and self.write_ends.popleft()),
            stopped=self.stopped,
        )
        self.checker.cycle(channels, status)
        for name, channel in channels.items():
            if channel.fires:
                self.beats[name] += 1
                self.last[name] = cycle()
                self.first.setdefault(name, self.last[name])
                self.ports[name].write(StreamItem(channel.payload))
        for name, report in errors.items():
            if report:
                self.ports[name].write(StreamItem(report))
        if began:
            waiting = {name: channels[name] for name in ("ar", "aw")}
            stalled = {name: c.payload["addr"] if c.valid and not c.ready else None for name, c in waiting.items()}
            # Commands that were cut off do not complete any more.
            self.write_ends = deque([False] * self.checker.writes_in_flight)
            self.on_stop(stalled)
