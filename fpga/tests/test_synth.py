"""IPs do not grow unnoticed, cells are counted, and units add up to their design."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fpga import synth
from fpga.area import ECP5, MEMORY, XC7, Design, instance_counts

OLD = {"LUT": 200, "FF": 10, "BRAM": 2, "DSP": 0}


def ip(**changes: float) -> dict[str, dict[str, float]]:
    """The IP of OLD, with other numbers."""
    return {"ip": OLD | changes}


@pytest.mark.parametrize(
    ("changes", "grown", "shrunk"),
    [
        ({}, [], []),
        ({"LUT": 210, "FF": 1000}, [], []),
        ({"LUT": 211}, ["ip: LUT baseline 200, measured 211 (+5.5%, limit 5%)"], []),
        ({"LUT": 190}, [], []),
        ({"LUT": 189}, [], ["ip: LUT baseline 200, measured 189 (-5.5%, limit 5%)"]),
        ({"BRAM": 2.5, "LUT": 100}, ["BRAM baseline 2, measured 2.5 (+25.0%"], ["ip: LUT baseline 200, measured 100"]),
        ({"DSP": 1}, ["ip: DSP baseline 0, measured 1 (new"], []),
    ],
)
def test_comparison(changes: dict, grown: list[str], shrunk: list[str]) -> None:
    """More than 5 % is told, with the IP, the resource, both numbers and the percentage."""
    for found, expected in zip(synth.compare(ip(), ip(**changes)), (grown, shrunk), strict=True):
        assert len(found) == len(expected)
        assert all(message in line for message, line in zip(expected, found, strict=True)), found


def test_an_ip_without_a_baseline_is_told() -> None:
    """It does not pass as one that has not grown."""
    assert synth.compare({}, ip()) == (["ip: not in the baseline"], [])


def check(baseline: dict, measured: dict, version: str) -> None:
    """Fail when an IP has grown; warn when one has shrunk."""
    grown, shrunk = synth.compare(baseline["ips"], measured)
    told = "'make synth UPDATE=1' renews fpga/baseline.json"
    if version != baseline["yosys"]:
        told += f"; it was made by {baseline['yosys']}, this is {version}"
    if shrunk:
        warnings.warn(f"smaller than the baseline: {'; '.join(shrunk)}; {told}", stacklevel=1)
    assert not grown, "\n".join(["IPs have grown:", *grown, told])


def test_growth_fails_and_names_versions_of_yosys() -> None:
    """The message has what is needed to act on it."""
    with pytest.raises(
        AssertionError, match=r"ip: LUT baseline 200, measured 300 \(\+50.0%(.|\n)*by Yosys 1, .* Yosys 2"
    ):
        check({"yosys": "Yosys 1", "ips": ip()}, ip(LUT=300), "Yosys 2")
    with pytest.warns(UserWarning, match="smaller than the baseline: ip: LUT"):
        check({"yosys": "Yosys 1", "ips": ip()}, ip(LUT=100), "Yosys 1")


@pytest.mark.parametrize("design", synth.BASELINE_IPS, ids=lambda design: design.top)
def test_no_ip_has_grown(design: Design) -> None:
    """Small versions of the IPs against what is committed."""
    check(json.loads(synth.BASELINE.read_text()), synth.measure(design), synth.version())


def test_a_larger_ip_is_refused() -> None:
    """The same comparison, with a port of twice the width."""
    design = next(design for design in synth.BASELINE_IPS if design.top == "axi_slave")
    larger = replace(design, parameters={"DATA_W": 64})
    with pytest.raises(AssertionError, match="axi_slave: LUT baseline"):
        check(json.loads(synth.BASELINE.read_text()), synth.measure(larger), synth.version())


def test_the_baseline_has_no_other_ip() -> None:
    """One that nobody measures would say nothing."""
    measured = [design.top for design in synth.BASELINE_IPS]
    assert sorted(json.loads(synth.BASELINE.read_text())["ips"]) == sorted(measured)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found["designs"][0].update(flat=True), "has no edge_qlora_pair in units with the parameters"),
        (lambda found: found["designs"][0]["parameters"].update(ACT_W=18), "old.json .make synth .*, .* has no edge_"),
        (lambda found: found["designs"][0].update(top="edge_qlora"), "a report of 'make synth BOARD=genesys2' does"),
        (lambda found: found.pop("designs"), "old.json is no report of 'make synth': KeyError.'designs'"),
        (lambda found: found.pop("commit"), "old.json is no report of 'make synth': KeyError.'commit'"),
    ],
)
def test_a_report_without_the_design_is_refused(change: Callable[[dict], None], message: str, tmp_path: Path) -> None:
    """The message says of what file, command and commit, and how to get another."""
    found = json.loads(synth.RECORD.read_text())
    change(found)
    (tmp_path / "old.json").write_text(json.dumps(found))
    with pytest.raises(SystemExit, match=message):
        synth.whole(tmp_path / "old.json", units=True)


def test_the_last_report_goes_before_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it has the design; with neither, the error is the record's."""
    monkeypatch.setattr(synth, "REPORTS", tmp_path)
    recorded = synth.latest(units=True)
    found = json.loads(synth.RECORD.read_text()) | {"commit": "1234567"}
    for commit in ("1234567", recorded["commit"]):
        (tmp_path / "genesys2.json").write_text(json.dumps(found))
        assert synth.latest(units=True) == recorded | {"commit": commit}
        found["designs"] = []
    monkeypatch.setattr(synth, "RECORD", tmp_path / "none.json")
    with pytest.raises(SystemExit, match=r"no file .*none.json; 'make synth BOARD=genesys2' writes a report"):
        synth.latest(units=True)


def test_cells_are_counted() -> None:
    """As the devices have them; an unknown cell is not passed over."""
    cells = {
        "LUT6": 3,
        "LUT1": 1,
        "INV": 5,
        "RAM32M": 2,
        "SRL16E": 1,
        "RAMB18E1": 3,
        "RAMB36E1": 1,
        "FDRE": 7,
        "DSP48E1": 2,
    }
    assert XC7.resources(cells) == {"LUT": 13, MEMORY: 9, "FF": 7, "BRAM": 2.5, "DSP": 2}
    cells = {"LUT4": 3, "CCU2C": 2, "TRELLIS_DPR16X4": 1, "TRELLIS_FF": 5, "DP16KD": 2, "MULT18X18D": 4}
    assert ECP5.resources(cells) == {"LUT": 13, MEMORY: 6, "FF": 5, "BRAM": 2, "DSP": 4}
    with pytest.raises(SystemExit, match="cells that nobody counts: RAM32X9"):
        XC7.resources({"RAM32X9": 1})


def test_instances_are_counted() -> None:
    """Of all levels, and below a unit none of those that are inside of another."""
    modules = {"\\a": {"b": 2, "LUT6": 1}, "\\b": {"$c": 3}, "$c": {"d": 1}, "\\d": {"FDRE": 1}}
    assert instance_counts(modules, "\\a") == Counter({"\\a": 1, "\\b": 2, "$c": 6, "\\d": 6})
    assert instance_counts(modules, "\\a", stop=["$c"]) == Counter({"\\a": 1, "\\b": 2, "$c": 6})
