"""Links to Colab, Kaggle and Binder point to their notebook, and the cell that fetches the course is written once."""

import re
import subprocess
import sys

import nbformat
import pytest

from data_prework.files import PROJECT
from helpers.course import links
from helpers.course.links import CELL, GITHUB, LINE, add_links, link_line, pinned_version, remote_address
from helpers.course.not_stored import is_not_stored
from helpers.course.notebooks import course_notebooks

ADDRESS = "git@github.com:teacher/course.git"


def test_the_three_links_lead_to_the_same_file():
    line = link_line(ADDRESS, "v1.2.0", "notebooks/04_regularization/2_weight_penalties.ipynb")
    assert line.count("v1.2.0") == 3 and line.count("notebooks/04_regularization/2_weight_penalties.ipynb") == 3
    assert line.count("teacher/course") == 3


@pytest.mark.parametrize(
    "address", ["https://github.com/teacher/course", "https://github.com/teacher/course.git", ADDRESS]
)
def test_addresses_of_github_are_understood(address):
    assert GITHUB.fullmatch(address)[1] == "teacher/course"


def test_an_address_elsewhere_has_no_badges_but_can_be_fetched():
    assert link_line("https://example.org/course.git", "v1", "x.ipynb") == ""
    notebook = nbformat.read(course_notebooks()[0], as_version=4)
    add_links(notebook, "https://example.org/course.git", "v1", "x.ipynb")
    assert "Open it in" not in notebook.cells[0].source and "https://example.org/course.git" in notebook.cells[1].source


@pytest.mark.parametrize("path", course_notebooks(), ids=lambda path: path.stem)
def test_they_are_added_once_to_every_notebook_and_nothing_else_changes(path):
    notebook, before = (nbformat.read(path, as_version=4) for _ in range(2))
    for _ in range(2):
        add_links(notebook, ADDRESS, "v9", path.relative_to(PROJECT).as_posix())
    nbformat.validate(notebook)
    assert sum(cell.id == CELL for cell in notebook.cells) == 1
    assert notebook.cells[0].source.count("Open it in [Colab]") == 1
    kept = [cell.source for cell in notebook.cells if cell.id != CELL]
    kept[0] = LINE.sub("", kept[0])
    old = [cell.source for cell in before.cells if cell.id != CELL]
    old[0] = LINE.sub("", old[0])
    assert kept == old
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counts = {number: cell.execution_count for number, cell in enumerate(code, 1) if not is_not_stored(cell)}
    assert list(counts.values()) == list(counts)


@pytest.fixture(scope="module")
def remote() -> str:
    """The address from which others fetch this copy."""
    try:
        address = remote_address()
    except ValueError as error:
        pytest.skip(str(error))
    if not re.match(r"https?://|ssh://|git@", address):
        pytest.skip(f"{address} is not an address of the internet")
    if not any(f'"{CELL}"' in path.read_text(encoding="utf-8") for path in course_notebooks()):
        pytest.skip("no notebook has links yet: make links")
    return address


@pytest.mark.parametrize("path", course_notebooks(), ids=lambda path: path.stem)
def test_every_notebook_links_to_itself_in_this_version_and_can_fetch_it(path, remote):
    notebook = nbformat.read(path, as_version=4)
    lines = LINE.findall(notebook.cells[0].source)
    fetching = [cell.source for cell in notebook.cells if cell.id == CELL]
    wanted = 1 if GITHUB.fullmatch(remote) else 0  # Colab, Kaggle and Binder open what is on GitHub
    assert (len(lines), len(fetching)) == (wanted, 1), "run: make links"
    own, version = path.relative_to(PROJECT).as_posix(), re.search(r"fetch -q --depth 1 \S+ (\S+)", fetching[0])[1]
    assert there_is(version), "the version was raised; run: make links"
    for line in lines:
        assert line.count(own) == 3 and line.count(f"/{version}") == 3, "run: make links"


