"""The settings that `make lab` and the classroom's JupyterHub give JupyterLab, without a server."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from data_prework.files import PROJECT

FOLDER = PROJECT / "helpers" / "course" / "lab"


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("own", ["", "anna/jupyter"])
def test_make_lab_adds_the_courses_settings_and_keeps_the_users_path(own, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", own)
    words = subprocess.run(["make", "-n", "lab"], cwd=PROJECT, capture_output=True, text=True).stdout
    line = next(line for line in words.splitlines() if "jupyter lab" in line)
    sets_path = line[: line.index(" -m jupyter")].rpartition(" ")[0]
    shown = subprocess.run(["sh", "-c", f"{sets_path}; echo $JUPYTER_CONFIG_PATH"], capture_output=True, text=True)
    assert shown.stdout.strip().split(":") == [str(FOLDER), *filter(None, [own])]


def test_jupyterlab_reads_them_as_defaults_for_what_is_installed(monkeypatch):
    manager = pytest.importorskip("jupyter_server.services.config.manager", reason="comes with JupyterLab")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(FOLDER))
    read = manager.ConfigManager(config_dir_name="labconfig")
    assert read.get("page_config")["disabledExtensions"]["@jupyter/nbgrader"] is True
    for plugin, values in read.get("default_setting_overrides").items():
        package, name = plugin.split(":")
        schema = Path(_labs_schemas(), package, f"{name}.json")
        known = json.loads(schema.read_text(encoding="utf-8"))["properties"]
        for key, value in values.items():
            allowed = [choice["const"] for choice in known[key].get("oneOf", ())] or [True, False]
            assert value in allowed and value != known[key]["default"], f"{plugin}: {key}"


def _labs_schemas() -> str:
    commands = pytest.importorskip("jupyterlab.commands", reason="JupyterLab is not installed; see the extra `dev`")
    return str(Path(commands.get_app_dir()) / "schemas")
