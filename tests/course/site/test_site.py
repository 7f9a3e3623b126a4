"""The built site as a reader meets it: whole, quiet, offline, readable with a screen reader and on a phone.

What the files say is read on every page. A browser opens a few pages of each kind, and all of them in `make weekly`.
Screenshots go to build/site-shots/, to be looked at.
"""

import functools
import html
import re
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest

from helpers.course.grading.assignments.release import student_version
from helpers.course.notebooks import course_notebooks
from tests.chromium import chromium, skip_without_chromium
from tests.course.site.test_site_pages import ASSIGNMENTS, PROJECT, SETTINGS
from tests.weekly import WEEKLY

for package in ("sphinx", "myst_nb", "pydata_sphinx_theme", "nbgrader"):
    pytest.importorskip(package, reason=f"{package} is not installed; it comes with the extra `site`")

SITE = PROJECT / "build" / "site"
SHOTS = PROJECT / "build" / "site-shots"
AXE = PROJECT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PHONE = 390
SHOWN = (
    *("index", "notebooks/03_convolutions/5_pooling", "data_prework/cards/monuments", "reference/helpers"),
    *("404", "lessons", "notebooks/reference_projects", "exercises", "cite", "search", "references", "teach"),
)
FEW = SHOWN if WEEKLY else SHOWN[:5]  # one of each kind


class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.loads, self.anchors, self.without_alt, self.lang = [], [], set(), 0, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        if tag == "a" and "href" in attrs:
            self.links.append(attrs["href"])
        if tag == "link" or tag in ("script", "img", "iframe", "source", "video", "object"):
            self.loads += [attrs[name] for name in ("href", "src", "srcset", "data") if attrs.get(name)]
        self.without_alt += tag == "img" and "_images/" in attrs.get("alt", "_images/")  # a name of a file says nothing
        if tag == "html":
            self.lang = attrs.get("lang", "")


@pytest.fixture(scope="module")
def site() -> Path:
    """The folder of the site, built now as `make site` does."""
    command = [sys.executable, "-m", "helpers.course", "site", "--out", str(SITE)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and ", 0 lines of warnings" in done.stdout, done.stdout + done.stderr
    return SITE


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    found = {path.relative_to(site).as_posix(): path for path in sorted(site.rglob("*.html"))}
    return {name: Page(path.read_text(encoding="utf-8")) for name, path in found.items()}


@pytest.fixture(scope="module")
def address(site):
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site)))
    server.handle_error = lambda *request: None  # a browser that goes on to the next page
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_every_notebook_card_and_assignment_has_a_page(pages):
    named = [*course_notebooks(), *sorted(PROJECT.glob("data_prework/cards/*.md"))]
    wanted = {path.relative_to(PROJECT).with_suffix(".html").as_posix() for path in named}
    wanted |= {f"exercises/{path.stem}.html" for path in ASSIGNMENTS}
    wanted |= {"index.html", "cite.html", "licence.html", "CHANGELOG.html", "CONTRIBUTING.html", "search.html"}
    wanted |= {"notebooks/reference_projects.html", "install.html", "404.html", "references.html", "mistakes.html"}
    wanted |= {f"reference/{name}.html" for name in ("helpers", "tools", "data_prework")}
    assert wanted <= set(pages)


def test_from_the_first_page_every_page_file_and_anchor_is_reached(site, pages, address):
    seen, waiting, broken = {}, [(address, "")], []
    while waiting:
        url, from_page = waiting.pop()
        bare, anchor = urldefrag(url)
        if bare not in seen:
            try:
                with urllib.request.urlopen(bare) as answer:
                    is_page = answer.headers.get_content_type() == "text/html"
                    seen[bare] = Page(answer.read().decode("utf-8")) if is_page else None
            except urllib.error.HTTPError:
                broken.append((from_page, url))
                continue
            if seen[bare]:
                targets = (urljoin(bare, target) for target in (*seen[bare].links, *seen[bare].loads))
                waiting += [(target, bare) for target in targets if target.startswith(address)]
        if anchor and seen[bare] and unquote(anchor) not in seen[bare].anchors:
            broken.append((from_page, url))
    assert not broken, broken
    assert {f"{address}{name}" for name in pages} <= set(seen) | {f"{address}{name}.html" for name in ("index", "404")}


def test_the_page_about_the_projects_is_a_step_away_from_the_first_page_and_from_the_case_studies(pages):
    for name in ("index.html", "case_studies.html"):
        assert "notebooks/reference_projects.html" in pages[name].links, name


def test_pages_have_a_language_and_images_a_text(pages):
    assert {page.lang for page in pages.values()} == {"en"}
    assert not {name: page.without_alt for name, page in pages.items() if page.without_alt}


