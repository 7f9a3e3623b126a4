"""nbgrader's gradebook without waiting for the disk: it's made anew from the notebooks whenever it's needed."""

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine


def do_not_wait_for_the_disk() -> None:
    """Let later connections of this process hand what they write to the operating system, which writes it when it can.

    nbgrader commits after every cell, and each commit waits until the disk has it. A process that is killed loses
    nothing by this, a computer that loses power may: then the gradebook is made anew.

    Example:
        >>> from sqlalchemy import create_engine, text
        >>> do_not_wait_for_the_disk()
        >>> with create_engine("sqlite://").connect() as connection:
        ...     connection.execute(text("PRAGMA synchronous")).scalar()
        0

    Source:
        SQLite, [PRAGMA synchronous](https://www.sqlite.org/pragma.html#pragma_synchronous).
    """
    if not event.contains(Engine, "connect", _set):
        event.listen(Engine, "connect", _set)


def _set(connection: Any, _: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
