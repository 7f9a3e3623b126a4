"""The app in a real browser: upload, decision, heatmap, feedback, a bad file, on a phone, and in the dark.

Screenshots go to build/app/, to be looked at.
"""

import hashlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.chromium import chromium, skip_without_chromium, wait_for_server

pytest.importorskip("streamlit", reason="streamlit is not installed; it comes with the extra `app`")
skip_without_chromium()

from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

from data_prework.files import PROJECT  # noqa: E402
from helpers.deploy.feedback import read_feedback  # noqa: E402
from tests.helpers.deploy.tiny_bundles import darkness, good_scores, squares, tiny_bundle  # noqa: E402

SHOTS = PROJECT / "build" / "app"
SECONDS = 90


@pytest.fixture(scope="module")
def place(tmp_path_factory, home):
    """Two bundles, an image of the data set, and a letter that calls itself an image."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        folder = tmp_path_factory.mktemp("app")
        tiny_bundle(folder / "bundles" / "calm")
        tiny_bundle(folder / "bundles" / "eager", darkness(bias=18.0), scores=good_scores())
        data = squares()
        shutil.copy(data.folder / data.test.frame["path"][data.test.labels == 0].iloc[0], folder / "scan.png")
    (folder / "letter.jpg").write_text("Dear colleague, please find attached", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def address(place):
    """The running app."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "helpers.deploy", "app", str(place / "bundles"), "--port", str(port), "--headless"]
    command += ["--feedback", str(place / "said.sqlite")]
    log = place / "log.txt"
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(command, cwd=PROJECT, stdout=out, stderr=subprocess.STDOUT)
    try:
        health = f"http://localhost:{port}/_stcore/health"
        wait_for_server(server, lambda: urllib.request.urlopen(health, timeout=5).read(), log, SECONDS)
        yield f"http://localhost:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    SHOTS.mkdir(parents=True, exist_ok=True)
    driver = chromium(tmp_path_factory.mktemp("profile"), 1000, 1400)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def opened(browser, address):
    browser.get(address)
    see(browser, "For teaching, not for diagnosis")
    return browser


def page_text(browser) -> str:
    return browser.find_element(By.TAG_NAME, "body").text


def see(browser, words: str) -> None:
    """Wait until the page shows these words."""
    WebDriverWait(browser, SECONDS).until(lambda b: words in page_text(b), f"the page never showed {words!r}")


def upload(browser, *files: Path) -> None:
    waiting = WebDriverWait(browser, SECONDS)
    found = waiting.until(lambda b: b.find_elements(By.CSS_SELECTOR, "input[type=file]"), "no place for files")
    found[0].send_keys("\n".join(map(str, files)))


def shot(browser, name: str, width: int) -> None:
    """The whole page at this width, as an image in build/app."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 2600, "deviceScaleFactor": 1, "mobile": False}
    )
    to_the_top = "const main = document.querySelector('[data-testid=stMain]'); if (main) main.scrollTo(0, 0)"
    browser.execute_script(to_the_top)
    time.sleep(1.5)  # Streamlit arranges its columns anew
    browser.save_screenshot(str(SHOTS / f"{name}.png"))


def test_an_image_is_judged_and_its_heatmap_shown(opened, place):
    upload(opened, place / "scan.png")
    see(opened, "probability of dark: 0.0")
    see(opened, "calm\nbright")

    def images(browser):
        found = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stImage] img")
        widths = [int(image.get_property("naturalWidth")) for image in found]
        return widths if len(widths) == 2 and all(widths) else None

    assert 320 in WebDriverWait(opened, SECONDS).until(images, "not two images")  # the heatmap's width


def test_feedback_ends_in_the_database(opened, place):
    def bright(browser):
        labels = browser.find_elements(By.CSS_SELECTOR, "[data-testid=stRadio] label")
        return next((label for label in labels if label.text == "bright"), None)

    WebDriverWait(opened, SECONDS).until(bright, "no class to choose").click()
    button = "//button[contains(., 'Keep this')][not(@disabled)]"
    WebDriverWait(opened, SECONDS).until(lambda b: b.find_elements(By.XPATH, button))[0].click()
    see(opened, "Kept, without the image")
    rows = read_feedback(place / "said.sqlite")
    assert list(rows["label"]) == ["bright"] and rows["bundle"][0].startswith("calm:")
    assert rows["picture"][0] == hashlib.sha256((place / "scan.png").read_bytes()).hexdigest()


def test_a_bad_file_is_a_sentence_and_no_stack_trace(opened, place):
    upload(opened, place / "letter.jpg")
    see(opened, "This file cannot be used: not an image")
    assert "Traceback" not in page_text(opened) and "probability of dark" in page_text(opened)


def test_a_second_bundle_stands_beside_the_first(opened):
    box = opened.find_elements(By.CSS_SELECTOR, "[data-testid=stSelectbox] input")[1]
    box.click()
    box.send_keys("eager", Keys.ENTER)
    see(opened, "The two bundles agree on")
    see(opened, "eager\ndark")


def test_it_can_be_read_at_the_desk_on_a_phone_and_in_the_dark(opened):
    for name, width, scheme in (("desk", 1000, "light"), ("phone", 390, "light"), ("phone-dark", 390, "dark")):
        features = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", features)
        shot(opened, name, width)
        content = opened.execute_script("return document.documentElement.scrollWidth")
        assert content <= width, f"{name}: the page is {content} pixels wide, the screen {width}"


def test_nothing_was_asked_of_another_computer(opened, address):
    asked = opened.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert asked and all(url.startswith((address, "data:", "blob:")) for url in asked), asked


def test_the_log_holds_the_address_and_no_noise(place, opened):
    lines = [line.strip() for line in (place / "log.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert all(line.startswith(("You can now view", "URL:", "Local URL:")) for line in lines), lines
