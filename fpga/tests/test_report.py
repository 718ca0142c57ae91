"""What the report of the targets reads, and what it says where there is nothing to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fpga import power, report
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
    """A report of ``make synth`` goes before what is recorded, if it has the pair in the board's configuration."""
    recorded = {"area": {"command": "recorded", "commit": "1", "resources": {"LUT": 20_380, "BRAM": 222.5}}}
    monkeypatch.setattr(report, "SYNTH", tmp_path / "genesys2.json")
    assert [row[1:3] for row in report.area(recorded)] == [("20,380 = 10.0%", "met"), ("222.5 = 50.0%", "**not met**")]
    design = {"top": "edge_qlora_pair", "config": "tiny", "resources": {"LUT": 101_900, "BRAM": 1}}
    for config, expected in (("tiny", "20,380 = 10.0%"), ("genesys2", "101,900 = 50.0%")):
        found = {"command": "run", "commit": "2", "designs": [design | {"config": config}]}
        report.SYNTH.write_text(json.dumps(found))
        assert report.area(recorded)[0][1] == expected
