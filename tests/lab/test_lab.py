"""Lessons and an exercise in a real JupyterLab, started by `make lab` in a copy of the working tree.

They take minutes: they run where LAB_LESSONS names lessons, as `make test-lab` does, and are left out of `make test`.
Screenshots, to be looked at, and the seconds of each run go to build/lab-shots/.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chromium import chromium, skip_without_chromium, wait_for_server

if "LAB_LESSONS" not in os.environ:
    pytest.skip("a real JupyterLab takes minutes; run: make test-lab", allow_module_level=True)
skip_without_chromium()
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed; it comes with the extra `dev`")
for program in ("make", "git"):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed", allow_module_level=True)

from selenium.webdriver.common.by import By  # noqa: E402

from data_prework.manifest import COURSE, default_data_dir, find_prepared  # noqa: E402
from helpers.course.notebooks import course_notebooks  # noqa: E402
from tests.lab.browser import ERROR, NOTEBOOK, OUTPUT, Lab  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
SHOTS = PROJECT / "build" / "lab-shots"
LESSONS = os.environ.get("LAB_LESSONS", "").split()
MINUTES = {"00_start/1": 3, "05": 15, "08": 15}
TOKEN = "only-for-this-test"
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # else the page holds only the cells in sight
}
# What the computer decides, not the seed: a time, a speed, a memory, a place in memory.
MEASURED = re.compile(r"\b(seconds?|minutes?|s|ms|µs|images/s|[kMG]B|date)\b|/s\b|0x[0-9a-f]{6,}")

RACING = ("How do you see what's going on?", "Why did a trial fail?")  # headings of lesson 5.4, with several processes


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """A copy of the tracked files: a lesson that is run and saved changes this copy."""
    for name in COURSE:
        if find_prepared(name, "embedded") is None:
            pytest.skip(f"the embedded data of {name} are not made yet; run: make data")
    found = subprocess.run(["git", "-C", PROJECT, "ls-files"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip("this copy is no git repository, which tells what to copy")
    tree = tmp_path_factory.mktemp("lab") / "course"
    for name in filter(lambda name: (PROJECT / name).is_file(), found.stdout.splitlines()):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, tree / name)
    return tree


def surroundings(home: Path, port: int) -> dict[str, str]:
    """The environment of a server that knows nothing of the user, and leaves nothing with them."""
    for name, chosen in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(chosen), encoding="utf-8")
    (home / "config").mkdir()
    server = {"ServerApp": {"open_browser": False, "allow_root": True}}
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(server), encoding="utf-8")
    places = {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "runtime")}
    places |= {f"JUPYTERLAB_{name.upper()}_DIR": str(home / name) for name in ("settings", "workspaces")}
    places |= {"IPYTHONDIR": str(home / "ipython"), "COURSE_RESULTS": str(home / "results"), "BROWSER": "true"}
    places |= {"COURSE_DATA": str(default_data_dir().resolve()), "COURSE_PROFILE": "quick", "COURSE_SOURCE": "embedded"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTEST"))}
    return kept | places | {"JUPYTER_TOKEN": TOKEN, "JUPYTER_PORT": str(port)}


def ask(address: str, method: str = "GET"):
    request = urllib.request.Request(address, method=method, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or "null")


@pytest.fixture(scope="module")
def address(tree):
    """The server that `make lab` starts in the copy, with the environment and the data that are here."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, log = f"http://localhost:{port}", tree.parent / "log.txt"
    command = ["make", "lab", f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.installed"]  # installs nothing
    with log.open("w", encoding="utf-8") as out:
        server = subprocess.Popen(
            command, cwd=tree, env=surroundings(tree.parent, port), stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_for_server(server, lambda: ask(f"{address}/api/status"), log, seconds=60)
        yield address
        ask(f"{address}/api/shutdown", "POST")
        server.wait(timeout=60)
    finally:
        server.terminate()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    SHOTS.mkdir(parents=True, exist_ok=True)
    driver = chromium(tmp_path_factory.mktemp("profile"), 1280, 1600)
    yield driver
    driver.quit()


@pytest.fixture
def lab(browser, address, tree):
    yield Lab(browser, address, TOKEN, tree)
    for session in ask(f"{address}/api/sessions"):
        ask(f"{address}/api/sessions/{session['id']}", "DELETE")


@contextmanager
def timed(what: str):
    begin = time.perf_counter()
    yield
    line = f"{what}: {time.perf_counter() - begin:.0f} s"
    print(line)
    with (SHOTS / "seconds.txt").open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%d %H:%M')}  {line}\n")


def lines_of(notebook) -> list[list[str]]:
    """The text of each code cell's outputs, without the lines that speak of something measured.

    A table whose head speaks of it is left out whole: the numbers below stand without their unit. Where processes race
    for their work, the seed does not say who gets which part: what stands below RACING is left out.
    """
    texts, heading = [], ""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            heading = (re.findall(r"^#+ (.+)$", cell.source, re.MULTILINE) or [heading])[-1]
            continue
        kept = []
        if heading in RACING:
            continue
        for output in cell.outputs:
            lines = (output.get("text") or output.get("data", {}).get("text/plain", "")).splitlines()
            head = [line for line in lines if not re.search(r"\d", line)]
            if output.output_type == "stream" or not any(map(MEASURED.search, head)):
                kept += [line for line in lines if not MEASURED.search(line)]
        texts.append(kept)
    return texts


def with_numbers(texts: list[list[str]]) -> int:
    return sum(bool(re.search(r"\d", line)) for lines in texts for line in lines)


def nothing_more(lab, ended) -> None:
    """A lesson without a part of its own."""


def progress_is_seen(lab, ended) -> None:
    assert any("2 trials" in text for text in ended.said_while_running), ended.said_while_running


OWN_PART = {"05": progress_is_seen}


@pytest.mark.parametrize("number", MINUTES)
def test_a_lesson_runs_in_the_page_and_gives_the_same_numbers_after_a_restart(lab, number):
    if number not in LESSONS:
        pytest.skip(f"lesson {number} takes minutes; run: make test-lab, or set LAB_LESSONS='{number}'")
    paths = [path.relative_to(PROJECT).as_posix() for path in course_notebooks()]
    lab.open(next(path for path in paths if path.startswith(f"notebooks/{number}")))
    shot = number.replace("/", "-")
    ended, first = seen_whole(lab, lab.run_all, number, "Run All Cells")
    lab.shot(SHOTS / f"{shot}-top.png", f"{NOTEBOOK} .jp-Cell")
    lab.shot(SHOTS / f"{shot}-figure.png", f"{NOTEBOOK} {OUTPUT} img")
    OWN_PART.get(number, nothing_more)(lab, ended)
    _, second = seen_whole(lab, lab.restart_and_run_all, number, "Restart Kernel and Run All Cells")
    lab.shot(SHOTS / f"{shot}-end.png", f"{NOTEBOOK} .jp-Cell:last-child")
    before, after = lines_of(first), lines_of(second)
    print(f"{number}: {with_numbers(before)} lines with numbers compared")
    assert with_numbers(before) >= 10 and before == after


def seen_whole(lab, run, number: str, what: str):
    """Run a lesson to its end, timed, and check it; (what was seen, the saved notebook)."""
    with timed(f"{number} {what}"):
        ended = run(60 * MINUTES[number])
    assert not ended.errors, ended.errors
    notebook = lab.save()
    check(lab, ended, notebook)
    return ended, notebook


def check(lab, ended, notebook) -> None:
    """Every code cell with code ran once, in this profile, without an error; each figure is an image in the page."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    outputs = [output for cell in code for output in cell.outputs]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    numbers = [int(prompt.strip("[]:")) for prompt in ended.prompts if re.search(r"\d", prompt)]
    assert numbers == sorted(set(numbers)) and numbers[-1] <= len(code)  # a folded cell hides its own
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert "profile quick · data: embedded" in outputs[0].text
    figures = [o for o in outputs if any(kind.startswith("image/") for kind in o.get("data", {}))]
    widths = lab.widths_of_pictures()
    assert figures and len(widths) == len(figures) and all(widths)


def test_students_see_no_grading_buttons_and_no_question_about_news(lab):
    lab.open("notebooks/00_start/1_first_network.ipynb")
    time.sleep(3)  # the question comes when all is loaded
    lab.shot(SHOTS / "opened.png")
    tabs = lab.driver.find_elements(By.CSS_SELECTOR, ".lm-TabBar-tab, .lm-MenuBar-item, .jp-ToolbarButtonComponent")
    seen = " ".join(f"{tab.text} {tab.get_attribute('title')}" for tab in tabs)
    seen += lab.one("body").text
    assert "Property Inspector" in seen and "Kernel" in seen and "Markdown" in seen
    assert not re.findall("Assignment|Validate|Nbgrader|Formgrader|news", seen)


def test_a_link_to_a_file_outside_the_notebooks_folder_opens_it(lab):
    lab.open("notebooks/06_transfer/2_fine_tuning.ipynb")
    link = lab.driver.find_element(By.XPATH, "//a[text()='card of the backbone']")
    lab.show(link)
    link.click()
    assert "backbone" in lab.one(".jp-MarkdownViewer h1").text


def test_a_wrong_answer_in_an_exercise_is_explained_in_the_page(lab, tree, tmp_path):
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; it comes with the extra `exercises`")
    from helpers.course.grading.assignments.release import build

    name = "01_explore"
    released = build(tmp_path, names=[name]) / "release" / name / f"{name}.ipynb"
    shutil.copy(released, tree / "notebooks" / released.name)
    lab.open(f"notebooks/{released.name}")
    lab.write("STUDENT =", 'STUDENT = "Anna Lee"')
    lab.write("Not solved yet", 'share = (table["label"] == positive).mean()')
    with timed(f"{name}, answered wrongly"):
        ended = lab.run_all(120)
    said = "You counted all splits; the question is about the training split only."
    assert len(ended.errors) == 1 and said in ended.errors[0], ended.errors
    assert said in lab.one(f"{NOTEBOOK} {ERROR}").text
    lab.shot(SHOTS / "exercise.png", f"{NOTEBOOK} {ERROR}")
