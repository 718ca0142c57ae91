"""Describe the test benches: each folder ``tb/<test>/`` has a ``bench.py`` with ``DESCRIPTION`` and ``BENCHES``."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIMULATORS = ("verilator", "icarus")
PERIOD_NS = 5  # of the benches' clock
Config = Mapping[str, int]
# Settings of a configuration and the values that the RTL takes; what goes with what, the RTL says when it is built.
SETTINGS: dict[str, Sequence[int]] = {
    "columns": range(1, 17),
    "act_width": (18, 25),
    "bus_width": (64, 128, 256, 512),
    "scratch_words": tuple(1 << width for width in range(9, 17)),
    "max_rows": tuple(1 << width for width in range(1, 16)),
    "nested_depth": tuple(1 << width for width in range(4, 16)),
    "vector_lanes": (4, 8),
    "host_width": (32, 64, 128),
}


@dataclass(frozen=True)
class Netlist:
    """The module of a bench that ``GATES=1`` replaces by its netlist.

    Attributes:
        module: the module; its source has its name.
        filelist: path of its own ``.f`` list, from the project's root.
        parameters: from a configuration to all parameters that the bench gives the module.
    """

    module: str
    filelist: str
    parameters: Callable[[Config], Mapping[str, int]] = lambda config: {}


@dataclass(frozen=True)
class Bench:
    """One simulator build and the cocotb module that runs on it.

    Attributes:
        name: unique in the project; names the build folder and the row of the closing table.
        top: top-level SystemVerilog module.
        filelist: path of the ``.f`` list, from the project's root.
        module: dotted name of the Python module with the tests.
        parameters: from a configuration (see ``sim/configs.toml``) to the parameters of ``top``.
        simulators: simulators that run this bench.
        configs: configurations that run it; empty means all.
        settings: values that replace the configuration's.
        netlist: what is replaced for a simulation of gates, where that is possible.
    """

    name: str
    top: str
    filelist: str
    module: str
    parameters: Callable[[Config], Mapping[str, int]] = lambda config: {}
    simulators: tuple[str, ...] = SIMULATORS
    configs: tuple[str, ...] = ()
    settings: Mapping[str, int] = field(default_factory=dict)
    netlist: Netlist | None = None

    def config(self, name: str) -> Config:
        """A named configuration with this bench's own settings."""
        return {**configs()[name], **self.settings}


@dataclass(frozen=True)
class Test:
    """A named test: what ``make sim TEST=<name>`` runs.

    Attributes:
        slow: left out of ``make test``.
        turns: ``make test`` and all but the first seed of a regression run one bench of it, ``turn`` says which.
    """

    name: str
    description: str
    benches: tuple[Bench, ...]
    slow: bool = False
    turns: bool = False

    def of(self, simulator: str, config: str) -> list[Bench]:
        """Benches that run with a simulator and a configuration."""
        return [b for b in self.benches if simulator in b.simulators and (not b.configs or config in b.configs)]

    def turn(self, number: int, simulator: str, config: str) -> str:
        """Name of the bench whose turn it is in a run of some number; empty where benches do not take turns."""
        benches = self.of(simulator, config)
        return benches[number % len(benches)].name if self.turns else ""


def configs() -> dict[str, Config]:
    """All named configurations.

    Raises:
        SystemExit: the file is not TOML, or a setting is missing, unknown or has no possible value.
    """
    try:
        found = tomllib.loads((ROOT / "sim/configs.toml").read_text())
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"error: sim/configs.toml: {error}") from None
    for name, settings in found.items():
        check_settings(name, settings)
    return found


def check_settings(name: str, settings: object) -> None:
    """Hold a configuration against the list of settings.

    Raises:
        SystemExit: the message says which setting is missing, unknown or has no possible value.
    """
    if not isinstance(settings, dict):
        raise SystemExit(f"error: sim/configs.toml: {name} is outside of every [configuration]")
    where = f"error: sim/configs.toml [{name}]"
    if unknown := settings.keys() - SETTINGS.keys():
        raise SystemExit(f"{where}: unknown setting '{min(unknown)}'; the settings are: {', '.join(SETTINGS)}")
    if missing := [key for key in SETTINGS if key not in settings]:
        raise SystemExit(f"{where}: no {', '.join(missing)}")
    if wrong := [key for key, value in settings.items() if type(value) is not int]:
        raise SystemExit(f"{where}: {wrong[0]} = {settings[wrong[0]]!r} is not an integer")
    if wrong := [key for key, value in settings.items() if value not in SETTINGS[key]]:
        possible = ", ".join(map(str, SETTINGS[wrong[0]]))
        raise SystemExit(f"{where}: {wrong[0]} = {settings[wrong[0]]}; possible are {possible}")


def tests() -> dict[str, Test]:
    """All tests, by name."""
    found = {}
    for path in sorted(ROOT.glob("tb/*/bench.py")):
        module = importlib.import_module(f"tb.{path.parent.name}.bench")
        slow, turns = (getattr(module, name, False) for name in ("SLOW", "TURNS"))
        found[path.parent.name] = Test(path.parent.name, module.DESCRIPTION, tuple(module.BENCHES), slow, turns)
    return found


def read_filelist(path: str) -> list[Path]:
    """Source files of a ``.f`` list in order, without repeats.

    Lines are paths from the project's root; ``-f other.f`` includes another list; ``#`` starts a comment.

    Raises:
        FileNotFoundError: a list or a source is missing; the message names both.
    """
    sources: list[Path] = []
    for line in (ROOT / path).read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        found = read_filelist(line[3:].strip()) if line.startswith("-f ") else [ROOT / line]
        for source in found:
            if not source.is_file():
                raise FileNotFoundError(f"{path} lists {source.relative_to(ROOT)}, which does not exist")
            if source not in sources:
                sources.append(source)
    return sources
