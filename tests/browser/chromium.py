"""Finds a Chromium for the browser tests, and prints its path.

In this order: AFDASH_CHROMIUM; a Chromium or Chrome on PATH; one that Playwright downloaded earlier; for
root on a machine with apt-get, Debian's package, which is installed then. Else it says what to do, and fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class NoChromium(Exception):
    """There is no usable browser; the message says what to do."""


def find() -> str | None:
    """The path of a Chromium that starts, without installing anything."""
    asked = os.environ.get("AFDASH_CHROMIUM")
    if asked:
        if not starts(asked):
            raise NoChromium(f"AFDASH_CHROMIUM is {asked!r}, which does not run as a browser.")
        return asked
    for name in NAMES:
        path = shutil.which(name)
        if path is not None and starts(path):
            return path
    path = playwrights_own()
    return path if path is not None and starts(path) else None


def starts(path: str) -> bool:
    """Whether the program runs and calls itself Chromium or Chrome: Ubuntu's `chromium` can be a stub."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


def playwrights_own() -> str | None:
    """The browser that `playwright install` would use, if it is there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> None:
    """Install Debian's Chromium; only for root, and only where there is apt-get."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "chromium"])
    for command in steps:
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise NoChromium(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")


def main() -> int:
    try:
        path = find()
        if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
            print("Installing Chromium for the browser tests …", file=sys.stderr)
            install()
            path = find()
        if path is None:
            raise NoChromium(
                "The browser tests need Chromium: install it (on Debian: apt-get install chromium), or set "
                "AFDASH_CHROMIUM to the path of a Chromium or Chrome."
            )
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
