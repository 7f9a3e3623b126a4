"""The lock satisfies pyproject and environment.yml, names no index, and is what the notebooks import."""

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import nbformat
import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from data_prework.sources.packages import ELPV

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
WANTED = [
    Requirement(text)
    for text in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    if not text.startswith(PROJECT["name"])
]
# readers of files that few have, and images with a licence of their own: whoever needs one installs it
UNLOCKED = {"pillow-heif", "pydicom", "elpv-dataset"}
# what a package is called when it is imported, where that is not its own name
IMPORTED_AS = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "keras-tuner": "keras_tuner",
    "imagehash": "imagehash",
    "ipython": "IPython",
}


def locked(python: str) -> dict[str, str]:
    """Name -> version that the lock gives a Linux machine with this Python."""
    where = default_environment() | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
    }
    return {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==")
        for r in LOCK
        if r.marker is None or r.marker.evaluate(where)
    }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_satisfies_every_direct_dependency(python):
    versions = locked(python)
    for wanted in WANTED:
        name = canonicalize_name(wanted.name)
        if name in UNLOCKED:
            continue
        assert name in versions, f"{wanted.name} is not in requirements.lock; run: make lock"
        assert wanted.specifier.contains(versions[name]), f"{wanted} against {versions[name]}; run: make lock"


def test_every_line_of_the_lock_is_an_exact_version():
    assert all(re.fullmatch(r"==[\w.+!-]+", str(r.specifier)) for r in LOCK) and len(LOCK) > 100


def test_the_lock_names_no_index_and_no_address():
    assert not re.search(
        r"https?://|file:|--(extra-)?index|--find-links|@ ", (ROOT / "requirements.lock").read_text(encoding="utf-8")
    )


def test_conda_takes_python_and_pip_and_leaves_the_rest_to_the_lock():
    lines = [line.strip() for line in (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()]
    conda = [line[2:] for line in lines[lines.index("dependencies:") + 1 : lines.index("- pip:")]]
    assert [re.split(r"[=<>]", entry)[0] for entry in conda] == ["python", "pip"]
    version = next(entry for entry in conda if entry.startswith("python")).split("=")[1]
    low, high = re.fullmatch(r">=(\S+),<(\S+)", PROJECT["requires-python"]).groups()
    assert tuple(map(int, low.split("."))) <= tuple(map(int, version.split("."))) < tuple(map(int, high.split(".")))
    assert lines[lines.index("- pip:") + 1 :] == ["- -r requirements.lock", "- -e ."]


def imports(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def test_everything_imported_is_declared():
    used = set()
    for folder in ("helpers", "data_prework", "notebooks"):
        for path in (ROOT / folder).rglob("*.py"):
            used |= imports(path.read_text(encoding="utf-8"))
        for path in (ROOT / folder).rglob("*.ipynb"):
            for cell in nbformat.read(path, as_version=4).cells:
                if cell.cell_type == "code":
                    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
                    used |= imports("\n".join(lines))
    declared = {IMPORTED_AS.get(r.name.lower(), r.name.lower().replace("-", "_")) for r in WANTED}
    own = {"helpers", "data_prework", "google"}  # google.colab is there on Colab alone
    assert used - set(sys.stdlib_module_names) - own <= declared


def test_keras_tuner_comes_with_the_tensorboard_that_it_imports():
    assert "tensorboard" in {r.name for r in map(Requirement, PROJECT["dependencies"])}


def test_every_mention_of_the_solar_cells_package_names_the_version_that_the_course_reads():
    files = ["pyproject.toml", "README.md", "data_prework/README.md", "data_prework/cards/solar_cells.md"]
    places = [ROOT / file for file in files] + sorted((ROOT / "notebooks").rglob("*.ipynb"))
    found = [re.findall(r"elpv-dataset==([\w.]*\w)", path.read_text(encoding="utf-8")) for path in places]
    assert found[0] and {version for versions in found for version in versions} == {ELPV.version}
    assert not any(r.name == ELPV.name for r in LOCK)  # never installed unasked
