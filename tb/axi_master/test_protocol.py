"""The protocol checker itself: a clean exchange passes, and each broken rule is reported."""

from __future__ import annotations

from dataclasses import replace

import cocotb

from tb.axi_master.model import Geometry
from tb.axi_master.protocol import Channel, Limits, ProtocolChecker, Status

LIMITS = Limits(
    Geometry(beat_bytes=8, max_burst=16, addr_width=40), read_outstanding=2, write_outstanding=2, id_value=0
)
REST = Channel(False, True, None)
QUIET = Status(True, False, False, False, None, None, 0, False, False)
ADDRESS = {"id": 0, "addr": 0x1000, "len": 1, "size": 3, "burst": 1, "lock": 0, "cache": 3, "prot": 0, "qos": 0}
Cycle = tuple[dict[str, Channel], Status]


def address(ready: bool = True, **fields: int) -> Channel:
    """An address transfer, two beats at 0x1000 unless told otherwise."""
    return Channel(True, ready, {**ADDRESS, **fields})


def data(last: int, value: int = 0, ready: bool = True) -> Channel:
    """A W transfer."""
    return Channel(True, ready, {"data": value, "strb": 255, "last": last})


def answer(resp: int = 0, **fields: int) -> Channel:
    """An R or B transfer."""
    return Channel(True, True, {"resp": resp, **fields})


def clean() -> list[Cycle]:
    """A read and a write of two beats, each with a failing response, side by side."""
    busy = replace(QUIET, drained=False, writes_pending=True)
    both = replace(busy, rbeat=True, wbeat=True)
    return [
        ({}, replace(QUIET, writes_accepted=1)),
        ({"ar": address(ready=False), "aw": address()}, busy),
        ({"ar": address(), "w": data(0, ready=False)}, busy),
        ({"r": answer(resp=2, last=0), "w": data(0)}, busy),
        ({"r": answer(resp=3, last=1), "w": data(1)}, replace(both, read_error=0x1000)),
        ({"b": answer(resp=3)}, replace(both, write_completed=True)),
        ({}, replace(QUIET, writes_pending=True, write_error=0x1000)),
        ({}, QUIET),
    ]


def violations(cycles: list[Cycle]) -> str:
    """What the checker says of a sequence of cycles."""
    checker = ProtocolChecker(LIMITS)
    for channels, status in cycles:
        checker.cycle({name: channels.get(name, REST) for name in ("ar", "r", "aw", "w", "b")}, status)
    try:
        checker.finish()
    except AssertionError as error:
        return str(error)
    return ""


def edited(at: int, channels: dict[str, Channel] | None = None, **status: object) -> list[Cycle]:
    """The clean exchange with some channels or status outputs of one cycle replaced."""
    cycles = clean()
    old_channels, old_status = cycles[at]
    cycles[at] = ({**old_channels, **(channels or {})}, replace(old_status, **status))
    return cycles


BROKEN = {
    "ar: valid fell before ready": edited(2, {"ar": REST}),
    "ar: payload changed while stalled": edited(2, {"ar": address(addr=0x2000)}),
    "w: payload changed while stalled": edited(3, {"w": data(0, value=1)}),
    "ar: address not aligned": edited(1, {"ar": address(addr=0x1004)}),
    "aw: burst longer than MAX_BURST": edited(1, {"aw": address(len=16)}),
    "aw: burst crosses 4 KB": edited(1, {"aw": address(addr=0x1FF8)}),
    "aw: size is 2": edited(1, {"aw": address(size=2)}),
    "aw: burst is 0": edited(1, {"aw": address(burst=0)}),
    "aw: id is 1": edited(1, {"aw": address(id=1)}),
    "too many reads outstanding": [({"ar": address()}, QUIET)] * 3,
    "too many writes outstanding": [({"aw": address()}, QUIET)] * 3,
    "r: a beat was taken that nobody asked for": edited(0, {"r": answer(last=1)}),
    "w: data before their address": edited(0, {"w": data(0)}),
    "w: WLAST at the wrong beat": edited(3, {"w": data(1)}),
    "b: response taken before its data": edited(4, {"b": answer()}),
    "bursts left unfinished": clean()[:-3],
    "rbeat_o is wrong": edited(5, rbeat=False),
    "wbeat_o is wrong": edited(7, wbeat=True),
    "read_error_o is wrong": edited(4, read_error=0x1008),
    "write_error_o is wrong": edited(6, write_error=None),
    "drained_o is wrong": edited(3, drained=True),
    "aw: a new address while stopped": edited(0, stopped=True),
    "writes_pending_o is wrong": edited(7, writes_pending=True),
}


@cocotb.test()
async def protocol_checker_reports_each_rule(_) -> None:
    """Needs no clock: the checker is fed by hand."""
    assert violations(clean()) == "", violations(clean())
    for rule, cycles in BROKEN.items():
        assert rule in violations(cycles), f"'{rule}' went unnoticed, the checker said: {violations(cycles)}"
