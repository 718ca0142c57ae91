"""What the report of the targets reads, and what it says where there is nothing to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fpga import power, report, synth
from fpga.power import Watts


def test_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Met only if the upper bound is; the file of ``make power`` goes before what is recorded."""
    monkeypatch.setattr(report, "POWER", tmp_path / "power.json")
    near, far = Watts(4, 4.5, 5.5), Watts(2, 3, 4)
    recorded = {"power": {"command": "make power", "commit": "1", "total": {"decode": vars(far)}}}
    assert [row[1:3] for row in report.power(recorded)] == [("3.00 (2.00 to 4.00) W", "met")]
    part = Watts(0, 0, 0)
    found = {"decode": {"LUT": near, "DSP": part}, "prefill": {"LUT": far, "DSP": part}}
    report.POWER.write_text(json.dumps({"total": power.totals(found)}))
    assert [row[1:3] for row in report.power(recorded)] == [
        ("4.50 (4.00 to 5.50) W", "**not met**"),
        ("3.00 (2.00 to 4.00) W", "met"),
    ]


def test_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of ``make synth`` goes before the record, if it has the pair as it is configured, flat or in units."""
    monkeypatch.setattr(synth, "REPORTS", tmp_path)
    recorded = synth.whole(synth.RECORD, units=False)["resources"]
    assert [row[1:3] for row in report.area()] == [
        (
            f"{recorded[name]:,g} = {recorded[name] / limit:.1%}",
            "met" if recorded[name] < 0.4 * limit else "**not met**",
        )
        for name, limit in (("LUT", 203_800), ("BRAM", 445))
    ]
    file = json.loads(synth.RECORD.read_text()) | {"commit": "2"}
    (design,) = file["designs"]
    design |= {"flat": True, "resources": {"LUT": 101_900, "BRAM": 89}}
    for columns, commit in ((9, synth.whole(synth.RECORD, units=False)["commit"]), (8, "2")):
        design["parameters"]["TUNE_COLUMNS"] = columns
        (tmp_path / "genesys2.json").write_text(json.dumps(file))
        assert report.area()[0][3].endswith(f"`make synth BOARD=genesys2`, {commit}")
    assert [row[1:3] for row in report.area()] == [("101,900 = 50.0%", "**not met**"), ("89 = 20.0%", "met")]


def test_clock_and_figures() -> None:
    """A clock is met from its target on; figures have the numbers behind the rows, in percent, MHz and ms."""
    one = {"name": "a", "design": "an array", "how": "routed", "command": "make fpga", "commit": "1", "target": 200}
    clocks = [one | {"mhz": 200.0}, one | {"mhz": 199.9}]
    assert [row[:3] for row in report.clock({"clock": clocks})] == [
        ("an array at 200 MHz", "200.0 MHz", "met"),
        ("an array at 200 MHz", "199.9 MHz", "**not met**"),
    ]
    decode = {"commit": "2", "cases": [{"context": 2047, "cycles": 18_000_000}]}
    found = list(report.figures({"clock": clocks[1:], "decode": decode}))
    assert [figure.name for figure in found[:3]] == ["LUT", "BRAM", "DSP"]
    assert all(0 < figure.value < 100 and figure.unit == "%" for figure in found[:3])
    assert found[3:] == [
        report.Figure("a", 199.9, "MHz", "1", 200),
        report.Figure("context 2,047", 90.0, "ms", "2", 100),
    ]
