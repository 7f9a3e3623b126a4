"""Attacks on the wall round a kernel, many in one kernel: what is out of reach behind it, and what is not."""

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers.assignment import LIMITS
from helpers.course.grading import batch as exercises
from helpers.course.grading.kernel import folders, start
from helpers.course.grading.kernel.folders import leave, prepare_kernel
from helpers.course.grading.kernel.traces import refusals
from helpers.course.grading.submissions.job import Job, read_result, save_result
from helpers.course.grading.submissions.seals import CHANGED_FILE, CHANGED_RESULT, seal, seal_submission, verify
from helpers.course.grading.wall import bubblewrap
from helpers.course.grading.wall import choice as walls
from helpers.course.grading.wall.bubblewrap import PROCESSES
from helpers.course.grading.wall.choice import BUBBLEWRAP, LANDLOCK, NONE, NoWallError, choose_wall
from helpers.course.grading.wall.landlock import version
from helpers.course.processes import end

MARK = "297.3321"  # seconds that a process left behind would sleep: found by it in the list of processes
WHY_NOT = {BUBBLEWRAP: walls.why_not_bubblewrap(), LANDLOCK: "" if version() >= 6 else "no Landlock of version 6"}
EACH = [
    pytest.param(name, marks=pytest.mark.skipif(bool(why), reason=f"{name} can't be the wall here: {why}"))
    for name, why in WHY_NOT.items()
]
# Name -> a command that succeeds where the attack does; {x} stands for a path or number of the test.
ATTACKS = {
    "reads a solution": "cat {solution}",
    "reads another student's work": "cat {other}",
    "follows a link to it": "ln -s {other} mine; cat mine",
    "reads the instructor's files": "cat /etc/shadow || cat {home}/.netrc",
    "reads the instructor's environment": "grep -qas secret-of-the-instructor /proc/*/environ",
    "changes a result": "echo 1 >> {result}",
    "replaces a result": "rm {result} || mv {result} x",
    "changes another student's work": "echo 1 >> {other}",
    "writes beside the data": "touch {data}/new",
    "writes into the course": "touch {course}/helpers/new",
    "writes into the environment": "touch {python}/new",
    "reaches the network": "{tcp}",
    "ends the grader": "kill -0 {grader}",
    "writes a huge file": "head -c 30000000 /dev/zero > huge",
    "writes past the wall": "touch /new || touch /dev/new || touch /proc/new",
}
HIDDEN = {  # only bubblewrap keeps these; Landlock's first line names them
    "sees names of files": "stat {other}",
    "talks to a local service": "{unix}",
    "sees other processes": "test -d /proc/{grader}",
    "fills the disk": "for i in 1 2 3; do head -c 15000000 /dev/zero > part$i; done; test -s part3 && test "
    "$(stat -c %s part1) = $(stat -c %s part3)",
}
HONEST = {
    "reads the data": "test $(cat {data}/one.txt) = data",
    "writes for itself": "echo mine > notes.txt && test $(cat notes.txt) = mine",
    "reads the course": "cat {course}/helpers/run.py",
}
RUN = """
import json, subprocess
for name, command in json.loads({commands!r}).items():
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=200)
    if done.returncode == 0:
        print(name)
"""
OWN = """
import beside, os
from joblib import Parallel, delayed
print(beside.x, sum(Parallel(n_jobs=2)(delayed(abs)(-i) for i in range(4))), os.getuid() == {uid})
subprocess.Popen(["setsid", "sh", "-c", "sleep {mark} & sleep {mark}"], start_new_session=True)
try:
    open({hidden!r})
except OSError as error:
    print("refused:", error)
"""


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Files of an instructor, with a job whose kernel must not reach them."""
    monkeypatch.setenv("SECRET", "secret-of-the-instructor")
    monkeypatch.setattr(bubblewrap, "OWN_MB", 40)
    for module in (folders, start):
        monkeypatch.setattr(module, "file_mb", lambda job: 20)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("course", "submissions/bo", "data", "home"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("course/solution.txt", "submissions/bo/01.ipynb", "home/.netrc", "result.json"):
        (tmp_path / name).write_text("secret", encoding="utf-8")
    (tmp_path / "data/one.txt").write_text("data", encoding="utf-8")
    limits = LIMITS | {"seconds_per_submission": 900, "seconds_per_cell": 300, "printed_mb": 0.1}
    work = tmp_path / "grades" / "anna" / "01"
    hidden = (tmp_path / "submissions", tmp_path / "course", Path("/srv/class"))
    return Job("anna", "01", tmp_path / "01.ipynb", tmp_path, work, limits, {}, hidden, data=tmp_path / "data")


def run(job: Job, wall: str, cells: list[str], **files: str):
    """Run cells in a kernel behind a wall; returns their texts, what the note says, and the room."""
    pytest.importorskip("nbgrader")
    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute

    room = prepare_kernel(replace(job, wall=wall))
    for name, text in files.items():
        (room.folder / f"{name}.py").write_text(text, encoding="utf-8")
    executor = GuardedExecute(room=room, limits=job.limits, kernel_name="python3", startup_timeout=300, timeout=300)
    executor.extra_arguments = ["--log-level=ERROR"]
    executor.said.clear()
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    executor.preprocess(notebook, {"metadata": {}})
    said = [*executor.said, *refusals(room)]
    leave(room)
    outputs = [[out.get("text", out.get("evalue", "")) for out in cell.outputs] for cell in notebook.cells]
    return ["".join(texts) for texts in outputs], said, room


def left_behind() -> list[psutil.Process]:
    """Processes that an attack started and that still run, after a second."""
    for _ in range(10):
        found = [one for one in psutil.process_iter(["cmdline"]) if MARK in " ".join(one.info["cmdline"] or ())]
        if not found:
            break
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("wall", EACH)
def test_no_attack_gets_through_and_honest_work_does(places, wall):
    tmp_path = places.course
    with socket.socket() as server, socket.socket(socket.AF_UNIX) as local:
        server.bind(("127.0.0.1", 0))
        local.bind(str(tmp_path / "s"))
        server.listen(), local.listen()
        call = f"{shlex.quote(sys.executable)} -ISc 'import socket; socket.socket({{}}).connect({{}})'"
        known = {
            "solution": tmp_path / "course/solution.txt", "other": tmp_path / "submissions/bo/01.ipynb",
            "home": tmp_path / "home", "result": tmp_path / "result.json", "grader": psutil.Process().pid,
            "data": "/data" if wall == BUBBLEWRAP else places.data, "python": sys.prefix,
            "course": "/course" if wall == BUBBLEWRAP else walls.PROJECT,
            "tcp": call.format("", json.dumps(server.getsockname()).replace("[", "(").replace("]", ")")),
            "unix": call.format("socket.AF_UNIX", json.dumps(str(tmp_path / "s"))),
        }  # fmt: skip
        quoted = {name: value if name in ("tcp", "unix") else shlex.quote(str(value)) for name, value in known.items()}
        commands = {name: text.format(**quoted) for name, text in (HONEST | ATTACKS | HIDDEN).items()}
        own = OWN.format(mark=MARK, hidden="/srv/class/bo/01.ipynb", uid=0)
        cells = [RUN.format(commands=json.dumps(commands)), own, "while True:\n    print('x' * 1000)"]
        texts, said, room = run(places, wall, cells, beside="x = 3")
    survivors = left_behind()
    end(survivors)  # those behind Landlock end with the process that grades: see the next test
    through = set(texts[0].splitlines())
    assert through - set(HIDDEN) == set(HONEST), texts
    assert (wall == LANDLOCK) == bool(through & set(HIDDEN))
    assert texts[1].startswith("3 6 ") and (wall == LANDLOCK or "3 6 False" in texts[1]), texts[1]
    assert "This cell printed more than 0.1 MB" in texts[2] and len(texts[2]) < 200_000
    assert said == ["refused: to read the grader's files (01.ipynb)"]
    assert wall == LANDLOCK or not survivors  # behind Landlock some may be left, and as a rule are
    assert not room.sockets.exists() and (tmp_path / "result.json").read_text(encoding="utf-8") == "secret"


FIND_SOCKETS = """
import os, time
words = open("/proc/self/cmdline").read().split(chr(0))
sockets = os.path.dirname(next(word for word in words if word.endswith("c.json")))
"""
BOMB = """
def burst():
    while True:
        try:
            if os.fork() == 0:
                time.sleep(0.01)
        except OSError:
            time.sleep(0.1)
