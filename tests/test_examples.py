"""The examples in the docstrings run and give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

PROJECT = Path(__file__).resolve().parent.parent
FILES = [path for folder in ("helpers", "data_prework") for path in sorted((PROJECT / folder).rglob("*.py"))]
MODULES = [
    ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
    for path in FILES
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_the_docstrings_are_true(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    failed, tried = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    plt.close("all")
    assert tried and not failed
