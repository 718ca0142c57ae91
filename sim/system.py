"""Build the accelerator on its memory as a C library: ``python -m sim.system --config genesys2``.

`sim/tops/system.sv` compiled by Verilator, behind the C functions of `sim/harness.cpp`. `edge_qlora.rtl_backend` uses
it; see docs/simulation.md.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sim.bench import ROOT, Config, check_settings, configs, read_filelist
from sim.tools import fingerprint_of, require_simulator, simulator_version, verilator_environment
from tb.core.parameters import parameters

BUILD = ROOT / "sim/build"
TOP, FILELIST, HARNESS = "system", "sim/tops/system.f", ROOT / "sim/harness.cpp"
DEFINES = ["-DSYSTEM_MEMORY"]
VERILATOR_ARGS = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--timescale", "1ns/1ps"]
# Code of a cycle is longer than the caches of a processor, so that -O2 and -O3, which make it longer, gain nothing.
FAST, ONCE = "-Os -march=native", "-O0"
CXX_ARGS = ["-fPIC", "-fvisibility=hidden", "-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL"]


def settings_of(config: str, changes: Mapping[str, int]) -> Config:
    """A named configuration with some settings replaced.

    Raises:
        SystemExit: there is no such configuration or setting.
    """
    if config not in configs():
        raise SystemExit(f"error: no configuration '{config}'; there are: {', '.join(configs())}")
    settings = {**configs()[config], **changes}
    check_settings(config, settings)
    return settings


def build(config: str, waves: bool = False, activity: bool = False, **changes: int) -> Path:
    """Build the library, or reuse the build of the same sources, parameters and options.

    Args:
        config: a configuration of ``sim/configs.toml``.
        waves: for a library that can write waveforms, which is slower.
        activity: for one that writes switching activity (SAIF) instead.
        changes: settings that replace the configuration's, such as ``bus_width=512``.

    Returns:
        Path of the library.

    Raises:
        SystemExit: the build failed; the end of its log is printed.
    """
    require_simulator("verilator")
    settings = settings_of(config, changes)
    variant = (
        [f"{name}-{value}" for name, value in sorted(changes.items())] + ["waves"] * waves + ["activity"] * activity
    )
    trace = "saif" if activity else "vcd" if waves else ""
    folder = BUILD / "-".join([TOP, config, *variant])
    sources = read_filelist(FILELIST)
    compiler = next(name for name in ("g++", "clang++") if shutil.which(name))
    fingerprint = fingerprint_of(
        [*sources, HARNESS],
        parameters(settings),
        trace,
        (DEFINES, VERILATOR_ARGS, FAST, ONCE, CXX_ARGS),
        (compiler, simulator_version("verilator")),
    )
    stamp, log, library = folder / "fingerprint", folder / "build.log", folder / "libsystem.so"
    with _lock(folder):
        if stamp.is_file() and stamp.read_text() == fingerprint:
            return library
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        started = time.monotonic()
        print(f"  building {library.relative_to(ROOT)}; log: {log.relative_to(ROOT)}", flush=True)
        try:
            with log.open("w") as file:
                _verilate(folder, settings, sources, trace, file)
                _compile(folder, compiler, file)
                _link(folder, compiler, settings, trace, library, file)
        except subprocess.CalledProcessError as error:
            print("\n".join(log.read_text().splitlines()[-30:]), file=sys.stderr)
            raise SystemExit(f"error: building {library.relative_to(ROOT)} failed; whole log: {log}") from error
        stamp.write_text(fingerprint)
        print(f"  built in {time.monotonic() - started:.0f} s", flush=True)
    return library


def verilator_options(settings: Config) -> list[str]:
    """What Verilator needs to know of the top in a configuration."""
    return [*DEFINES, *(f"-G{name}={value}" for name, value in parameters(settings).items()), "--top", TOP]


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One build of a folder at a time."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _environment() -> dict[str, str]:
    return {**os.environ, **verilator_environment()}


def _verilate(folder: Path, settings: Config, sources: list[Path], trace: str, log) -> None:
    command = ["verilator", "--cc", "--prefix", "Vsystem", "-Mdir", str(folder), *VERILATOR_ARGS]
    command += [*verilator_options(settings), *([f"--trace-{trace}"] if trace else []), *map(str, sources)]
    subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT, env=_environment())


def _compile(folder: Path, compiler: str, log) -> None:
    """Compile what Verilator wrote, with its makefile, and tell how far it is."""
    variables = {
        "CXX": compiler,
        "LINK": compiler,
        "AR": "ar",
        "OPT_FAST": FAST,
        "OPT_GLOBAL": FAST,
        "OPT_SLOW": ONCE,
        "VM_USER_CFLAGS": " ".join(CXX_ARGS),
    }
    command = ["make", "-C", str(folder), "-f", "Vsystem.mk", f"-j{os.cpu_count()}", "libVsystem.a", "libverilated.a"]
    command += [f"{name}={value}" for name, value in variables.items()]
    total, done = len(list(folder.glob("*.cpp"))), 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
    ) as process:
        for line in process.stdout:
            log.write(line)
            if re.search(r" -c \S+\.cpp$", line):
                done += 1
                print(f"    compiling {done} of {total} files", flush=True)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _link(folder: Path, compiler: str, settings: Config, trace: str, library: Path, log) -> None:
    includes = Path(verilator_environment()["VERILATOR_ROOT"]) / "include"
    widths = [f"-DBUS_W={settings['bus_width']}", f"-DHOST_W={settings['host_width']}"]
    command = [compiler, "-std=c++17", "-shared", *FAST.split(), *CXX_ARGS, *widths]
    command += [
        f"-DVM_TRACE={int(trace != '')}",
        *(f"-DVM_TRACE_{kind.upper()}={int(trace == kind)}" for kind in ("vcd", "saif")),
    ]
    command += [f"-I{path}" for path in (folder, includes, includes / "vltstd")]
    command += [str(HARNESS), str(folder / "libVsystem.a"), str(folder / "libverilated.a"), "-pthread"]
    subprocess.run([*command, "-o", str(library)], check=True, stdout=log, stderr=subprocess.STDOUT)


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="tiny")
    parser.add_argument("--waves", default="", help="1 for a library that can write waveforms")
    arguments = parser.parse_args()
    print(build(arguments.config, arguments.waves == "1"))


if __name__ == "__main__":
    main()
