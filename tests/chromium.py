"""Chromium without a window, for the tests of the site, the app and JupyterLab; and the wait for a server's start."""

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)


def skip_without_chromium() -> None:
    """Skip the whole module, and say what is missing."""
    pytest.importorskip("selenium.webdriver", reason="selenium is not installed; it comes with the extra `dev`")
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)


def chromium(profile: Path, width: int, height: int, *flags: str):
    """A driver of Chromium with a user folder of its own, which keeps what pages say on the console."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*QUIET.split(), f"--user-data-dir={profile}", f"--window-size={width},{height}", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def wait_for_server(server: subprocess.Popen, is_up: Callable[[], object], log: Path, seconds: float) -> None:
    """Ask until `is_up` raises no OSError; AssertionError with the log where the server ends or the time is over."""
    until = time.monotonic() + seconds
    while True:
        try:
            is_up()
            return
        except OSError:
            assert server.poll() is None and time.monotonic() < until, log.read_text(encoding="utf-8")
            time.sleep(0.3)
