"""The power estimate: reading and writing of SAIF on a small file, and its arithmetic."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from fpga.activity import graft, instances, rates, read_saif
from fpga.power import AREA, COEFFICIENTS, Watts, both, estimate, total, weighted

# Ten cycles; a register slice with a constant, a parameter, and a PE in a generate block.
SAIF = r"""// comment (with a bracket
(SAIFILE
(SAIFVERSION "2.0")
(TIMESCALE 1ps)
(DURATION 50000)
 (INSTANCE TOP
  (INSTANCE u_array
   (NET
    (clk_i (T0 25000) (T1 25000) (TZ 0) (TX 0) (TB 0) (TC 20))
    (data_i\[0\] (T0 25000) (T1 25000) (TZ 0) (TX 0) (TB 0) (TC 5))
    (data_i\[1\] (T0 50000) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 0))
    (WIDTH\[0\] (T0 50000) (T1 0) (TZ 0) (TX 0) (TB 0) (TC 0))
   )
   (INSTANCE g_row\[0\]
    (INSTANCE u_pe
     (NET
      (sum_q (T0 40000) (T1 10000) (TC 3) (IG 1))
     )
    )
   )
  )
 )
)
"""


def test_changes_are_read_by_instance() -> None:
    """Signals bit by bit, names without their backslashes."""
    activity = read_saif(SAIF)
    array = activity.root.at("TOP/u_array")
    assert activity.duration == 50000
    assert array.changes == {"clk_i": 20, "data_i[0]": 5, "data_i[1]": 0, "WIDTH[0]": 0}
    assert array.at("g_row[0]/u_pe").changes == {"sum_q": 3}
    with pytest.raises(SystemExit, match="no instance u_none of TOP/u_none"):
        activity.root.at("TOP/u_none")


@pytest.mark.parametrize("text", ["", "(SAIFILE)", SAIF[: len(SAIF) // 2], SAIF.replace("DURATION", "ELAPSED"), ")"])
def test_what_is_not_a_whole_file_is_refused(text: str) -> None:
    """Not one, a cut one, one without a duration."""
    with pytest.raises(SystemExit, match="not a (whole )?SAIF file"):
        read_saif(text)


def test_rates_are_those_of_modules() -> None:
    """Without clock and parameters; instances behind a generate block have the module that the RTL says."""
    array = read_saif(SAIF).root.at("TOP/u_array")
    assert rates(array, "systolic_array", 10) == pytest.approx({"systolic_array": 0.25, "pe": 0.3})
    assert rates(array, "systolic_array", 10, apart=False) == pytest.approx({"systolic_array": 8 / 30})


def test_instances_of_the_rtl_are_found() -> None:
    """Of the whole accelerator: every instance is of a module of rtl/."""
    found = instances()
    assert found["matrix_unit"]["u_array"] == "systolic_array"
    assert {module for names in found.values() for module in names.values()} <= found.keys()


def test_instances_are_put_into_another_file() -> None:
    """Counts and times are scaled to the longest file; names with brackets keep them."""
    short, long = read_saif(SAIF), read_saif(SAIF.replace("(DURATION 50000)", "(DURATION 100000)"))
    text = graft({"g_core[0].u_core": (short, "TOP/u_array"), "u_vector": (long, "TOP/u_array/g_row[0]")}, "pair")
    found = read_saif(text)
    assert found.duration == 100_000
    assert found.root.at("pair/g_core[0].u_core").changes["data_i[0]"] == 10
    assert found.root.at("pair/g_core[0].u_core/g_row[0]/u_pe").changes == {"sum_q": 6}
    assert found.root.at("pair/u_vector/u_pe").changes == {"sum_q": 3}
    assert re.search(r"\(sum_q \(T0 80000\) \(T1 20000\) \(TC 6\)", text)


def test_independent_errors_add_up_as_squares() -> None:
    """Three and four make five."""
    assert total([Watts(7, 10, 14), Watts(16, 20, 23)]) == Watts(25, 30, 35)


def test_power_is_cells_times_rates_times_coefficients() -> None:
    """LUTs of a module by its own rate, the rest by the mean; flip-flops by the clock alone."""
    area = {"total": {"LUT": 100, "FF": 1000}, "modules": {"pe": {"LUT": 40}, "unknown": {"LUT": 10}}}
    toggles = {"pe": 0.25, "": 0.0625}
    assert weighted(area, "LUT", toggles, 0.125) == 40 * 2 + 60 * 0.5
    coefficients = {"toggle_rate": 0.125, "per_mhz": {"LUT": [1, 2, 4], "FF": [0, 1, 2]}, "watts": {"pads": [1, 2, 3]}}
    found = estimate(area, toggles, coefficients, 100)
    assert vars(found["LUT"]) == pytest.approx({"low": 0.011, "typical": 0.022, "high": 0.044})
    assert vars(found["FF"]) == pytest.approx({"low": 0, "typical": 0.1, "high": 0.2})
    assert found["pads"] == Watts(1, 2, 3)
    with pytest.raises(SystemExit, match="more LUT than the total"):
        weighted({**area, "total": {"LUT": 49}}, "LUT", toggles, 0.125)


def test_cores_have_their_own_rates() -> None:
    """Each by its share of the module's cells, half of them if the share is not known."""
    assert both({"a": 1, "b": 2}, {"a": 3, "c": 4}, {"a": 0.25}) == {"a": 2.5, "b": 1, "c": 2}


def test_area_and_coefficients_fit_together() -> None:
    """Every kind has a coefficient, every module is one of rtl/, and no coefficient is outside of its bounds."""
    area, coefficients = json.loads(AREA.read_text()), tomllib.loads(COEFFICIENTS.read_text())
    assert area["total"].keys() == coefficients["per_mhz"].keys()
    assert area["modules"].keys() | area["core 0"].keys() <= instances().keys()
    for low, typical, high in [*coefficients["per_mhz"].values(), *coefficients["watts"].values()]:
        assert 0 < low <= typical <= high
