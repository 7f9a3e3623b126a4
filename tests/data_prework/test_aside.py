"""A file written aside is the old one until the new one is whole."""

import pytest

from data_prework.aside import written_aside


@pytest.mark.parametrize("name", ["table.csv", "course.weights.h5", "no ending"])
def test_the_new_content_takes_the_place_of_the_old_one(tmp_path, name):
    path = tmp_path / name
    path.write_text("old", encoding="utf-8")
    with written_aside(path) as aside:
        aside.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        assert aside.parent == tmp_path and aside.name.startswith(".") and aside.suffixes == path.suffixes
    assert path.read_text(encoding="utf-8") == "new"
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_after_an_error_the_old_file_stands_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), written_aside(path) as aside:
        aside.write_text("half", encoding="utf-8")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old" and [one.name for one in tmp_path.iterdir()] == ["table.csv"]


def test_a_place_that_cannot_be_taken_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "inside").touch()
    with pytest.raises(OSError), written_aside(tmp_path / "taken") as aside:
        aside.write_text("new", encoding="utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["taken"]
