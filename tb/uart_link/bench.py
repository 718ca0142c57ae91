"""Benches of the serial host link, of the memory on the chip, and of both around the accelerator."""

from __future__ import annotations

from sim.bench import Bench, Config
from tb.core.parameters import parameters

DESCRIPTION = (
    "serial host link: frames, damaged frames, AXI errors; memory on the chip; a layer loaded and run over the line"
)


def link(name: str, rate: int, width: int, registers: int) -> Bench:
    """A bench of the link at so many sixteenths of a clock per bit, with ports of these widths."""
    return Bench(
        name=name,
        top="uart_axi",
        filelist="rtl/uart_link/uart_axi.f",
        module="tb.uart_link.test_uart_axi",
        parameters=lambda config: {
            "BIT_CLOCKS_X16": rate,
            "MAX_WORDS": 37,
            "TIMEOUT": 50 * rate // 16,
            "DATA_W": width,
            "REGISTERS_W": registers,
            "MEMORY_BYTES": 1 << 16,
        },
        configs=("tiny",),
    )


def ram(name: str, width: int) -> Bench:
    """A bench of the memory with a data bus of so many bits."""
    return Bench(
        name=name,
        top="axi_ram",
        filelist="rtl/uart_link/axi_ram.f",
        module="tb.uart_link.test_axi_ram",
        parameters=lambda config: {"DATA_W": width, "ADDR_W": 40, "ID_W": 5, "BYTES": 3 << 12},
        configs=("tiny",),
    )


def system(config: Config) -> dict[str, int]:
    """The whole, with a fast line and a memory for one small layer."""
    return {
        **parameters(config),
        "BIT_CLOCKS_X16": 64,
        "MAX_WORDS": 256,
        "TIMEOUT": 1000,
        "MEMORY_BYTES": 1 << 15,
    }


def board(name: str, **changes: int) -> Bench:
    """A bench of the whole, with some parameters replaced."""
    return Bench(
        name=name,
        top="ecp5_system",
        filelist="fpga/ecp5/ecp5_system.f",
        module="tb.uart_link.test_ecp5_system",
        parameters=lambda config: system(config) | changes,
        simulators=("verilator",),
        configs=("tiny",),
    )


BENCHES = [
    link("uart_axi", 64, 128, 32),
    link("uart_axi_wide", 133, 256, 64),
    link("uart_axi_narrow", 75, 32, 128),
    ram("axi_ram", 128),
    ram("axi_ram_64", 64),
    board("ecp5_system"),
    board("ecp5_system_forward", BACKWARD=0, SCRATCH_BANKS=2),
]
