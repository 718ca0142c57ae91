"""Functional coverage of the bridge."""

from __future__ import annotations

from cocotb_coverage.coverage import CoverPoint
from edge_qlora.errors import ErrorCode

from tb.bridge.faults import kinds
from tb.common.base import config


@CoverPoint("bridge.kind", xf=lambda kind, code, poll: kind, bins=[*kinds(config()), "none"])
@CoverPoint("bridge.code", xf=lambda kind, code, poll: code.name, bins=[c.name for c in ErrorCode])
@CoverPoint("bridge.waiting", xf=lambda kind, code, poll: "poll" if poll else "interrupt", bins=["poll", "interrupt"])
def sample(kind: str, code: ErrorCode, poll: bool) -> None:
    """Functional coverage of one job that has ended."""
