"""Switching activity of the accelerator: simulate it, read SAIF, write it for the accelerator on the board.

A SAIF file counts for every bit of every signal how often it changed (TC) and how long it was 0 and 1 (T0, T1), in a
tree of instances (IEEE 1801, annex I).
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.bench import ROOT

PS_PER_CYCLE = 5000
TOKEN = re.compile(
    r"""//[^\n]* | "[^"]*" | \(INSTANCE\s+(?:"[^"]*"\s+)?(?P<instance>[^\s()]+) | \(DURATION\s+(?P<duration>\d+)\)
    | \((?P<signal>[^\s()]+)\s*(?:\((?!TC)\w\w\s+\d+\)\s*)*\(TC\s+(?P<changes>\d+)\)\s*(?:\(IG\s+\d+\)\s*)?\) | [()]""",
    re.X,
)


@dataclass
class Scope:
    """An instance: changes of each bit of its own signals, instances below it, and its text in the file.

    Attributes:
        changes: from a signal's bit to the number of its changes.
        below: from a name to an instance.
        begin, end: its place in the file, from ``(INSTANCE`` to its bracket.
    """

    changes: dict[str, int] = field(default_factory=dict)
    below: dict[str, Scope] = field(default_factory=dict)
    begin: int = 0
    end: int = 0

    def at(self, path: str) -> Scope:
        """An instance below this one, by names with ``/`` between them.

        Raises:
            SystemExit: there is none of that name.
        """
        scope = self
        for name in path.split("/"):
            if name not in scope.below:
                raise SystemExit(f"error: the activity file has no instance {name} of {path}")
            scope = scope.below[name]
        return scope


@dataclass(frozen=True)
class Activity:
    """A SAIF file: its text, its duration in its own unit of time, and its tree of instances."""

    text: str
    duration: int
    root: Scope


def read_saif(text: str) -> Activity:
    """Parse a SAIF file.

    Raises:
        SystemExit: it is not one, or it ends early.
    """
    root, duration, complete = Scope(), 0, False
    # What each open bracket is: an instance, or something else.
    brackets: list[Scope | None] = []
    scopes = [root]
    for token in TOKEN.finditer(text):
        if token["instance"]:
            scope = Scope(begin=token.start())
            scopes[-1].below[token["instance"].replace("\\", "")] = scope
            scopes.append(scope)
            brackets.append(scope)
        elif token["changes"]:
            scopes[-1].changes[token["signal"].replace("\\", "")] = int(token["changes"])
        elif token["duration"]:
            duration = int(token["duration"])
        elif token[0] == "(":
            brackets.append(None)
        elif token[0] == ")":
            if not brackets:
                raise SystemExit("error: not a SAIF file: a bracket closes nothing")
            if brackets.pop():
                scopes.pop().end = token.end()
            complete = not brackets
    if not complete or duration == 0 or not root.below:
        raise SystemExit("error: not a whole SAIF file: it has no DURATION, no INSTANCE, or it ends early")
    return Activity(text, duration, root)


def graft(parts: Mapping[str, tuple[Activity, str]], top: str) -> str:
    """A SAIF file of one instance with instances of others below it.

    Args:
        parts: from a new path below ``top``, without ``/``, to a file and the path of an instance in it. Durations are
            made equal to the longest by scaling counts and times.
        top: name of the instance that holds them.
    """
    longest = max(activity.duration for activity, _ in parts.values())
    lines = [
        '(SAIFILE\n(SAIFVERSION "2.0")\n(DIRECTION "backward")\n(DIVIDER / )\n(TIMESCALE 1 ps)',
        f"(DURATION {longest})\n(INSTANCE {top}",
    ]
    for name, (activity, path) in parts.items():
        scope, scale = activity.root.at(path), longest / activity.duration
        text = re.sub(r"^\(INSTANCE\s+\S+", "", activity.text[scope.begin : scope.end])
        text = re.sub(r"\((T0|T1|TX|TZ|TB|TC|IG) (\d+)\)", lambda m, s=scale: f"({m[1]} {round(int(m[2]) * s)})", text)
        escaped = re.sub(r"([][])", r"\\\1", name)
        lines.append(f"(INSTANCE {escaped}{text}")
    return "\n".join([*lines, ")\n)\n"])


def instances() -> dict[str, dict[str, str]]:
    """From each module of rtl/ to its instances, and from their names to their modules."""
    found: dict[str, dict[str, str]] = {}
    pattern = re.compile(r"\b([a-z]\w*)\s+(?:#\s*\([^;]*?\)\s*)?(u_\w+)\s*\(")
    for path in sorted(ROOT.glob("rtl/**/*.sv")):
        text = re.sub(r"//.*", "", path.read_text())
        for name, body in re.findall(r"^module (\w+)(.*?)^endmodule", text, re.M | re.S):
            found[name] = {instance: module for module, instance in pattern.findall(body)}
    return found


def rates(scope: Scope, module: str, cycles: float, units: Container[str] = ()) -> dict[str, float]:
    """Changes per bit and cycle of the signals in a scope, and of those in units below it apart, over all instances.

    Args:
        scope: an instance.
        module: its module.
        cycles: of the clock, in the whole file.
        units: modules that count by themselves; what is in none of them goes with the scope's own.
    """
    known, counted = instances(), defaultdict(lambda: [0, 0])

    def visit(scope: Scope, module: str, unit: str) -> None:
        # Parameters are in the file too, and begin with a capital.
        signals = [n for name, n in scope.changes.items() if name[0].islower() and name != "clk_i"]
        counted[unit][0] += sum(signals)
        counted[unit][1] += len(signals)
        for name, below in scope.below.items():
            inner = known.get(module, {}).get(name, module)  # a generate block is part of its module
            visit(below, inner, inner if inner in units else unit)

    visit(scope, module, module)
    return {name: changes / bits / cycles for name, (changes, bits) in counted.items() if bits}


def simulate(config: str, files: Mapping[str, Path], model: str, context: int, tokens: int) -> None:
    """Run the first layer of a model, and write the activity of decoding at a context and of prefill to two files."""
    from edge_qlora import bench, cli
    from edge_qlora.bench import Case
    from edge_qlora.driver import Accelerator
    from edge_qlora.rtl_backend import RtlBackend
    from edge_qlora.runtime import Decoder

    from sim.system import build

    library = build(config, activity=True)
    options = cli.parser().parse_args(["bench", model, "--config", config, "--layers", "1", "--decode", str(context)])
    options.context = max(context, tokens)
    image, memory, limits = cli.packed(options, cli.Progress())
    bench.fill_caches(image, memory, limits.window.base)
    cases = {"decode": Case(1, context), "prefill": Case(tokens, tokens)}

    async def run(path: Path, case: Case) -> dict[str, int]:
        backend = RtlBackend(
            library, memory, limits.window.base, progress=lambda n: print(f"    {n:,} cycles", flush=True)
        )
        decoder = Decoder(Accelerator(backend), image)
        await decoder.accelerator.open(limits.window)
        decoder.position = case.context - case.tokens
        backend.trace(path)
        # Different tokens: of equal ones, nothing would change in the array from one to the next.
        await decoder.forward(np.random.default_rng(0).integers(0, image.config.vocab_size, case.tokens), 0)
        backend.trace(None)
        return await decoder.accelerator.counters()

    for name, path in files.items():
        print(f"  {cases[name].name}, first layer of {model} on {config}", flush=True)
        found = asyncio.run(run(path, cases[name]))
        cycles = found["CYCLES_BUSY"]
        shares = f"{found['READ_BEATS'] / cycles:.3f} beats and {found['MAC_VECTORS'] / cycles:.3f} vectors per cycle"
        print(f"    {cycles:,} cycles in all, {shares}", flush=True)