def there_is(version: str) -> bool:
    """Whether a version that links pin is there: the release of today's CHANGELOG.md, or a commit of this copy."""
    if version.startswith("v"):
        return version == pinned_version()
    command = ["git", "-C", str(PROJECT), "cat-file", "-e", f"{version}^{{commit}}"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def project(tmp_path):
    """A project of one commit, with the version 1.2.0."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n', encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.1.0\n\n- One.\n", encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "-m", "One")
    return tmp_path


def git(folder, *words) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def test_a_version_without_a_section_in_the_changelog_pins_the_last_commit(project):
    assert pinned_version(project) == git(project, "rev-parse", "HEAD")
    git(project, "tag", "v1.2.0")  # a tag alone is no release
    assert pinned_version(project) == git(project, "rev-parse", "HEAD")
    assert there_is(git(PROJECT, "rev-parse", "HEAD")) and not there_is("0" * 40)


@pytest.mark.parametrize(
    "heading, is_released", [("1.2.0", True), ("[1.2.0] - 2026-12-01", True), ("1.2.0.1", False), ("11.2.0", False)]
)
def test_a_release_with_its_section_in_the_changelog_pins_its_tag(project, heading, is_released):
    (project / "CHANGELOG.md").write_text(f"# Changelog\n\n## {heading}\n\n- Two.\n", encoding="utf-8")
    assert (pinned_version(project) == "v1.2.0") == is_released


def test_without_a_release_and_a_commit_nothing_can_be_pinned(project):
    git(project, "update-ref", "-d", "HEAD")
    with pytest.raises(ValueError, match=r"no commit yet, and CHANGELOG\.md no section for 1\.2\.0"):
        pinned_version(project)


@pytest.mark.parametrize("version", ["HEAD", "v1.2.0"])
def test_the_cell_fetches_a_commit_and_a_tag_once(project, tmp_path_factory, version):
    git(project, "tag", "v1.2.0")
    version = git(project, "rev-parse", version) if version == "HEAD" else version
    git(project, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitHub allows it
    place = tmp_path_factory.mktemp("place")
    shell = [line.strip()[1:] for line in links.FETCH.splitlines() if line.strip().startswith("!")]
    for command in 2 * shell:
        command = command.format(version=version, address=project.as_uri())
        done = subprocess.run(["sh", "-c", command], cwd=place, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
    assert (place / "course" / "CHANGELOG.md").is_file()
    assert git(place / "course", "rev-parse", "HEAD") == git(project, "rev-parse", "HEAD")


def test_without_a_remote_nothing_is_changed(tmp_path, monkeypatch, capsys):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(links, "remote_address", lambda: links_of(tmp_path))
    before = {path: path.read_bytes() for path in course_notebooks()}
    assert links.main([]) == 1
    assert "git remote add origin ADDRESS" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in course_notebooks()}


def test_a_remote_that_is_not_on_github_is_refused_before_a_notebook_is_touched(tmp_path, monkeypatch, capsys):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", "https://example.org/course.git"], check=True)
    monkeypatch.setattr(links, "remote_address", lambda: links_of(tmp_path))
    before = {path: path.read_bytes() for path in course_notebooks()}
    assert links.main([]) == 1
    assert "no repository on GitHub" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in course_notebooks()}


def test_the_file_that_the_cell_runs_is_in_the_course():
    assert (PROJECT / re.search(r"%run course/(\S+)", links.FETCH)[1]).is_file()


@pytest.mark.parametrize("course_is_there", [False, True])
def test_a_students_own_helpers_py_does_not_pass_for_the_course(tmp_path, course_is_there):
    (tmp_path / "helpers.py").write_text("mine = 1", encoding="utf-8")
    cell = re.sub(r"^( *)[!%].*", r"\1print('fetches')", links.FETCH, flags=re.M)
    path = ["", str(PROJECT)] if course_is_there else [""]
    command = [sys.executable, "-I", "-S", "-c", f"import sys\nsys.path[:0] = {path}\n{cell}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert ("fetches" in done.stdout) != course_is_there


links_of = links.remote_address
