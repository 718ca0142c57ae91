"""Each target of the project, what was measured, and how: ``make report`` writes docs/results/report.md.

What takes long is read: docs/results/recorded.json has what simulations found, with command and commit, and
fpga/genesys2/synth.json the area; fpga/reports/power/power.json (``make power``) and fpga/reports/synth/genesys2.json
(``make synth``), where they are there, replace the recorded power and area. What takes seconds is computed: the cycle
model's predictions and the size of the packed model.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_qlora import cli
from edge_qlora.bench import CLOCK_HZ
from edge_qlora.checkpoint import PROJECTIONS

from fpga.area import XC7
from fpga.power import LIMIT_W, REPORTS, Watts
from fpga.synth import latest
from sim.bench import ROOT
from sim.tools import commit

MODEL = "tinyllama-1.1b"
RESULTS = ROOT / "docs/results"
POWER = REPORTS / "power.json"
# The core of the pair that generates, see tb/core/parameters.py.
SMALL = "--set columns=4 --set scratch_words=4096 --set max_rows=8 --set vector_lanes=4"
Row = tuple[str, str, str, str]
TOKEN_MS, AREA = 100, 0.4  # targets: time per token, share of the device


@dataclass(frozen=True)
class Figure:
    """A measured number that is followed over commits.

    Attributes:
        name: what was measured.
        value: in ``unit``, shares in percent.
        commit: of which it holds.
        target: limit in the same unit, if there is one.
    """

    name: str
    value: float
    unit: str
    commit: str
    target: float | None = None


def verdict(met: bool) -> str:
    """As the table says it."""
    return "met" if met else "**not met**"


def predictions(options: str) -> list[dict]:
    """Records of ``edge-qlora bench --predict``.

    Raises:
        SystemExit: it failed, and has said why.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        file = Path(folder) / "found.json"
        if cli.main(["bench", "--predict", MODEL, *options.split(), "--json", str(file)]):
            raise SystemExit("error: the cycle model failed")
        return json.loads(file.read_text())


def speed(recorded: Mapping) -> list[Row]:
    """Time per token and share of the memory's bandwidth."""
    decode = recorded["decode"]
    how = f"RTL, simulated DDR3-1600 of 32 bits, `genesys2`, 200 MHz: `{decode['command']}`, {decode['commit']}"
    times = [1e3 * case["cycles"] / CLOCK_HZ for case in decode["cases"]]
    contexts = ", ".join(str(case["context"]) for case in decode["cases"])
    share = min(case["beats_per_cycle"] for case in decode["cases"])
    target, measured = f"TinyLlama-1.1B, under {TOKEN_MS} ms per token", f"{_list(times, 2)} ms at context {contexts}"
    rows = [(target, measured, verdict(max(times) < TOKEN_MS), how)]
    for name, options in (("the whole core", ""), ("the pair's core that generates", SMALL)):
        found = predictions(f"--decode 1 512 2047 {options}")
        times = [1e3 * one["cycles"] / CLOCK_HZ for one in found]
        rows.append(
            ("the same, predicted now", f"{_list(times, 2)} ms", verdict(max(times) < TOKEN_MS), f"cycle model, {name}")
        )
    of_sequential = share / decode["sequential"]
    bandwidth = f"{of_sequential:.1%} of a sequential read, {share:.1%} of the peak, at the least"
    rows.append(("decoding, 95 % of the DRAM's bandwidth", bandwidth, verdict(of_sequential >= 0.95), how))
    return rows


def array(recorded: Mapping) -> list[Row]:
    """Use of the multiply-accumulate slots."""
    prefill = recorded["prefill"]
    target, shares = "prefill, 95 % of the MAC slots", [case["mac_slots"] for case in prefill["cases"]]
    tokens = " and ".join(str(case["tokens"]) for case in prefill["cases"])
    how = f"RTL, one layer, 8 columns, 16,384 words of scratchpad: `{prefill['command']}`, {prefill['commit']}"
    rows = [(target, f"{_list([100 * s for s in shares])} % with {tokens} tokens", verdict(min(shares) >= 0.95), how)]
    one = predictions("--prefill 64 --layers 1 --set vector_lanes=4")[0]
    share = one["counters"]["MAC_VECTORS"] / one["cycles"]
    how = "cycle model, one layer, 64 tokens, the pair's larger core: 8,192 words, 4 lanes"
    rows.append(("the same, predicted now", f"{share:.1%}", verdict(share >= 0.95), how))
    return [*rows, ("fine-tuning, 95 % of the MAC slots", "not measured", "", "no fine-tuning of a whole model yet")]


