"""Functional coverage of the serial link."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section
from edge_qlora.uart_link import Kind, Status

from tb.common.coverage import events

GROUP = "uart_link"
SIZES = ("one", "some", "most")


# What a frame was answered with.
sample_status = events(f"{GROUP}.status", [status.name for status in Status])

# A whole frame was answered.
sample_kind = events(f"{GROUP}.kind", [kind.name for kind in Kind])


@coverage_section(
    CoverPoint(f"{GROUP}.direction", xf=lambda kind, port, size: kind, bins=["READ", "WRITE"]),
    CoverPoint(f"{GROUP}.port", xf=lambda kind, port, size: port, bins=["memory", "registers"]),
    CoverPoint(f"{GROUP}.size", xf=lambda kind, port, size: size, bins=list(SIZES)),
    CoverCross(f"{GROUP}.access", items=[f"{GROUP}.direction", f"{GROUP}.port", f"{GROUP}.size"]),
)
def sample_access(kind: str, port: str, size: str) -> None:
    """A frame of a kind accessed so many words behind a port."""
