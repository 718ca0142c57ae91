"""Ibex as a host: a short program on it reads and writes over AXI4, its RAM, its UART and its LEDs."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer, with_timeout
from cocotb_tools.runner import get_results, get_runner
from cocotbext.axi import AxiBus, AxiRam

from fpga import ibex
from sim.bench import ROOT, read_filelist
from sim.tools import quick_build, verilator_environment

WINDOW, MEMORY, DEVICES = 0x2004_0000, 0x8000_0000, 0x1000_0000
CLOCK_NS, BIT_CYCLES = 20, 50_000_000 // 115_200
KNOWN = bytes(range(0x41, 0x49))
# Registers of the program.
ZERO, BASE, LOW, HIGH, DEV, WORD, STATUS = range(7)


def _i(opcode: int, f3: int, rd: int, rs1: int, value: int) -> int:
    return (value & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | opcode


def _s(f3: int, rs1: int, rs2: int, offset: int) -> int:
    return (offset >> 5) << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | (offset & 31) << 7 | 0x23


def lui(rd: int, value: int) -> int:
    """Load the upper 20 bits."""
    return value & 0xFFFFF000 | rd << 7 | 0x37


def lw(rd: int, rs1: int, offset: int) -> int:
    """Load a word."""
    return _i(0x03, 2, rd, rs1, offset)


def sw(rs2: int, rs1: int, offset: int) -> int:
    """Store a word."""
    return _s(2, rs1, rs2, offset)


def sb(rs2: int, rs1: int, offset: int) -> int:
    """Store a byte."""
    return _s(0, rs1, rs2, offset)


# Two registers, on lower and upper lanes, to memory, and a byte of one; back from memory to RAM, to LEDs and UART.
# An echo: wait for a byte of the UART, send it, again.
PROGRAM = [
    *(lui(BASE, WINDOW), lw(LOW, BASE, 0), lw(HIGH, BASE, 4)),
    *(lui(BASE, MEMORY), sw(LOW, BASE, 4), sw(HIGH, BASE, 8), sb(LOW, BASE, 0x1D)),
    *(lw(WORD, BASE, 4), sw(WORD, ZERO, 0x200), lw(WORD, ZERO, 0x200)),
    *(lui(DEV, DEVICES), sw(WORD, DEV, 8), sw(WORD, DEV, 0)),
    *(lw(STATUS, DEV, 4), _i(0x13, 7, STATUS, STATUS, 3), _i(0x13, 0, WORD, ZERO, 3)),  # until both bits are set
    0xFE629AE3 & ~(0x1F << 15 | 0x1F << 20) | STATUS << 15 | WORD << 20,  # bne STATUS, WORD, -12
    *(lw(WORD, DEV, 0), sw(WORD, DEV, 0)),
    0xFE9FF06F,  # j -24
]


async def _receive(line) -> int:
    """A byte from the UART."""
    await FallingEdge(line)
    await Timer(CLOCK_NS * BIT_CYCLES * 3 // 2, "ns")
    value = 0
    for bit in range(8):
        value |= int(line.value) << bit
        await Timer(CLOCK_NS * BIT_CYCLES, "ns")
    assert line.value == 1, "no stop bit"
    return value


async def _send(line, value: int, percent: int) -> None:
    """A byte to the UART, with bits of so many percent of their length."""
    for bit in (0, *(value >> n & 1 for n in range(8)), 1):
        line.value = bit
        await Timer(CLOCK_NS * BIT_CYCLES * percent // 100, "ns")


@cocotb.test()
async def program_runs(dut) -> None:
    """What the program leaves behind."""
    dut.rst_ni.value, dut.irq_i.value, dut.uart_rx_i.value = 0, 0, 1
    ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk_i, dut.rst_ni, reset_active_level=False, size=1 << 32)
    ram.write(WINDOW, KNOWN)
    cocotb.start_soon(Clock(dut.clk_i, CLOCK_NS, "ns").start())
    await ClockCycles(dut.clk_i, 5)
    dut.rst_ni.value = 1
    assert await with_timeout(_receive(dut.uart_tx_o), 1, "ms") == KNOWN[0]
    assert int(dut.leds_o.value) == KNOWN[0] & 15
    assert ram.read(MEMORY + 4, 8) == KNOWN
    assert ram.read(MEMORY + 0x1C, 4) == bytes([0, KNOWN[0], 0, 0])
    await Timer(200, "us")
    await RisingEdge(dut.clk_i)
    for value, percent in ((0xA5, 103), (0x5A, 97), (0x00, 97), (0xFF, 103)):
        echo = cocotb.start_soon(_receive(dut.uart_tx_o))
        await _send(dut.uart_rx_i, value, percent)
        assert await with_timeout(echo, 1, "ms") == value


def test_ibex_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build the host with Verilator and run the program."""
    lines = [f"{word:08x}" for word in PROGRAM]
    (tmp_path / "program.mem").write_text("@00000020\n" + "\n".join(lines) + "\n")
    for name, value in (verilator_environment() | {"MAKEFLAGS": quick_build()}).items():
        monkeypatch.setenv(name, value)
    runner = get_runner("verilator")
    sources = [*read_filelist("rtl/common/crossing.f"), *ibex.sources(), *read_filelist("fpga/host/host.f")]
    runner.build(
        sources=sources,
        includes=ibex.include_folders(),
        defines={"SYNTHESIS": 1},
        hdl_toplevel="ibex_host",
        build_args=["-Wno-fatal", "-Wno-WIDTH"],
        build_dir=tmp_path / "build",
        timescale=("1ns", "1ps"),
        log_file=tmp_path / "build.log",
    )
    results = tmp_path / "results.xml"
    with suppress(SystemExit):  # the results say it
        runner.test(
            test_module="fpga.tests.test_ibex_host",
            hdl_toplevel="ibex_host",
            build_dir=tmp_path / "build",
            test_dir=tmp_path,
            results_xml=str(results),
            log_file=tmp_path / "run.log",
            extra_env={"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sw"), *sys.path])},
        )
    assert get_results(results) == (1, 0), (tmp_path / "run.log").read_text()
