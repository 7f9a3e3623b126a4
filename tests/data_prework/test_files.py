"""A file is the old one until the new one is whole, and what is no file is left alone."""

import os
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from data_prework.files import PROJECT, atomic_write, free_gb, why_not_writable


@pytest.mark.parametrize("name", ["table.csv", "course.weights.h5", "no ending"])
def test_the_new_content_takes_the_place_of_the_old_one(tmp_path, name):
    path = tmp_path / name
    path.write_text("old", encoding="utf-8")
    with atomic_write(path) as new:
        new.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        assert new.parent == tmp_path and new.name.startswith(".") and new.suffixes == path.suffixes
    assert path.read_text(encoding="utf-8") == "new"
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name == "nt", reason="Windows doesn't replace a file that is open")
def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old and long", encoding="utf-8")
    with path.open("rb", buffering=0) as reader:
        assert reader.read(3) == b"old"
        with atomic_write(path) as new:
            new.write_text("new", encoding="utf-8")
        assert reader.read() == b" and long" and path.read_text(encoding="utf-8") == "new"


def test_after_an_error_the_old_file_stands_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as new:
        new.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old" and [one.name for one in tmp_path.iterdir()] == ["table.csv"]


def test_a_place_that_cannot_be_taken_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(OSError), atomic_write(tmp_path / "taken") as new:
        new.write_text("new", encoding="utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]


def test_a_link_stays_a_link_and_its_target_changes(tmp_path):
    target, link = tmp_path / "there" / "table.csv", tmp_path / "table.csv"
    target.parent.mkdir()
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    with atomic_write(link) as new:
        new.write_text("new", encoding="utf-8")
    assert link.is_symlink() and target.read_text(encoding="utf-8") == "new"
    assert [one.name for one in target.parent.iterdir()] == ["table.csv"]


def test_a_link_to_nothing_makes_its_target(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "later.csv")
    with atomic_write(tmp_path / "link") as new:
        new.write_text("new", encoding="utf-8")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "later.csv").read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("kind", ["a folder", "a pipe", "a socket", "a device"])
def test_what_is_no_file_is_refused_by_name_before_anything_is_written(tmp_path, kind):
    place = tmp_path / "place"
    if kind == "a folder":
        place.mkdir()
    elif kind == "a pipe" and hasattr(os, "mkfifo"):
        os.mkfifo(place)
    elif kind == "a socket" and hasattr(socket, "AF_UNIX"):
        socket.socket(socket.AF_UNIX).bind(str(place))
    elif kind == "a device" and Path("/dev/null").exists():
        place.symlink_to("/dev/null")  # as /dev/stdout is one
    else:
        pytest.skip("not on this system")
    with pytest.raises(OSError, match=f"place: {kind}, not a file"), atomic_write(place):
        raise AssertionError("the block was entered")
    assert [one.name for one in tmp_path.iterdir()] == ["place"]


def test_a_dash_is_the_standard_output(capsys):
    with atomic_write("-") as new:
        new.write_text("a,b\r\n", encoding="utf-8", newline="")
    assert capsys.readouterr().out == "a,b\r\n"


def test_the_root_of_the_project_is_where_its_settings_are():
    assert (PROJECT / "pyproject.toml").is_file() and (PROJECT / "helpers" / "run.py").is_file()


def test_a_folder_that_can_hold_files_has_no_trouble_and_stays_as_it_is(tmp_path):
    assert why_not_writable(tmp_path / "new" / "deep") == ""
    assert why_not_writable(tmp_path) == "" and list(tmp_path.iterdir()) == []


def test_the_trouble_with_a_folder_is_said_by_name(tmp_path):
    (tmp_path / "file").touch()
    assert "is a file)" in why_not_writable(tmp_path / "file" / "results")
    assert why_not_writable(tmp_path, gb=10**6).startswith(f"{tmp_path}: only ")
    assert "not writable" in why_not_writable("/proc/results")  # read-only for root, too


def test_the_free_space_is_that_of_the_disk_where_the_folder_will_be(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda place: asked.append(place) or SimpleNamespace(free=3 * 2**30))
    assert free_gb(tmp_path / "not" / "yet") == 3 and asked == [tmp_path]
