"""JupyterLab in a headless browser, used as a student uses it: its menus, its keys, and what the page shows."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 60
SIZE = {"width": 1280, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"
OUTPUT = ".jp-OutputArea-output"
ERROR = f"{OUTPUT}[data-mime-type='application/vnd.jupyter.stderr']"  # a traceback, or a line on the error stream
# Outputs that were there before a run carry data-old: a cell that runs puts others in their place.
MARK = f"document.querySelectorAll('{OUTPUT}').forEach(output => output.dataset.old = 'yes')"
STATE = f"""
const panel = document.querySelector('{NOTEBOOK}');
const cells = panel ? [...panel.querySelectorAll('.jp-CodeCell')] : [];
const prompt = cell => cell.querySelector('.jp-InputPrompt').textContent.trim();
const words = nodes => [...nodes].map(node => node.innerText);
const running = cells.filter(cell => prompt(cell) === '[*]:');
return {{
  status: panel?.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status,
  waiting: running.length,
  old: cells.filter(cell => cell.querySelector('{OUTPUT}[data-old]')).length,
  errors: words(document.querySelectorAll("{ERROR}:not([data-old])")),
  talking: running.flatMap(cell => words(cell.querySelectorAll('{OUTPUT}:not([data-old])'))),
  prompts: cells.map(prompt),
}}"""
PICTURES = f"return [...document.querySelectorAll('{NOTEBOOK} {OUTPUT} img')].map(picture => picture.naturalWidth)"


@dataclass
class Ended:
    """How a run ended: the errors and the prompts in the page, and what cells said before they had ended."""

    errors: list[str]
    prompts: list[str]
    said_while_running: set[str] = field(default_factory=set)


class Lab:
    """A browser with one notebook open. `root` is the folder that the server shows, the project; paths start there."""

    def __init__(self, driver, address: str, token: str, root: Path):
        self.driver, self.address, self.token, self.root = driver, address, token, root

    def open(self, path: str) -> None:
        """Show this notebook alone, and wait for its kernel."""
        self.file = self.root / path
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZE)
        self.driver.get(f"{self.address}/lab/tree/{path}?token={self.token}&reset")
        steady = []  # a run that begins while the kernel is being connected is lost

        def ready():
            bar = self.driver.find_elements(By.XPATH, "//*[@id='jp-main-statusbar']//*[contains(., '| Idle')]")
            steady.append(bool(bar) and self.state()["status"] == "idle")
            return all(steady[-4:]) and len(steady) >= 4

        self.wait(ready, f"{path} never got a kernel")

    def state(self) -> dict:
        return self.driver.execute_script(STATE)

    def wait(self, condition, words: str, seconds: float = SECONDS):
        return WebDriverWait(self.driver, seconds).until(lambda _: condition(), words)

    def one(self, css: str):
        """The first such element, when it can be seen."""

        def seen():
            found = self.driver.find_elements(By.CSS_SELECTOR, css)
            return next((element for element in found if element.is_displayed()), None)

        return self.wait(seen, f"the page never showed {css}")

    def menu(self, menu: str, item: str) -> None:
        for part, label in (("MenuBar", menu), ("Menu", item)):
            path = f"//div[contains(@class, 'lm-{part}-itemLabel')][normalize-space(.)='{label}']"
            found = self.wait(lambda path=path: self.driver.find_elements(By.XPATH, path), f"no menu {label}")
            found[0].click()

    def run_all(self, seconds: float) -> Ended:
        self.driver.execute_script(MARK)
        self.menu("Run", "Run All Cells")
        return self._end(seconds)

    def restart_and_run_all(self, seconds: float) -> Ended:
        self.driver.execute_script(MARK)
        self.menu("Kernel", "Restart Kernel and Run All Cells…")
        self.one(".jp-Dialog .jp-mod-accept").click()
        return self._end(seconds)

    def _end(self, seconds: float) -> Ended:
        """Wait until the kernel is idle, and each cell has its number and new outputs, or one has failed."""
        said, until = set(), time.monotonic() + seconds
        while True:
            now = self.state()
            said |= set(now["talking"])
            all_ran = not now["old"] and self._numbered(now["prompts"])
            if now["status"] == "idle" and not now["waiting"] and (now["errors"] or all_ran):
                return Ended(now["errors"], now["prompts"], said)
            assert time.monotonic() < until, f"not at the end after {seconds} seconds: {now}"
            time.sleep(0.25)

    def _numbered(self, prompts: list[str]) -> bool:
        """Whether each cell has its number, but for empty ones, which get none, and folded ones, which hide it."""
        code = [cell for cell in nbformat.read(self.file, as_version=4).cells if cell.cell_type == "code"]
        folded = [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in code]
        shown = [bool(cell.source.strip()) and not hidden for cell, hidden in zip(code, folded, strict=True)]
        return all(re.fullmatch(r"\[\d+\]:", prompt) for prompt, seen in zip(prompts, shown, strict=True) if seen)

    def save(self) -> nbformat.NotebookNode:
        """Save by the menu, and read the file."""
        before = self.file.stat().st_mtime_ns
        self.menu("File", "Save Notebook")
        self.wait(lambda: self.file.stat().st_mtime_ns != before, f"{self.file.name} was not saved")
        return nbformat.read(self.file, as_version=4)

    def write(self, words: str, text: str) -> None:
        """Type `text` in the place of all that stands in the first code cell that holds these words."""
        editors = self.driver.find_elements(By.CSS_SELECTOR, f"{NOTEBOOK} .jp-CodeCell .cm-content")
        editor = next(editor for editor in editors if words in editor.text)
        self.show(editor)
        editor.click()
        editor.send_keys(Keys.CONTROL, "a")
        editor.send_keys(text)

    def widths_of_pictures(self) -> list[int]:
        return self.driver.execute_script(PICTURES)

    def show(self, element) -> None:
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    def shot(self, file: Path, css: str | None = None) -> None:
        """A picture of the window, with the first such element in its middle."""
        if css:
            self.show(self.driver.find_element(By.CSS_SELECTOR, css))
        time.sleep(0.5)  # scrolling
        self.driver.save_screenshot(str(file))
