"""What synthesis must find: one DSP48E1 per processing element, and no logic around it."""

from __future__ import annotations

import pytest

from fpga.area import synthesize
from sim.bench import ROOT


@pytest.mark.parametrize("act_width", [18, 25])
def test_processing_element_is_one_dsp(act_width: int) -> None:
    """Multiplier and adder are in one DSP48E1; besides registers nothing is outside of it."""
    found = synthesize("pe", [ROOT / "rtl/systolic/pe.sv"], {"ACT_W": act_width}, hierarchy=False)
    assert found.get("DSP48E1") == 1, found
    outside = {name: count for name, count in found.items() if name not in ("DSP48E1", "FDRE")}
    assert not outside, f"logic outside of the DSP: {outside}"
