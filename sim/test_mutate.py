"""Tests of mutation testing on a small module: what kills a mutant, what does not, and what is a hang."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from sim import mutate
from sim.bench import ROOT, Bench, Netlist
from sim.mutants import Mutation, equivalent, mutants

HERE = f"test_mutate_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"  # test processes at the same time
FOLDER = ROOT / "sim/build" / HERE
RTL = """module counter (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       a_i,
  input  logic       b_i,
  output logic       same_o,
  output logic [3:0] count_o,
  output logic       full_o
);
  logic [3:0] count_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) count_q <= '0;
    else count_q <= count_q + 4'd1;
  end
  assign count_o = count_q;
  assign full_o  = &count_q;
  assign same_o  = a_i && (a_i || b_i);
endmodule
"""
TESTS = """import os
import signal
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge


@cocotb.test()
async def counts(dut):
    if Path("mutant").read_text().strip() == os.environ.get("LOST"):
        os.kill(os.getpid(), signal.SIGKILL)
    dut.rst_ni.value = dut.a_i.value = dut.b_i.value = 0
    cocotb.start_soon(Clock(dut.clk_i, 5, "ns").start())
    await RisingEdge(dut.clk_i)
    await RisingEdge(dut.clk_i)
    dut.rst_ni.value = 1
    await RisingEdge(dut.clk_i)
    for number in range(40):
        await RisingEdge(dut.clk_i)
        assert int(dut.count_o.value) == (number + 1) % 16


@cocotb.test()
async def fills(dut):
    cocotb.start_soon(Clock(dut.clk_i, 5, "ns").start())
    while not dut.full_o.value:
        await RisingEdge(dut.clk_i)


@cocotb.test(expect_error=ValueError)
async def objects(dut):
    cocotb.log.error("MISMATCH on purpose")
    raise ValueError
"""
BENCH = Bench("test_mutate", "counter", str(FOLDER / "counter.f"), f"sim.build.{HERE}.counter_tests")


@pytest.fixture(scope="module")
def job() -> mutate.Job:
    """All mutants of the module, in a folder without results."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in (("counter.sv", RTL), ("counter.f", str(FOLDER / "counter.sv")), ("counter_tests.py", TESTS)):
        (FOLDER / name).write_text(text)
    made = mutants("counter", BENCH.filelist, {}, 1000, 1)
    bench = mutate.replace(BENCH, netlist=Netlist("counter", BENCH.filelist))
    job = mutate.Job(mutate.ip(HERE, BENCH.name), bench, made, 1)
    mutate.shutil.rmtree(job.folder, ignore_errors=True)
    return job


def find(job: mutate.Job, mode: str, cell: str, port: str) -> Mutation:
    """The first mutation of a kind at a kind of cell."""
    return next(
        m
        for m in job.made.mutations
        if (m.option("mode"), m.option("port")) == (mode, port) and m.option("cell").startswith(f"${cell}$")
    )


