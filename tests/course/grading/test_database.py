"""nbgrader's gradebook waits for no disk, in this process and from then on; other databases are left alone."""

import pytest

pytest.importorskip("sqlalchemy", reason="it comes with nbgrader, in the extra `exercises`")

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from helpers.course.grading.assignments import database


def waits(path) -> int:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = connection.execute(text("PRAGMA synchronous")).scalar()
    engine.dispose()
    return found


def test_commits_do_not_wait_for_the_disk_once_it_was_said(tmp_path):
    if event.contains(Engine, "connect", database._set):
        event.remove(Engine, "connect", database._set)
    assert waits(tmp_path / "one.db") == 2
    for _ in range(2):
        database.do_not_wait_for_the_disk()
    assert waits(tmp_path / "one.db") == 0


def test_another_database_gets_no_command_of_sqlite():
    class Elsewhere:
        def execute(self, command):
            raise AssertionError(command)

    database._set(Elsewhere(), None)
