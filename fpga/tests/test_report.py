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
