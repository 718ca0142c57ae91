"""Bus monitor: samples all five AXI channels and the status outputs in each cycle."""

from __future__ import annotations

import random
from collections import deque

from cocotb.triggers import RisingEdge
from pyuvm import uvm_analysis_port, uvm_component

from tb.axi_master.model import Geometry, Region
from tb.axi_master.protocol import Channel, Limits, ProtocolChecker, Status
from tb.common.base import cycle
from tb.common.stream import StreamItem

_ADDRESS = ("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos")
REGION_FIELDS = ("addr", "row_bytes", "rows", "stride")
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

        self.commands = {
            name: [
                getattr(dut, f"{name}_{part}") for part in ("valid_i", "ready_o", *(f"{f}_i" for f in REGION_FIELDS))
            ]
            for name in ("rcmd", "wcmd")
        }
        self.read_ends = [dut.rdata_valid_o, dut.rdata_ready_i, dut.rdata_last_o]
        self.flags = {name: getattr(dut, f"{name}_o") for name in ("read_idle", "writes_pending", "rbeat", "wbeat")}
        self.errors = {
            name: [getattr(dut, f"{name}_{part}") for part in ("o", "addr_o", "resp_o")]
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
            payload[self.fault[1]] ^= 1 << random.randrange(len(signals[self.fault[1]]))
            self.fault = None

    def _accepted(self, name: str) -> Region | None:
        """The command taken at this clock edge on stream ``name``, if any."""
        valid, ready, *fields = self.commands[name]
        if not (int(valid.value) and int(ready.value)):
            return None
        return Region(*(int(field.value) for field in fields))

    def _error(self, name: str) -> tuple[int, int] | None:
        pulse, addr, resp = self.errors[name]
        return (int(addr.value), int(resp.value)) if int(pulse.value) else None

    def _cycle(self) -> None:
        channels = {name: self._channel(name) for name in FIELDS}
        read, write = self._accepted("rcmd"), self._accepted("wcmd")
        if write:
            self.write_ends.extend(burst.last for burst in self.geometry.bursts(write))
        status = Status(
            **{name: bool(int(flag.value)) for name, flag in self.flags.items()},
            read_error=self._error("read_error"),
            write_error=self._error("write_error"),
            reads_accepted=int(read is not None and bool(self.geometry.bursts(read))),
            reads_completed=int(all(int(signal.value) for signal in self.read_ends)),
            writes_accepted=int(write is not None and bool(self.geometry.bursts(write))),
            write_completed=bool(channels["b"].fires and self.write_ends and self.write_ends.popleft()),
        )
        self.checker.cycle(channels, status)
        for name, channel in channels.items():
            if channel.fires:
                self.beats[name] += 1
                self.last[name] = cycle()
                self.first.setdefault(name, self.last[name])
                self.ports[name].write(StreamItem(channel.payload))
        for name, error in (("read_error", status.read_error), ("write_error", status.write_error)):
            if error:
                report = {"addr": error[0], "resp": error[1]}
                self._falsify(name, report, dict(zip(report, self.errors[name][1:], strict=True)))
                self.ports[name].write(StreamItem(report))
