"""The Containerfile, as far as it can be judged without building it: its files, stages, commands and promises."""

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import pytest

from helpers.deploy import arguments
from helpers.deploy.arguments import app_arguments, serve_arguments

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
STEPS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line and not line.startswith("#")]
STAGES = re.findall(r"^FROM (\S+) AS (\S+)$", TEXT, re.MULTILINE)
COMMANDS = [json.loads(rest) for step, rest in STEPS if step == "CMD"]
IGNORED = [
    line.removesuffix("/")
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.fixture(autouse=True)
def free_ports(monkeypatch):
    monkeypatch.setattr(arguments, "port_is_taken", lambda port: False)


def is_ignored(path: str) -> bool:
    return any(fnmatch(part, rule.removeprefix("**/")) for rule in IGNORED for part in (path, path.split("/")[0]))


def test_every_step_is_one_that_builders_know():
    assert {step for step, _ in STEPS} <= {"FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "EXPOSE", "CMD"}
    assert not [line for line in TEXT.splitlines() if line.endswith("\\") and not line.startswith("#")]


def test_what_is_copied_is_there_and_not_ignored():
    sources = [
        word for step, rest in STEPS if step == "COPY" for word in rest.split()[:-1] if not word.startswith("--")
    ]
    assert {"helpers", "requirements.lock", "."} <= set(sources)
    assert not [source for source in sources if not (ROOT / source).exists() or (source != "." and is_ignored(source))]


def test_nothing_is_sent_to_the_builder_that_git_does_not_keep():
    made = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    kept = {line.removesuffix("/") for line in made if not line.startswith("#")}
    assert {rule.removeprefix("**/") for rule in IGNORED} == kept | {".git"}


def test_python_is_a_version_that_the_course_allows():
    allowed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    minor = int(re.search(r"python:3\.(\d+)-slim", TEXT)[1])
    assert re.findall(r"3\.(\d+)", allowed) == ["11", "14"] and 11 <= minor < 14


def test_the_lessons_are_what_is_built_and_each_stage_and_target_is_there():
    names = [name for _, name in STAGES]
    assert names == ["base", "app", "course"] and all(base == "base" for base, _ in STAGES[1:])
    assert set(re.findall(r"--target (\S+)", TEXT)) == {"app"}
    assert len(COMMANDS) == 2 and TEXT.count("\nUSER student\n") == 2


def test_the_commands_are_the_courses_own(capsys):
    said = [shlex.split(rest) for rest in re.findall(r"python -m (\S.*)$", TEXT, re.MULTILINE)]
    assert len(said) >= 3 and all(find_spec(words[0]) for words in said)
    app, lab = COMMANDS
    assert app[:4] == ["python", "-m", "helpers.deploy", "app"] and app_arguments(app[4:]).address == "0.0.0.0"
    serve = next(words for words in said if words[1:2] == ["serve"])
    assert serve_arguments(serve[2:]).address == "0.0.0.0"
    assert (ROOT / Path(lab[-1]).relative_to("/course")).is_file() and lab[:2] == ["jupyter", "lab"]
    settings = Path(re.search(r"JUPYTER_CONFIG_PATH=(\S+)", TEXT)[1]).relative_to("/course")
    assert (ROOT / settings / "labconfig").is_dir()


def test_ports_are_published_to_this_computer_only_and_are_the_programs_own():
    published = re.findall(r" -p (\S+:\d+)", TEXT)
    assert len(published) == 3 and all(port.startswith("127.0.0.1:") for port in published)
    inside = {int(port.rpartition(":")[2]) for port in published}
    exposed = {int(port) for step, rest in STEPS if step == "EXPOSE" for port in rest.split()}
    assert inside == exposed == {8888, app_arguments(["x"]).port, serve_arguments(["x"]).port}


@pytest.mark.parametrize(("read", "alone"), [(app_arguments, "localhost"), (serve_arguments, "127.0.0.1")])
def test_without_a_container_this_computer_alone_is_answered(read, alone):
    assert read(["x"]).address == alone
