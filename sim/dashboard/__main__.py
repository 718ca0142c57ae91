"""Write the page of the last regression and of the commits before it: ``make dashboard [HISTORY=path] [PUBLISH=1]``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from fpga import report
from sim import formal, mutate
from sim.dashboard import history, page
from sim.dashboard.inputs import OPTIONAL, read
from sim.run import BUILD


def main() -> None:
    """Command line entry."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=BUILD, type=Path, help="folder of the results")
    parser.add_argument("--history", default="", help="file with a line per commit; history.jsonl there when empty")
    parser.add_argument("--publish", default="", help="1 makes a folder that can be put elsewhere")
    arguments = parser.parse_args()
    if arguments.publish not in ("", "0", "1"):
        raise SystemExit(f"error: PUBLISH={arguments.publish}; 1 makes a folder that can be put elsewhere")
    read(arguments.build)  # without a regression there is nothing to wait for
    recorded = report.record()
    known = {
        "formal": {task.name: [*formal.sources(task), Path(formal.__file__)] for task in formal.TASKS},
        "mutation": {ip.name: ip.tested_by() for ip in mutate.IPS},
    }
    inputs = read(arguments.build, report.targets(recorded), list(report.figures(recorded)), known)
    path = Path(arguments.history) if arguments.history else arguments.build / "history.jsonl"
    entries, skipped = history.update(path, history.entry(inputs))
    inputs.notes.extend(skipped)
    written = page.write(inputs, entries, arguments.build / "dashboard", arguments.publish == "1")
    for note in inputs.notes:
        print(f"note: {note}")
    for key, (_, command, _) in OPTIONAL.items():
        if getattr(inputs, key) is None:
            print(f"no {key}: '{command}' makes it")
    print(f"dashboard: {inputs.passed} of {len(inputs.summary['names'])} runs pass; {len(entries)} commits in {path}")
    print(f"page: {os.path.relpath(written)}")


if __name__ == "__main__":
    main()
