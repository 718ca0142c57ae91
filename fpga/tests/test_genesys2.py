"""The build for the Genesys 2 fits together, and the check of it finds what does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fpga.genesys2 import board, flow
from fpga.run import Options, boards
from sim.bench import ROOT

DRY = Options(dry_run=True)


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the board's folder, from which the build is made, in a build folder of its own."""
    shutil.copytree(flow.HERE, tmp_path / "genesys2")
    lists = (ROOT / flow.FILELIST).read_text().replace("fpga/genesys2/", f"{tmp_path}/genesys2/")
    (tmp_path / "top.f").write_text(lists)
    monkeypatch.setattr(flow, "HERE", tmp_path / "genesys2")
    monkeypatch.setattr(flow, "FILELIST", str(tmp_path / "top.f"))
    monkeypatch.setattr(flow, "BUILD", ROOT / "fpga/build" / tmp_path.name)
    monkeypatch.setattr(flow, "REPORTS", tmp_path / "reports")
    yield tmp_path
    shutil.rmtree(flow.BUILD, ignore_errors=True)


def replace(path: Path, right: str, wrong: str) -> None:
    """Put a mistake in a file."""
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))


def test_dry_run(copy: Path, capsys: pytest.CaptureFixture) -> None:
    """Scripts, constraints and both hosts fit."""
    flow.run(Options(dry_run=True, activity=__file__, activity_scope="TOP.edge_qlora_pair"))
    output = capsys.readouterr().out
    assert "with vega" in output and "with ibex" in output and "Vivado itself has not seen it" in output


# A host's sources without its UART.
HOST = ("word_master", "host_pkg", "vega_socket", "ibex_host", "host_socket")
LIST = "\n".join("rtl/vega_bridge/word_master.sv" if n == "word_master" else f"fpga/host/{n}.sv" for n in HOST)
MISTAKES = [
    ("top.f", "-f fpga/host/host.f", LIST, "host_uart"),
    ("top.f", "fpga/host/host.f", "fpga/host/host.f\nrtl/core/missing.sv", "missing.sv, which does not exist"),
    ("genesys2/genesys2.xdc", "get_ports {led[3]}", "get_ports {leds[3]}", r"no port leds\[3\]"),
    ("genesys2/genesys2.xdc", "PACKAGE_PIN W23", "PACKAGE_PIN W24", "pad W24 has two ports"),
    ("genesys2/genesys2.xdc", "get_ports fan_pwm]", "get_ports {led[0]}]", r"led\[0\] has two pads"),
    ("genesys2/genesys2.xdc", "write_gray_q_reg", "write_grey_q_reg", "no register is named .*write_grey_q_reg"),
    ("genesys2/genesys2.xdc", "u_ui_reset/", "u_core_reset/", "no register is named u_core_reset"),
    ("genesys2/genesys2.xdc", "u_mmcm/CLKOUT0", "u_mmcm/CLKOUT9", "no pin u_mmcm/CLKOUT9"),
    ("genesys2/genesys2.xdc", "-datapath_only", "-datapath", "set_max_delay has no option -datapath"),
    ("genesys2/build.tcl", "route_design\n", "route_desing\n", "unknown command 'route_desing'"),
    ("genesys2/build.tcl", "report_utilization -hierarchical", "report_utilization -hier", "no option -hier"),
    ("genesys2/build.tcl", "read_mem $program", "read_mem $programme", "no such variable"),
    ("genesys2/genesys2_top.sv", ".s_axi_awid   (memory_awid)", ".s_axi_awdi   (memory_awid)", "s_axi_awdi"),
    ("genesys2/genesys2_top.sv", "[IdW+1:0] memory_awid", "[IdW:0] memory_awid", "WIDTH"),
]


@pytest.mark.parametrize(("name", "right", "wrong", "message"), MISTAKES, ids=str)
def test_mistakes_are_found(name: str, right: str, wrong: str, message: str, copy: Path) -> None:
    """The dry run fails and says what is wrong."""
    replace(copy / name, right, wrong)
    with pytest.raises(SystemExit, match=message):
        flow.run(DRY)


def test_without_vivado(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The build stops and says what is missing and what it would run."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"no vivado on PATH(.|\n)*vivado -mode batch .*build.tcl"):
        flow.run(Options())


def test_unknown_names(copy: Path) -> None:
    """A board or a host that is not there, and a file."""
    done = subprocess.run(
        [sys.executable, "-m", "fpga.run", "--board", "nexys"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode and f"the boards are: {', '.join(boards())}" in done.stderr
    with pytest.raises(SystemExit, match="the hosts are: vega, ibex"):
        flow.run(Options(host="arm"))
    with pytest.raises(SystemExit, match="no file lost.saif"):
        flow.run(Options(activity="lost.saif"))


def test_memory_project() -> None:
    """The controller's project has every pin of the memory once, and the port that the top connects."""
    project = ElementTree.fromstring(board.mig_project(256, 6))
    pads = {pin.get("name"): pin.get("PADName") for pin in project.iter("Pin") if pin.get("name").startswith("ddr3_")}
    assert len(pads) == 32 + 4 + 2 * 4 + 15 + 3 + 9 and len(set(pads.values())) == len(pads)
    assert pads["ddr3_dq[31]"] == "AK4" and pads["ddr3_we_n"] == "AG13"
    assert project.findtext("Controller/TimePeriod") == "1250"
    assert project.findtext("Controller/AXIParameters/C0_S_AXI_ID_WIDTH") == "6"