burst()
"""


@pytest.mark.parametrize(
    "wall, cell, words",
    [
        pytest.param(BUBBLEWRAP, BOMB, ("processes", "ended by itself", "memory"), marks=EACH[0].marks, id="fork bomb"),
        pytest.param(
            BUBBLEWRAP, "open(sockets + '/more', 'w')", ("changed the folder",), marks=EACH[0].marks, id="litter"
        ),
    ],
)
def test_what_takes_too_much_or_disturbs_the_grader_ends_its_own_kernel_alone(places, wall, cell, words):
    cell = f"{FIND_SOCKETS}\n{cell}\ntime.sleep(30)"
    most = psutil.Process().num_threads() + len(psutil.pids()) + PROCESSES
    _, said, room = run(places, wall, [cell, "x = 1"])
    assert len(psutil.pids()) < most
    assert any(word in said[0] for word in words) and "did not run" in said[0], said
    assert not room.sockets.exists()


SWEEP = """
import subprocess, sys
from pathlib import Path
from types import SimpleNamespace
from helpers.course.grading import pool
pool.grade = lambda *_: subprocess.Popen(["sh", "-c", "setsid sh -c 'sleep {mark} & sleep {mark}' & sleep 0.3"]).wait()
job = SimpleNamespace(work=Path(sys.argv[1]) / "work", result=Path(sys.argv[1]))
pool.grade_quietly(job, SimpleNamespace(send=lambda said: None), None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process can leave its family")
def test_what_a_submission_leaves_behind_ends_with_its_grading_whatever_the_wall(tmp_path):
    pytest.importorskip("nbgrader")
    subprocess.run([sys.executable, "-c", SWEEP.format(mark=MARK), str(tmp_path)], check=True, cwd=walls.PROJECT)
    assert not left_behind()


def test_the_list_of_refusals_is_read_with_care(places, monkeypatch):
    room = prepare_kernel(replace(places, wall=NONE))
    file, changed = room.sockets / "refused.txt", ["the list of what was refused was removed or changed"]
    assert refusals(room) == changed
    file.symlink_to(places.course / "course/solution.txt")
    assert refusals(room) == changed
    file.unlink()
    os.mkfifo(file)
    assert refusals(room) == changed
    file.unlink()
    file.write_text('"open\\n a connection"\n' * 100, encoding="utf-8")
    assert refusals(room) == ["refused: to open a connection"] * 20
    leave(room)


def test_a_submission_or_a_result_that_was_changed_is_said_in_its_note(places):
    places.file.write_text("{}", encoding="utf-8")
    result = {"key": "k", "points": {"task1": 1.0}, "most": {"task1": 2.0}, "open": [], "answers": {}, "failed": False}
    places.result.parent.mkdir(parents=True)
    save_result(places, result | {"notes": []}, with_manual=True)
    before, written = seal_submission(places), seal(places.result)
    verify(places, before, written)
    assert read_result(places)["notes"] == [] and read_result(places)["key"] == "k"
    text = places.result.read_text(encoding="utf-8")
    places.result.write_text(text.replace('"task1": 1.0', '"task1": 2.0'), encoding="utf-8")
    assert read_result(places) == {}
    verify(places, before, written)
    assert read_result(places)["notes"] == [CHANGED_RESULT] and read_result(places)["points"] == {}
    save_result(places, result | {"notes": []}, with_manual=True)
    places.file.write_text("[]", encoding="utf-8")
    verify(places, before, seal(places.result))
    assert read_result(places)["notes"] == [CHANGED_FILE] and read_result(places)["key"] is None
    save_result(places, result | {"notes": [], "points": {"task1": 3.0}}, with_manual=True)
    assert read_result(places) == {}, "more points than there are"


def test_without_a_wall_it_refuses_and_names_the_ways_and_never_falls_back_in_silence(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(walls, "why_not_bubblewrap", lambda: "bubblewrap is not installed")
    monkeypatch.setattr(walls, "version", lambda: 0)
    with pytest.raises(NoWallError) as refused:
        choose_wall()
    for word in (
        "bubblewrap is not installed",
        "virtual machine",
        "container",
        "bwrap-userns-restrict",
        "--unprotected",
    ):
        assert word in str(refused.value)
    assert exercises.main(["grade", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "Nothing was graded" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert choose_wall(unprotected=True)[0] == NONE and "NONE" in choose_wall(unprotected=True)[1]
    monkeypatch.setattr(walls, "version", lambda: 3)
    name, said = choose_wall()
    assert name == LANDLOCK and "holes" in said and "UDP" in said and "open connections" in said
    monkeypatch.setattr(walls, "why_not_bubblewrap", lambda: "")
    assert exercises.main(["grade", str(tmp_path), "--out", str(tmp_path / "out")]) == 1  # nobody handed in
    assert capsys.readouterr().out.startswith("wall: bubblewrap")


def test_a_solution_that_failed_is_checked_again_and_one_that_passed_is_not(places, monkeypatch):
    asked = []

    def run(jobs, at_once):
        asked.extend(job.again for job in jobs)
        for job in jobs:
            job.result.parent.mkdir(parents=True, exist_ok=True)
            result = {"points": {"task1": points}, "most": {"task1": 2.0}, "open": [], "answers": {}, "notes": []}
            save_result(job, result | {"key": "k", "failed": False}, with_manual=True)

    monkeypatch.setattr(exercises, "run", run)
    check = lambda: exercises.check_solutions(["01"], places.course, places.work, LIMITS)  # noqa: E731
    points = 1.0
    with pytest.raises(RuntimeError, match="loses points in task1"):
        check()
    points = 2.0
    check()
    check()
    assert asked == [True, True, False]