def sizes() -> list[Row]:
    """Size of the packed model, and memory."""
    options = cli.parser().parse_args(["plan", MODEL])
    checkpoint, adapters = cli.model_of(options)
    image, _ = cli.plan_image(options, checkpoint, adapters, cli.hardware_limits(options))
    purposes = ("weights", "norms", "output head", "embedding")
    stored = {name: sum(b.size for b in image.plan.buffers if b.purpose.startswith(name)) for name in purposes}
    c = checkpoint.config
    shapes = [c.linear_shape(name) for name in PROJECTIONS]
    layers = c.layers * sum(n * k for n, k in shapes)
    head = c.vocab_size * c.hidden_size
    values, packed = layers + 2 * head + (2 * c.layers + 1) * c.hidden_size, sum(stored.values())
    matrices = 4 * (layers + head) / (stored["weights"] + stored["output head"])
    how = "memory plan, computed now: NF4 with double quantization, head too, embedding FP16"
    whole = 4 * values / packed
    return [
        ("model at least 4x smaller than FP32", f"{whole:.2f}x; matrices {matrices:.2f}x", verdict(whole >= 4), how),
        ("the same, than FP16", f"{whole / 2:.2f}x; matrices {matrices / 2:.2f}x", verdict(whole >= 8), how),
        (
            "TinyLlama-1.1B, fine-tuning under 300 MB",
            "not measured",
            "",
            f"no fine-tuning of a whole model yet; the model that inference stores has {packed / 1e6:.0f} MB",
        ),
    ]


def area() -> list[Row]:
    """LUTs and block RAM of two pipelines."""
    found = latest(units=False)
    how = f"two pipelines, yosys, before placement: `{found['command']}`, {found['commit']}"
    rows = []
    for name in ("LUT", "BRAM"):
        used, share = found["resources"][name], found["resources"][name] / XC7.capacity[name]
        rows.append(
            (
                f"under {100 * AREA:.0f} % of the Kintex-7 325T's {name}",
                f"{used:,g} = {share:.1%}",
                verdict(share < AREA),
                how,
            )
        )
    return rows


def clock(recorded: Mapping) -> list[Row]:
    """Clock frequencies, routed or estimated."""
    return [
        (
            f"{one['design']} at {one['target']:g} MHz",
            f"{one['mhz']:.1f} MHz",
            verdict(one["mhz"] >= one["target"]),
            f"{one['how']}: `{one['command']}`, {one['commit']}",
        )
        for one in recorded["clock"]
    ]


def power(recorded: Mapping) -> list[Row]:
    """Estimates of power, met if even the highest value is."""
    found = recorded["power"]
    how = f"estimate of the whole chip: `{found['command']}`, {found['commit']}"
    if POWER.exists():
        found, how = json.loads(POWER.read_text()), "estimate of the whole chip: `make power`, its last run here"
    totals = {name: Watts(**values) for name, values in found["total"].items()}
    return [
        (f"under {LIMIT_W:g} W at peak inference, {name}", f"{watts} W", verdict(watts.high < LIMIT_W), how)
        for name, watts in totals.items()
    ]


def equality(recorded: Mapping) -> list[Row]:
    """What is equal bit for bit."""
    rows = []
    for key, target, what in (
        ("quantization", "quantization equal to bitsandbytes", "weights"),
        ("logits", "RTL equal to the golden model", "logits"),
    ):
        one = recorded[key]
        measured = f"{one['differences']} differences in {one[what]:,} {what}"
        how = f"SmolLM2-135M: `{one['command']}`, {one['commit']}"
        rows.append((target, measured, verdict(not one["differences"]), how))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The report, Markdown."""
    lines = ["| target | measured | | how |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return (
        "# Targets\n\n`make report` writes this page; nothing here ran on a board. Simulated and synthesized figures "
        f"hold for the\ncommit beside them; what was computed now is of commit {commit()}.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def _list(numbers: Sequence[float], places: int = 1) -> str:
    return ", ".join(f"{number:.{places}f}" for number in numbers)


def record() -> dict:
    """What simulations and long builds found, with command and commit."""
    return json.loads((RESULTS / "recorded.json").read_text())


def figures(recorded: Mapping) -> Iterator[Figure]:
    """The numbers behind area, clock and time per token."""
    found = latest(units=False)
    for name in ("LUT", "BRAM", "DSP"):
        share = 100 * found["resources"][name] / XC7.capacity[name]
        yield Figure(name, round(share, 2), "%", found["commit"], 100 * AREA if name != "DSP" else None)
    for one in recorded["clock"]:
        yield Figure(one["name"], one["mhz"], "MHz", one["commit"], one["target"])
    for case in recorded["decode"]["cases"]:
        milliseconds = round(1e3 * case["cycles"] / CLOCK_HZ, 2)
        yield Figure(f"context {case['context']:,}", milliseconds, "ms", recorded["decode"]["commit"], TOKEN_MS)


def targets(recorded: Mapping) -> list[Row]:
    """Every target with what was measured; the cycle model takes some seconds."""
    rows = []
    for name, part in (
        ("sizes", sizes),
        ("speed", lambda: speed(recorded)),
        ("array", lambda: array(recorded)),
        ("power", lambda: power(recorded)),
        ("area", area),
        ("clock", lambda: clock(recorded)),
        ("equality", lambda: equality(recorded)),
    ):
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += part()
    return rows


def main() -> None:
    """Command line entry."""
    rows = targets(record())
    text = table(rows)
    (RESULTS / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
