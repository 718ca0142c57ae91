"""The page in a browser without a window: for its test (``make test-dashboard``) and its pictures."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sim.bench import ROOT
from sim.run import BUILD

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Pictures by name: width and height of the window, device pixels per pixel, theme.
PICTURES = {
    "dashboard-wide": (1440, 1905, 1, "light"),
    "dashboard-phone": (390, 1400, 1.5, "dark"),
}


def chromium() -> str | None:
    """Path of the browser: that of $CHROMIUM, or the first one that is installed."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def reason() -> str:
    """Why the page cannot be opened here; empty if it can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed; 'make test-dashboard' installs it"
    return "" if chromium() else "no Chromium is installed; 'apt-get install chromium', or set CHROMIUM="


def require() -> None:
    """Stop where the page cannot be opened.

    Raises:
        SystemExit: the message says what is missing.
    """
    if why := reason():
        raise SystemExit(f"error: {why}")


@contextmanager
def browser() -> Iterator:
    """A Chromium that Playwright drives."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            yield started
        finally:
            started.close()


def main() -> None:
    """Command line entry: pictures of the page for the documentation."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--page", default=BUILD / "dashboard/index.html", type=Path)
    parser.add_argument("--folder", default=ROOT / "docs/images", type=Path)
    arguments = parser.parse_args()
    require()
    if not arguments.page.is_file():
        raise SystemExit(f"error: no {arguments.page}; run 'make dashboard'")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with browser() as started:
        for name, (width, height, scale, theme) in PICTURES.items():
            page = started.new_page(
                viewport={"width": width, "height": height}, device_scale_factor=scale, color_scheme=theme
            )
            page.goto(arguments.page.resolve().as_uri())
            page.wait_for_selector(".plot .main-svg")
            path = arguments.folder / f"{name}.png"
            page.screenshot(path=path)
            print(f"{path}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
