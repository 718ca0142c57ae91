"""Charts of the history: a line per thing followed, its name at its end, gaps where nothing is known.

Colours are the page's: it gives a series and its label the colour of the series' place, in light and dark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import floor, log10

import plotly.graph_objects as go

from fpga.report import Figure
from sim.dashboard.history import CYCLES_OF
from sim.mutate import TARGET

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
MUTANTS = round(100 * TARGET)  # percent
LABEL_SHARE = 0.1  # of the height, which a label takes
TICKS = 4  # commits named below a chart
Value = tuple[float, str] | None  # and the commit of which it holds


@dataclass(frozen=True)
class Chart:
    """What one chart shows.

    Attributes:
        key: its id on the page.
        title, unit, note: text above it.
        series: values by name, one per entry of the history.
        targets: dashed lines, by their text.
        limits: of the y axis, where they do not follow from the values.
        log: whether the y axis is logarithmic.
    """

    key: str
    title: str
    unit: str
    series: Mapping[str, Sequence[Value]]
    note: str = ""
    targets: Mapping[str, float] = field(default_factory=dict)
    limits: tuple[float, float] | None = None
    log: bool = False

    @property
    def known(self) -> dict[str, Sequence[Value]]:
        """Series that have a value."""
        return {name: values for name, values in self.series.items() if any(values)}


def charts(history: Sequence[Mapping], figures: Sequence[Figure]) -> list[Chart]:
    """All charts, of entries as ``history.entry`` makes them."""

    def own(entry: Mapping, value: float | None) -> Value:
        return None if value is None else (value, entry["commit"])

    def series(key: str, names: Sequence[str]) -> dict[str, list[Value]]:
        return {name: [own(entry, entry.get(key, {}).get(name)) for entry in history] for name in names}

    def measured(names: Sequence[str]) -> dict[str, list[Value]]:
        found = {name: [entry.get("measured", {}).get(name) for entry in history] for name in names}
        return {name: [tuple(value) if value else None for value in values] for name, values in found.items()}

    def of(unit: str) -> tuple[list[str], dict[str, float]]:
        chosen = [figure for figure in figures if figure.unit == unit]
        limits = sorted({figure.target for figure in chosen if figure.target is not None})
        return [figure.name for figure in chosen], {f"target {limit:g} {unit}": limit for limit in limits}

    simulators = sorted({name for entry in history for name in entry.get("khz", {})})
    covered = {name: [_share(entry, name) for entry in history] for name in ("lines", "toggles", "bins")}
    passed = [own(e, 100 * e["passed"] / e["runs"] if e["runs"] else None) for e in history]
    mutants = measured(["mutants"])
    area, area_targets = of("%")
    clock, clock_targets = of("MHz")
    token, token_targets = of("ms")
    return [
        Chart("passed", "Runs that pass", "%", {"passed": passed}, "of one regression", limits=_down_to(passed)),
        Chart(
            "covered",
            "Coverage",
            "%",
            covered,
            "lines with branches, toggles, functional bins",
            limits=_down_to(*covered.values()),
        ),
        Chart(
            "mutants",
            "Mutants found",
            "%",
            mutants,
            "of those that are not equivalent",
            {f"target {MUTANTS} %": MUTANTS},
            _down_to([(MUTANTS, "")], *mutants.values()),
        ),
        Chart(
            "area",
            "Area of the pair",
            "% of XC7K325T",
            measured(area),
            "by yosys, before placement",
            area_targets,
            (0, 105),
        ),
        Chart(
            "clock",
            "Clock frequency",
            "MHz",
            measured(clock),
            "routed on the ECP5, estimated on the Kintex-7",
            clock_targets,
        ),
        Chart("token", "Time per token", "ms", measured(token), "TinyLlama-1.1B on the simulated RTL", token_targets),
        Chart("runs", "Runs", "count", {"runs": [own(e, e["runs"]) for e in history]}, "of one regression"),
        Chart(
            "khz", "Speed of simulation", "kHz", series("khz", simulators), "all runs together, by simulator", log=True
        ),
        Chart(
            "cycles",
            "Cycles of a run",
            "cycles",
            series("cycles", CYCLES_OF),
            "mean of its seeds, Verilator, tiny",
            log=True,
        ),
    ]


def _share(entry: Mapping, name: str) -> Value:
    hit, whole = entry.get("coverage", {}).get(name, (0, 0))
    return (100 * hit / whole, entry["commit"]) if whole else None


def _down_to(*series: Sequence[Value]) -> tuple[float, float]:
    """Limits from below the least value up to 100 %."""
    least = min((value[0] for values in series for value in values if value), default=0)
    return max(0.0, least - max(2.0, (100 - least) / 4)) if least < 100 else 90.0, 101.0


def figure(chart: Chart, history: Sequence[Mapping]) -> dict:
    """A chart as plotly.js takes it."""
    low, high = limits(chart)
    drawn = go.Figure()
    for place, (name, values) in enumerate(chart.known.items()):
        symbol = SYMBOLS[place % len(SYMBOLS)]
        drawn.add_scatter(
            x=list(range(len(history))),
            y=[value[0] if value else None for value in values],
            name=name,
            mode="lines+markers",
            connectgaps=False,
            marker_symbol=[
                symbol if value and same_commit(value[1], entry["commit"]) else f"{symbol}-open"
                for value, entry in zip(values, history, strict=True)
            ],
            customdata=[_hover(value, entry) for value, entry in zip(values, history, strict=True)],
            hovertemplate=f"{name}: %{{y:,.5~g}} {chart.unit}<br>%{{customdata}}<extra></extra>",
            cliponaxis=False,
        )
    heights = spread([_height(_last(values), low, high, chart.log) for values in chart.known.values()])
    for (name, values), height in zip(chart.known.items(), heights, strict=True):
        text = f"{name if len(chart.series) > 1 else ''} {_text(_last(values), chart.unit)}".strip()
        drawn.add_annotation(
            x=1.02, y=height, xref="paper", yref="paper", text=text, showarrow=False, xanchor="left", yanchor="middle"
        )
    for text, value in chart.targets.items():
        drawn.add_shape(type="line", x0=0, x1=1, xref="paper", y0=value, y1=value, name="target", line_dash="dash")
        drawn.add_annotation(
            x=0, y=log10(value) if chart.log else value, xref="paper", text=text, name="target", showarrow=False,
            xanchor="left", yanchor="bottom",
        )  # fmt: skip
    ticks = _ticks(len(history))
    drawn.update_xaxes(
        range=[-0.5, max(len(history) - 0.5, 0.5)],
        tickvals=ticks,
        ticktext=[history[place]["commit"] for place in ticks],
        fixedrange=True,
    )
    drawn.update_yaxes(
        range=[log10(low), log10(high)] if chart.log else [low, high],
        type="log" if chart.log else "linear",
        nticks=5,
        fixedrange=True,
        **({"dtick": 1} if chart.log else {}),
    )
    drawn.update_layout(template="none", showlegend=False)
    return json.loads(drawn.to_json())


def limits(chart: Chart) -> tuple[float, float]:
    """Limits of the y axis: from a round number below what is shown to one above."""
    if chart.limits:
        return chart.limits
    shown = [value[0] for values in chart.series.values() for value in values if value]
    shown += list(chart.targets.values()) if shown else []
    if not shown:
        return 0.0, 1.0
    if chart.log:
        positive = [value for value in shown if value > 0] or [1]
        return 10 ** int(log10(min(positive)) // 1), 10 ** int(-(-log10(1.3 * max(positive)) // 1))
    return 0.0, 1.15 * max(shown) or 1.0


def spread(heights: Sequence[float]) -> list[float]:
    """Move labels apart that would lie on one another; 0 is the bottom of the chart and 1 its top."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = list(heights)
    for below, above in zip(order, order[1:], strict=False):
        placed[above] = max(placed[above], placed[below] + LABEL_SHARE)
    top = 1.0
    for place in reversed(order):
        placed[place] = min(placed[place], top)
        top = placed[place] - LABEL_SHARE
    return [round(height, 4) for height in placed]


def same_commit(one: str, other: str) -> bool:
    """Whether two abbreviations, with or without a + for what was changed, are of one commit."""
    one, other = one.rstrip("+"), other.rstrip("+")
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _last(values: Sequence[Value]) -> float:
    return next(value[0] for value in reversed(values) if value)


def _height(value: float, low: float, high: float, log: bool) -> float:
    if log:
        value, low, high = log10(max(value, low)), log10(low), log10(high)
    return (value - low) / (high - low)


def _text(value: float, unit: str) -> str:
    if unit.startswith("%"):
        return f"{floor(10 * value + 1e-6) / 10:g}"  # only all of it is 100
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value / 1e3:.3g} k" if value >= 1e4 else f"{round(value, 1):,g}"


def _hover(value: Value, entry: Mapping) -> str:
    when = f"{entry['commit']}, {datetime.fromtimestamp(entry['when'], UTC):%Y-%m-%d %H:%M} UTC"
    carried = value and not same_commit(value[1], entry["commit"])
    return f"{when}<br>measured at {value[1]}" if carried else when


def _ticks(count: int) -> list[int]:
    if count <= TICKS:
        return list(range(count))
    return sorted({round(place * (count - 1) / (TICKS - 1)) for place in range(TICKS)})
