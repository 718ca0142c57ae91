"""Write the page and what it needs beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from sim.dashboard import plots, view
from sim.dashboard.inputs import Inputs

HERE = Path(__file__).parent
PLAIN = ("style.css", "page.js")


def write(inputs: Inputs, history: Sequence[dict], folder: Path, publish: bool = False) -> Path:
    """Write ``index.html`` into a folder, in place of what was there.

    Args:
        inputs: the present results.
        history: of all commits, the oldest first.
        publish: see ``view.context``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in PLAIN:
        shutil.copyfile(HERE / name, folder / name)
    (folder / "plotly.min.js").write_text(get_plotlyjs())
    charts = plots.charts(history, inputs.figures)
    figures = {chart.key: plots.figure(chart, history) for chart in charts if chart.known}
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("template.html").render(
        **view.context(inputs, folder, publish), charts=charts, commits=len(history), figures=_script(figures)
    )
    page = folder / "index.html"
    page.write_text(text)
    return page


def _script(value: object) -> Markup:
    """JSON that may stand in a script element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))