def test_no_folder_of_this_computer_is_shown(site):
    assert not [path.name for path in site.rglob("*.html") if str(PROJECT) in path.read_text(encoding="utf-8")]


def test_nothing_is_loaded_from_elsewhere(site, pages):
    far = re.compile(r"^(?:[a-z]+:)?//")
    assert not [(name, load) for name, page in pages.items() for load in page.loads if far.match(load)]
    styles = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    loaded = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])((?:https?:)?//[^)"']+)""")
    assert styles and not [(path.name, match) for path, text in styles.items() for match in loaded.findall(text)]
    scripts = "".join(path.read_text(encoding="utf-8") for path in (*site.rglob("*.html"), *site.rglob("*.js")))
    assert not re.search(r"\bcdn\b|cdnjs|jsdelivr|unpkg|googleapis|require(?:\.min)?\.js|mathjax@", scripts, re.I)


def indexed(text: str, letters: int = 1) -> set[str]:
    """The stems of the words of so many letters and more, as Sphinx writes them into its search index."""
    from sphinx.search.en import SearchEnglish

    english = SearchEnglish({})
    return {english.stem(word.lower()) for word in set(re.findall(rf"\b[A-Za-z]\w{{{letters - 1},}}", text))}


def test_no_solution_is_anywhere_in_the_site(site):
    """Neither a line of a solution or hidden test, nor in the search index a word that only they use."""
    hidden, open_text = [], ""
    for path in ASSIGNMENTS:
        whole = nbformat.read(path, as_version=4)
        shown = "\n".join(cell.source for cell in student_version(whole.copy(), path.stem, SETTINGS).cells)
        whole = nbformat.read(path, as_version=4)
        lines = {line.strip() for cell in whole.cells for line in cell.source.splitlines()}
        hidden += [line for line in lines if line not in shown]
        open_text += shown
    open_pages = ("*.md", "notebooks/*.md", "notebooks/exercises/*.md", "data_prework/cards/*.md")
    texts = (path for pattern in open_pages for path in PROJECT.glob(pattern))
    for path in (*course_notebooks(), *texts):
        text = re.sub(r'"[A-Za-z0-9+/=\\]{500,}"', "", path.read_text(encoding="utf-8"))  # images have no words
        open_text += text.replace('\\"', '"')
    for folder in ("helpers", "data_prework"):
        open_text += "".join(path.read_text(encoding="utf-8") for path in (PROJECT / folder).rglob("*.py"))
    files = (path for path in site.rglob("*.*") if path.is_file() and path.suffix not in (".png", ".jpg", ".woff2"))
    everything = {path: path.read_text(encoding="utf-8", errors="ignore") for path in files}
    told = [line for line in hidden if len(line) > 15 and line not in open_text]
    for path, text in everything.items():
        text = html.unescape(re.sub(r"<[^>]+>", "", text))
        assert not [line for line in told if line in text], path
    words = indexed(" ".join(hidden), letters=6) - indexed(open_text)
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert not [word for word in words if re.search(rf'"?\b{word}"?:', index)]
    shared = indexed("a softmax of one output", letters=6)  # the index holds words as they are looked up here
    assert [word for word in shared if re.search(rf'"?\b{word}"?:', index)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    skip_without_chromium()
    driver = chromium(tmp_path_factory.mktemp("profile"), 1280, 900, "--hide-scrollbars")
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


def screen(browser, width: int, height: int = 900) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def errors(browser) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


SMALL_TEXT = """
const found = {}, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility({visibilityProperty: true})) continue;
  if (element.getBoundingClientRect().width < 2) continue;  // words for screen readers alone
  const size = parseFloat(getComputedStyle(element).fontSize);
  if (size < 14) found[element.tagName + '.' + element.className + ' ' + size] = walker.currentNode.data.trim();
}
return found"""


def axe(browser) -> list[dict]:
    """Violations that axe-core, where it is installed, finds on the page that is open."""
    if not AXE.is_file():
        return []
    browser.execute_script(AXE.read_text(encoding="utf-8"))
    run = "axe.run(document, {resultTypes: ['violations']}).then(found => arguments[0](found.violations))"
    return browser.execute_async_script(run)


@pytest.fixture(scope="module")
def visits(browser, pages, address) -> dict[str, dict]:
    """What the browser says about a page: its errors, what it loaded, its faults, how it fits a phone."""
    said = {}
    for name in pages if WEEKLY else [f"{name}.html" for name in FEW]:
        screen(browser, 1280)
        browser.get(address + name)
        asked = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        faults = axe(browser)
        screen(browser, PHONE)
        width = browser.execute_script("return document.documentElement.scrollWidth")
        small = browser.execute_script(SMALL_TEXT)
        said[name] = {"errors": errors(browser), "asked": asked, "faults": faults, "width": width, "small": small}
    return said


def test_no_page_has_an_error_in_the_console(visits):
    assert not {name: said["errors"] for name, said in visits.items() if said["errors"]}


def test_the_browser_asks_nothing_of_another_computer(visits, address):
    far = {url for said in visits.values() for url in said["asked"] if not url.startswith((address, "data:", "blob:"))}
    assert not far


def test_a_phone_shows_pages_whole_and_in_a_size_to_read(visits):
    assert not {name: said["width"] for name, said in visits.items() if said["width"] > PHONE}
    assert not {name: said["small"] for name, said in visits.items() if said["small"]}


def grave(faults: dict[str, list[dict]]) -> list[tuple]:
    """The faults that are more than minor; prints how many there are of each impact."""
    found = [(fault, name) for name, several in faults.items() for fault in several]
    counts = Counter()
    for fault, _ in found:
        counts[fault["impact"]] += len(fault["nodes"])
    print(f"axe-core, {len(faults)} pages: {dict(counts)}")
    kept = [(fault, name) for fault, name in found if fault["impact"] != "minor"]
    return [(name, fault["id"], fault["nodes"][0]["html"][:200]) for fault, name in kept]


needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="no axe-core: npm install --prefix build/axe axe-core@4")


@needs_axe
def test_axe_finds_no_grave_fault_on_a_page(visits):
    assert not grave({name: said["faults"] for name, said in visits.items()})


@needs_axe
@pytest.mark.parametrize("width, scheme", [(PHONE, "light"), (1280, "dark")])
def test_axe_finds_none_on_a_phone_and_in_the_dark(browser, pages, address, width, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    screen(browser, width)
    faults = {}
    for name in FEW:
        browser.get(f"{address}{name}.html")
        faults[name] = axe(browser)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert not grave(faults)


@pytest.mark.parametrize("start", ["http", "file"])
def test_search_finds_the_lesson_also_without_a_server(browser, site, address, start):
    screen(browser, 1280)
    errors(browser)
    root = address if start == "http" else f"{site.as_uri()}/"
    browser.get(f"{root}notebooks/00_start/1_first_network.html")
    browser.get(f"{root}search.html?q=dropout")
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    def results(driver):
        return [found.get_attribute("href") for found in driver.find_elements(By.CSS_SELECTOR, "ul.search li a")]

    found = WebDriverWait(browser, 20).until(results, "the search found nothing")
    assert any("04_regularization/2_weight_penalties.html" in link for link in found) and not errors(browser)
    kinds = ["reference/" in link for link in found]
    assert "/notebooks/" in found[0] and kinds == sorted(kinds), found  # lessons first, the reference last
    snippets = browser.find_elements(By.CSS_SELECTOR, "ul.search li p.context")
    assert bool(snippets) == (start == "http")  # a page that is read from a file may not read others


def test_code_of_80_characters_fits_beside_both_sidebars_and_a_phone_shows_that_it_goes_on(browser, address):
    screen(browser, 1280)
    browser.get(f"{address}notebooks/03_convolutions/5_pooling.html")
    wide = "return [...document.querySelectorAll('.cell_input pre')]"
    wide += ".filter(box => box.scrollWidth > box.clientWidth).length"
    letter = "const box = document.querySelector('.cell_input pre'), style = getComputedStyle(box), draw ="
    letter += " document.createElement('canvas').getContext('2d'); draw.font = style.font;"
    room = " return (box.clientWidth - 2 * parseFloat(style.paddingLeft)) / draw.measureText('n').width"
    assert browser.execute_script(letter + room) >= 80 and browser.execute_script(wide) == 0
    screen(browser, PHONE)
    browser.get(f"{address}notebooks/03_convolutions/5_pooling.html")
    marked = "return document.querySelectorAll('.cell_input pre.more-right').length"
    assert browser.execute_script(marked) == browser.execute_script(wide) > 0


@pytest.mark.skipif(not WEEKLY, reason="pictures for a person, made in make weekly")
def test_screenshots_are_kept_to_be_looked_at(browser, pages, address):
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    for name in FEW:
        for width, height in ((1280, 1400), (PHONE, 2400)):
            screen(browser, width, height)
            browser.get(f"{address}{name}.html")
            browser.save_screenshot(str(SHOTS / f"{name.replace('/', '-')}-{width}.png"))
    assert len(list(SHOTS.glob("*.png"))) == 2 * len(FEW)
