"""Getting the course ready on a computer of somebody else: what pip is asked for, and what is said where it fails."""

import subprocess

import pytest

from helpers.course import colab as elsewhere


def project(folder, *dependencies):
    text = f"[project]\ndependencies = {list(dependencies)}\noptional-dependencies = {{ app = [] }}\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def test_only_what_is_missing_here_and_meant_for_this_system_is_installed(tmp_path):
    wanted = ["pytest>=1", "no-such-package>=2", "no-other-package; python_version < '3'", "pytest>=9; os_name == 'x'"]
    assert elsewhere.missing(project(tmp_path, *wanted)) == ["no-such-package>=2"]
    with pytest.raises(RuntimeError, match=r"pytest>=999 \(here: "):
        elsewhere.missing(project(tmp_path, "pytest>=999"))


def test_a_pip_that_fails_is_a_sentence(monkeypatch):
    def fail(*_, **__):
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(elsewhere, "missing", lambda: ["no-such-package>=2"])
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(SystemExit, match=r"pip could not install no-such-package>=2 \(exit status 1\)"):
        elsewhere.main()