def test_killed_survived_and_hung(job: mutate.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong counter fails a test, one that is never full hangs the other, a redundant gate changes nothing."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where it is set, cocotb's runner wants results
    monkeypatch.setattr(mutate, "LEAST", 3)
    wrong, redundant = find(job, "inv", "add", "Y"), find(job, "const0", "logic_or", "B")
    never = find(job, "const0", "reduce_and", "Y")
    chosen = [wrong.number, redundant.number, never.number]
    found = mutate.run_job(job, chosen, jobs=2)
    assert [found[number]["verdict"] for number in chosen] == ["killed", "survived", "hung"]
    assert found[wrong.number]["test"] == f"sim.build.{HERE}.counter_tests.counts"
    assert "AssertionError" in found[wrong.number]["reason"]
    # Nothing is run again with the same sources, and everything with others.
    monkeypatch.setattr(mutate, "build", lambda *_, **__: pytest.fail("a mutant is judged again"))
    assert mutate.run_job(job, chosen, jobs=1) == found
    (FOLDER / "counter_tests.py").write_text(TESTS + "# changed\n")
    assert job.stored() == {}
    (FOLDER / "counter_tests.py").write_text(TESTS)
    record = mutate.record(job.ip, job, found)
    assert (record["mutants"], record["killed"], record["hung"]) == (3, 1, 1)
    assert (record["equivalent"], record["survived"], record["share"]) == (1, 0, 1.0)
    json.dumps(record)


def test_a_process_that_is_stopped_kills_no_mutant(job: mutate.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine ends, for want of memory, is no verdict: it is an error, and judged the next time."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    wrong = find(job, "inv", "add", "Y").number
    stopped = mutate.replace(job, ip=mutate.ip(f"{HERE}_stopped", BENCH.name))
    shutil.rmtree(stopped.folder, ignore_errors=True)  # what was judged when this test ran before
    monkeypatch.setenv("LOST", str(wrong))
    with pytest.raises(SystemExit, match=r"processes of 1 mutants of .*_stopped came to an end; a log: "):
        mutate.run_job(stopped, [wrong], jobs=1)
    monkeypatch.delenv("LOST")
    assert mutate.run_job(stopped, [wrong], jobs=1)[wrong]["verdict"] == "killed"


def test_a_netlist_that_fails_unchanged_says_so(job: mutate.Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """No figure comes of a bench that fails without a mutation."""
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    inverted = find(job, "inv", "add", "Y").number
    wrong = job.made.netlist.with_name("wrong-mutants.v")
    wrong.write_text(job.made.netlist.read_text().replace("$fclose(mutant_file);", f"mutant_select = {inverted};"))
    broken = mutate.replace(
        job, ip=mutate.ip(f"{HERE}_wrong", BENCH.name), made=mutate.replace(job.made, netlist=wrong)
    )
    with pytest.raises(SystemExit, match="fails on the netlist of .*_wrong without a mutation"):
        mutate.run_job(broken, [1], jobs=1)


def test_equivalence_is_proved_not_assumed(job: mutate.Job) -> None:
    """Of a redundant gate, not of others."""
    assert equivalent(job.made.design, find(job, "const0", "logic_or", "B"))
    assert not equivalent(job.made.design, find(job, "inv", "add", "Y"))
    assert not equivalent(job.made.design, find(job, "const0", "reduce_and", "Y"))


def test_cells_of_other_ips_are_not_mutated() -> None:
    """What has a row of its own is left out where it is part of something else; packages are those of who uses them."""
    selections = {ip.name: ip.selection() for ip in mutate.IPS}
    assert selections["double_dequantizer"] == "c:* a:src=* %i a:src=*/fp32_add.sv:* %d a:src=*/fp32_mul.sv:* %d"
    assert selections["streams"] == ""
    for name in ("matrix_unit", "operand_reader", "semaphores", "axi_window", "stream_fifo", "pe", "fp32_pkg"):
        assert f"a:src=*/{name}.sv:* %d" in selections["edge_qlora"]
    for name in ("qlora_core", "command_unit"):
        assert f"/{name}.sv" not in selections["edge_qlora"]
    assert "/fp32_pkg.sv" not in selections["vector_engine"]
    assert selections["axi_read_master"].startswith("c:*u_read* a:src=* %i a:src=")


def test_text_and_source_of_a_mutation() -> None:
    """What explanations are found by, and where it is."""
    found = Mutation(
        7,
        "-mode cnot1 -module top -cell $flatten\\u_a.$mul$rtl/x.sv:45$16 -port Y -portbit 11 -ctrlbit 3 -wire y_q "
        "-wirebit 11 -src rtl/x.sv:40.1-40.5 -src rtl/x.sv:45.18-45.53",
    )
    assert found.text == "cnot1 u_a.mul.Y[11] by bit 3 (y_q[11]) at rtl/x.sv:45.18-45.53"
    assert found.source == "rtl/x.sv:45"


def test_unknown_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong arguments stop with what is wrong."""
    monkeypatch.setattr("sys.argv", ["mutate", "--top", "fp32_mull"])
    with pytest.raises(SystemExit, match="error: TOP=fp32_mull; choose from fp32_mul, "):
        mutate.main()
