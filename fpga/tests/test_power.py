"""The power estimate: reading and writing of SAIF on a small file, and its arithmetic."""

from __future__ import annotations

import re
import tomllib

import pytest

from fpga import power, synth
from fpga.activity import graft, instances, rates, read_saif
from fpga.power import COEFFICIENTS, PAIR, Watts, both, cells, core_0, estimate, total, units_below

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


def test_rates_are_those_of_units() -> None:
    """Without clock and parameters; instances behind a generate block have the module that the RTL says.

    What is no unit counts with the one above, and a unit inside of it by itself.
    """
    root = read_saif(SAIF).root
    array = root.at("TOP/u_array")
    assert rates(array, "systolic_array", 10, ["pe"]) == pytest.approx({"systolic_array": 0.25, "pe": 0.3})
    assert rates(array, "systolic_array", 10) == pytest.approx({"systolic_array": 8 / 30})
    assert rates(root.at("TOP"), "matrix_unit", 10, ["pe"]) == pytest.approx({"matrix_unit": 0.25, "pe": 0.3})


def test_rates_are_there_for_each_unit_of_the_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a single core lacks has the mean; another unit without a rate is an error."""
    monkeypatch.setattr(power, "TOP", "TOP/u_array")
    found = power.toggle_rates(read_saif(SAIF), [PAIR, "vector_share"])
    assert found == pytest.approx({PAIR: 8 / 30, "vector_share": 8 / 30, "": 8 / 30})
    with pytest.raises(SystemExit, match="the activity has no fp32_add; leave out REUSE=1"):
        power.toggle_rates(read_saif(SAIF), [PAIR, "fp32_add"])


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
    """LUTs of a unit by its own rate; flip-flops by the clock alone."""
    used = {"pe": {"LUT": 40, "FF": 900}, "scratchpad": {"LUT": 60, "FF": 100}}
    toggles = {"pe": 0.25, "scratchpad": 0.0625}
    coefficients = {"toggle_rate": 0.125, "per_mhz": {"LUT": [1, 2, 4], "FF": [0, 1, 2]}, "watts": {"pads": [1, 2, 3]}}
    found = estimate(used, toggles, coefficients, 100)
    assert vars(found["LUT"]) == pytest.approx({"low": 0.011, "typical": 0.022, "high": 0.044})
    assert vars(found["FF"]) == pytest.approx({"low": 0, "typical": 0.1, "high": 0.2})
    assert found["pads"] == Watts(1, 2, 3)


def test_cores_have_their_own_rates() -> None:
    """Each by its share of the unit's cells, half of them if it is not said."""
    assert both({"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 0.25}) == {"a": 2.5, "b": 3}


def test_record_of_the_area_is_that_of_the_rtl() -> None:
    """It was made of a commit, with units and parameters of today, which add up; a third of the columns is core 0's.

    If it is not: ``make synth BOARD=genesys2`` and copy ``fpga/reports/synth/genesys2.json``.
    """
    design = synth.whole(synth.RECORD, units=True)
    assert design["command"] == "make synth BOARD=genesys2"
    assert re.fullmatch("[0-9a-f]+", design["commit"]), "made with files that were not committed"
    used = cells(design, units_below(PAIR))
    for kind in tomllib.loads(COEFFICIENTS.read_text())["per_mhz"]:
        assert sum(unit[kind] for unit in used.values()) == design["resources"][kind] > 0
    shares = core_0(design)
    assert shares["pe"] == shares["column_accumulator"] == pytest.approx(4 / 12)
    assert shares.keys() <= used.keys() and all(0 <= share < 0.5 for share in shares.values())


def test_area_of_other_units_is_refused() -> None:
    """By name: a unit that the RTL has and the area has not, and the other way around."""
    design = synth.whole(synth.RECORD, units=True)
    wanted = units_below(PAIR)
    with pytest.raises(
        SystemExit, match=rf"of other units \(make synth BOARD=genesys2, {design['commit']}\): pe is mis"
    ):
        cells(design | {"modules": [unit for unit in design["modules"] if unit["module"] != "pe"]}, wanted)
    with pytest.raises(SystemExit, match="pe is not in rtl/"):
        cells(design, wanted - {"pe"})


def test_units_are_those_inside() -> None:
    """At any depth, and no others."""
    assert units_below("column_bank") == {"column_bank", "column_accumulator", "fp32_add", "fp32_mul", "int_to_fp32"}


def test_coefficients_are_in_their_bounds() -> None:
    """And none is nothing."""
    coefficients = tomllib.loads(COEFFICIENTS.read_text())
    for low, typical, high in [*coefficients["per_mhz"].values(), *coefficients["watts"].values()]:
        assert 0 < low <= typical <= high
