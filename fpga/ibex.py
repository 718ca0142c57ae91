"""Sources of Ibex, the open host, from the Python package ``pythondata-cpu-ibex``."""

from __future__ import annotations

from pathlib import Path

from sim.bench import ROOT
from sim.tools import wheel_folder

# Packages first. Instruction cache, lockstep, PMP and tracer are not built, but the text names their modules.
PRIMITIVES = ("prim_util_pkg", "prim_secded_pkg", "prim_cipher_pkg", "prim_mubi_pkg", "prim_ram_1p_pkg")
CORE = (
    *("alu", "compressed_decoder", "controller", "counter", "csr", "cs_registers", "decoder", "fetch_fifo"),
    *("load_store_unit", "multdiv_fast", "multdiv_slow", "ex_block", "prefetch_buffer", "if_stage", "wb_stage"),
    *("id_stage", "core", "register_file_fpga", "top"),
)


def _root() -> Path:
    return wheel_folder("pythondata_cpu_ibex") / "system_verilog"


def sources() -> list[Path]:
    """Source files in order, the cells of ``fpga/host/ibex_prims.sv`` included."""
    cells = _root() / "vendor/lowrisc_ip/ip/prim/rtl"
    core = [_root() / f"rtl/ibex_{name}.sv" for name in CORE]
    primitives = [path for name in PRIMITIVES if (path := cells / f"{name}.sv").is_file()]
    return [*primitives, ROOT / "fpga/host/ibex_prims.sv", _root() / "rtl/ibex_pkg.sv", *core]


def include_folders() -> list[Path]:
    """Where the headers are that the sources include."""
    return [_root() / "vendor/lowrisc_ip/ip/prim/rtl", _root() / "vendor/lowrisc_ip/dv/sv/dv_utils"]
