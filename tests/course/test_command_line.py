"""One command line for the course, one for a deployed model: they pass on, and say what there is."""

import subprocess
import sys

import pytest

from data_prework.files import PROJECT
from helpers.course.__main__ import COMMANDS, main
from helpers.deploy.__main__ import main as deploy


def test_without_a_command_it_lists_them(capsys):
    assert main([]) == 0 and deploy([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in (*COMMANDS, "predict", "app"))


def test_an_unknown_command_is_named_and_the_others_listed(capsys):
    assert main(["runn"]) == 2 and deploy(["serv"]) == 2
    said = capsys.readouterr().err
    assert "runn: no such command" in said and "new-lesson" in said and "predict, app" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0 and f"helpers.course {command}" in capsys.readouterr().out.replace("\n", " ")


@pytest.mark.parametrize("module", ["data_prework", "helpers.course", "helpers.deploy"])
def test_a_python_without_the_packages_gets_one_sentence(module):
    done = subprocess.run(  # -S: without site-packages
        [sys.executable, "-S", "-m", module, "--help"], cwd=PROJECT, capture_output=True, encoding="utf-8", env={}
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1 and ".venv/bin/python" in done.stderr and "numpy" in done.stderr
