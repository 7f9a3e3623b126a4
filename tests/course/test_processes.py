"""A process and its children are found, measured and ended together."""

import subprocess
import sys

import psutil
import pytest

from helpers.course.processes import end, family, held, resident

PARENT = """
import subprocess, sys
code = "x = bytearray(10**8); print(1, flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1)
child.stdout.readline()
print("ready", flush=True)
input()
"""


@pytest.fixture
def parent():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with subprocess.Popen([sys.executable, "-c", PARENT], **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_the_memory_of_a_child_counts_and_both_are_ended(parent):
    found = family(parent.pid)
    assert len(found) == 2 and resident(found) > 10**8 > resident(found[:1])
    end(found)
    assert parent.wait(timeout=30) != 0
    psutil.wait_procs(found[1:], timeout=10)  # where nobody collects orphans, the child stays without any memory
    assert resident(found) == 0
    end(found)  # a second time changes nothing


FORKED = """
import os, time
shared = bytearray(b"x") * 300_000_000
if os.fork() == 0:
    print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells shared memory apart")
def test_memory_that_two_processes_share_counts_once():
    with subprocess.Popen([sys.executable, "-c", FORKED], stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout.readline() == "ready\n"
        found = family(process.pid)
        taken, sum_of_both = held(found), resident(found)
        end(found)
    assert len(found) == 2 and sum_of_both > 6e8 and 3e8 < taken < 4.5e8


def test_what_has_ended_or_never_was_is_no_family(parent):
    parent.kill()
    parent.wait()
    assert family(parent.pid) == [] and family(None) == []
