"""Functional coverage of the serial link."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverCross, CoverPoint, coverage_section
from edge_qlora.uart_link import Kind, Status

GROUP = "uart_link"
SIZES = ("one", "some", "most")


@coverage_section(
    CoverPoint(f"{GROUP}.kind", xf=lambda kind, port, size, status: kind, bins=[kind.name for kind in Kind]),
    CoverPoint(f"{GROUP}.port", xf=lambda kind, port, size, status: port, bins=["memory", "registers"]),
    CoverPoint(f"{GROUP}.size", xf=lambda kind, port, size, status: size, bins=list(SIZES)),
    CoverPoint(f"{GROUP}.status", xf=lambda kind, port, size, status: status, bins=[s.name for s in Status]),
    CoverCross(
        f"{GROUP}.access",
        items=[f"{GROUP}.kind", f"{GROUP}.port", f"{GROUP}.size"],
        ign_bins=[("IDENTIFY", None, None)],
    ),
)
def sample(kind: str, port: str, size: str, status: str) -> None:
    """A frame of a kind, to a port, of a size, and how it was answered."""
