"""The configuration for a class: what it says, and, where JupyterHub is installed, that JupyterHub knows its settings.

JupyterHub is no part of the course's environment. To check against it: python -m pytest with this file, in the hub's.
"""

import importlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from traitlets.config import Config, LazyConfigValue
from traitlets.config.loader import PyFileConfigLoader

from helpers.course.student import write_edition

COURSE = Path(__file__).resolve().parents[2]
CLASSROOM = COURSE / "notebooks" / "classroom"
CLASSES = {  # of the sections of the file
    "JupyterHub": "jupyterhub.app",
    "Spawner": "jupyterhub.spawner",
    "PAMAuthenticator": "jupyterhub.auth",
    "ConfigurableHTTPProxy": "jupyterhub.proxy",
    "SystemdSpawner": "systemdspawner",
}


def load(monkeypatch, **variables) -> Config:
    for name in ("COURSE_DATA", "COURSE_HUB"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return PyFileConfigLoader("jupyterhub_config.py", path=str(CLASSROOM)).load_config()


@pytest.fixture
def config(monkeypatch):
    return load(monkeypatch)


def settings(config: Config):
    return [(section, name, value) for section, values in config.items() for name, value in values.items()]


def test_every_section_is_a_class_and_every_value_is_set_outright(config):
    assert set(config) == set(CLASSES)
    assert not any(isinstance(value, LazyConfigValue) for _, _, value in settings(config))


def test_each_student_has_limits_and_the_spawner_is_one_that_enforces_them(config):
    assert config.JupyterHub.spawner_class == "systemd"
    assert re.fullmatch(r"\d+G", config.Spawner.mem_limit) and config.Spawner.cpu_limit > 0
    threads = {name: value for name, value in config.Spawner.environment.items() if "THREADS" in name}
    assert len(threads) == 3 and all(int(value) <= config.Spawner.cpu_limit for value in threads.values())


def test_the_pictures_are_shared_and_read_only_and_results_go_home(config, monkeypatch, tmp_path):
    assert config.Spawner.environment["COURSE_DATA"] == str(COURSE / "data")
    assert config.Spawner.environment["COURSE_DATA"] in config.SystemdSpawner.readonly_paths
    assert config.Spawner.environment["COURSE_RESULTS"].startswith("~/")
    assert config.Spawner.environment["COURSE_PROFILE"] == "quick"
    elsewhere = load(monkeypatch, COURSE_DATA=str(tmp_path), COURSE_HUB=str(tmp_path / "hub"))
    assert elsewhere.Spawner.environment["COURSE_DATA"] == str(tmp_path)
    assert str(tmp_path) in elsewhere.SystemdSpawner.readonly_paths
    assert elsewhere.JupyterHub.cookie_secret_file == str(tmp_path / "hub" / "cookie_secret")


def test_the_variables_of_a_student_are_texts(config):
    assert all(isinstance(value, str) for value in config.Spawner.environment.values())


def test_students_get_the_settings_of_make_lab(config):
    assert (Path(config.Spawner.environment["JUPYTER_CONFIG_PATH"]) / "labconfig" / "page_config.json").is_file()


def test_idle_kernels_and_servers_are_culled_by_a_service_that_may_do_it(config):
    assert "--MappingKernelManager.cull_idle_timeout=1200" in config.Spawner.args
    service, role = config.JupyterHub.services[0], config.JupyterHub.load_roles[0]
    assert service["name"] in role["services"]
    assert {"list:users", "read:users:activity", "read:servers", "delete:servers"} <= set(role["scopes"])


def test_only_named_groups_come_in_and_only_this_computer_is_answered(config):
    assert config.PAMAuthenticator.allowed_groups and "allow_all" not in config.PAMAuthenticator
    assert config.JupyterHub.bind_url.startswith("http://127.0.0.1:")


def start_server(config, course, tmp_path) -> subprocess.CompletedProcess:
    """Start a student's server of a course, with a program in the place of JupyterHub's."""
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "jupyterhub-singleuser").write_text('#!/bin/sh\necho started "$@"\n', encoding="utf-8")
    (hub / "jupyterhub-singleuser").chmod(0o755)
    assert config.Spawner.cmd[2:-1] == [str(COURSE)]
    command = [*config.Spawner.cmd[:2], str(course), str(hub), *config.Spawner.args]
    done = subprocess.run(command, env={**os.environ, "HOME": str(tmp_path)}, capture_output=True, text=True)
    assert done.stdout.split() == ["started", *config.Spawner.args], done.stderr
    return done


@pytest.mark.skipif(os.name != "posix", reason="JupyterHub runs on Linux")
def test_a_server_starts_with_the_students_edition_at_home_and_leaves_a_students_work_alone(config, tmp_path):
    first = COURSE / "notebooks" / "00_start" / "1_first_network.ipynb"
    course, tour = tmp_path / "the course", COURSE / "data_prework" / "data_prework.ipynb"
    shutil.copytree(COURSE / "notebooks" / "exercises", course / "notebooks" / "exercises")
    lessons = [first, COURSE / "notebooks" / "00_start" / "2_own_images.ipynb", tour]
    assert write_edition(course / "build" / "student", [path for path in lessons if path.is_file()])
    mine = tmp_path / "course" / "notebooks" / "00_start" / "1_first_network.ipynb"
    mine.parent.mkdir(parents=True)
    mine.write_text("my work", encoding="utf-8")
    start_server(config, course, tmp_path)
    assert mine.read_text(encoding="utf-8") == "my work"
    home = tmp_path / "course"
    opened = config.Spawner.default_url.removeprefix("/lab/tree/")
    assert (tmp_path / config.Spawner.notebook_dir.removeprefix("~/") / opened).is_file()
    handed_out = {path.name: path.read_text(encoding="utf-8") for path in home.rglob("*.ipynb")}
    assert {path.name for path in lessons if path.is_file()} == set(handed_out) and len(handed_out) > 1
    text = "".join(handed_out.values())
    for secret in ("BEGIN SOLUTION", "BEGIN HIDDEN", "<details>", '"solution"', "output_type"):
        assert secret not in text
    assert not (home / "notebooks" / "exercises").exists() and (home / "data_prework" / "cards").is_dir()


@pytest.mark.skipif(os.name != "posix", reason="JupyterHub runs on Linux")
def test_without_the_students_edition_no_lesson_is_copied_and_the_server_says_why(config, tmp_path):
    (course := tmp_path / "the course" / "notebooks" / "01").mkdir(parents=True)
    (course / "1_look.ipynb").write_text("with solutions", encoding="utf-8")
    done = start_server(config, tmp_path / "the course", tmp_path)
    assert "make student" in done.stderr and not list((tmp_path / "course").rglob("*.ipynb"))


@pytest.mark.parametrize("section", CLASSES)
def test_jupyterhub_knows_the_settings_and_takes_the_values(config, section):
    module = pytest.importorskip(CLASSES[section], reason="JupyterHub is not part of the course's environment")
    assert importlib.import_module("jupyterhub")
    configurable = getattr(module, section)
    known = configurable.class_traits(config=True)
    for name, value in config[section].items():
        assert name in known, f"c.{section}.{name}"
        known[name]._validate(configurable.__new__(configurable), value)
