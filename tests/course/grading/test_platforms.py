"""Downloads of Moodle and Canvas come in, and their tables go back with the points."""

import io
import zipfile

import pytest

from helpers.assignment import read_settings
from helpers.course.grading.administration import gradebook, platforms
from helpers.course.grading.administration.platforms import DownloadError, collect
from helpers.course.grading.administration.roster import totals
from helpers.course.grading.administration.tables import TableError, read_csv, read_raw, write_csv
from helpers.course.grading.submissions.finding import find_submissions

NAME = "01_explore"


def archive(path, files, when=(2026, 3, 1, 12, 0, 0)):
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in files.items():
            opened.writestr(zipfile.ZipInfo(name, when), content)
    return path


def found(folder):
    rows = find_submissions(folder, [NAME])
    return {student: file and file.read_text(encoding="utf-8") for student, _, file, _ in rows}


MOODLE = {
    "Anna Lee_101_assignsubmission_file/01_explore.ipynb": "a",
    "Bo Ek_102_assignsubmission_file_/01_explore (1).ipynb": "b",
    "José_Maria Paz_103_assignsubmission_file_Copy of 01_explore.ipynb": "c",
    "Bo Ek_102_assignsubmission_onlinetext/onlinetext.html": "see the file",
}
CANVAS = {
    "leeanna_101_9001_01_explore.ipynb": "a",
    "ekbo_LATE_102_9002_01_explore-2.ipynb": "b",
    "pazjosemaria_103_9003_01_explore.ipynb": "c",
}


@pytest.mark.parametrize("files", [MOODLE, CANVAS], ids=["moodle", "canvas"])
def test_a_flat_download_becomes_a_folder_a_student(tmp_path, files):
    rows, strays = collect(archive(tmp_path / "x.zip", {**files, "notes.txt": ""}), tmp_path / "class", NAME)
    assert sorted(found(tmp_path / "class").values()) == ["a", "b", "c"] and strays == ["notes.txt"]
    assert {row["platform_id"] for row in rows} == {"101", "102", "103"}
    assert all(row["time"] == "2026-03-01T12:00:00" for row in read_csv(tmp_path / "class" / "submitted.csv"))


@pytest.mark.parametrize("files", [MOODLE, CANVAS], ids=["moodle", "canvas"])
def test_the_list_of_students_names_the_folders(tmp_path, files):
    (tmp_path / "class").mkdir()
    text = "student,name,id\nanna,Anna Lee,\nb.ek,,102\njose,José Maria Paz,103\n"
    (tmp_path / "class" / "students.csv").write_text(text, encoding="utf-8")
    collect(archive(tmp_path / "x.zip", files), tmp_path / "class", NAME)
    assert found(tmp_path / "class") == {"anna": "a", "b.ek": "b", "jose": "c"}


def test_a_second_download_adds_and_the_newest_is_graded(tmp_path):
    file = "Anna Lee_101_assignsubmission_file_/01_explore.ipynb"
    folder = tmp_path / "class"
    collect(archive(tmp_path / "x.zip", {file: "first"}), folder, NAME)
    for _ in range(2):  # the same once more changes nothing
        collect(archive(tmp_path / "y.zip", {file: "second"}, (2026, 3, 2, 12, 0, 0)), folder, NAME)
    assert found(folder) == {"Anna Lee": "second"} and len(read_csv(folder / "submitted.csv")) == 2
    assert len(list((folder / "Anna Lee" / NAME).iterdir())) == 2


def test_an_unpacked_folder_and_a_students_own_archive_are_read(tmp_path):
    inside = io.BytesIO()
    archive(inside, {"work/01_explore.ipynb": "a", "work/tools.py": "x = 1", "__MACOSX/._a.ipynb": "", "b.exe": ""})
    place = tmp_path / "download" / "of last week" / "Anna Lee_101_assignsubmission_file_"
    place.mkdir(parents=True)
    (place / "work.zip").write_bytes(inside.getvalue())
    (place / "broken.zip").write_bytes(b"PK no archive")
    collect(tmp_path / "download", tmp_path / "class", NAME)
    there = sorted(path.name for path in (tmp_path / "class" / "Anna Lee" / NAME).iterdir())
    assert there == ["01_explore.ipynb", "broken.zip", "tools.py", "work.zip"]


def test_no_name_in_an_archive_leads_out_of_the_folder(tmp_path):
    files = {
        "../../Eve_1_assignsubmission_file_/../../../01_explore.ipynb": "a",
        ".._2_assignsubmission_file_/..": "b",
        "x_3_4_..\\..\\01_explore.ipynb": "c",
        "Eve\\Ek_5_assignsubmission_file_/01_explore.ipynb": "d",
        "Anna Lee_101_assignsubmission_file_/01_explore.ipynb": "e",
    }
    (tmp_path / "deep" / "er").mkdir(parents=True)
    collect(archive(tmp_path / "deep" / "x.zip", files), tmp_path / "deep" / "er" / "class", NAME)
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and "class" not in path.parts]
    assert [path.name for path in outside] == ["x.zip"]


def test_what_is_no_download_is_said(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DownloadError, match="neither a folder nor a zip"):
        collect(tmp_path / "a.txt", tmp_path / "class", NAME)
    assert platforms.main([str(tmp_path), str(tmp_path / "class"), "--assignment", NAME]) == 1
    assert "named as Moodle" in capsys.readouterr().err
    assert platforms.main([str(tmp_path), str(tmp_path / "class"), "--assignment", "99"]) == 1


MOODLE_SHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Feedback comments\n"
    'Participant 101,Anna Lee,a@x.org,Submitted,,18,\nParticipant 102,Bo Ek,b@x.org,Submitted,,18,"old, kept"\n'
    "Participant 104,Cy Young,c@x.org,No submission,,18,\n"
)
CANVAS_SHEET = (
    "Student,ID,SIS Login ID,Section,01_explore (77),02_dense (78),Final Score\n"
    '    Points Possible,,,,18,18,(read only)\n"Lee, Anna",101,alee,A,,5,\n"Ek, Bo",102,bek,A,,,\n'
    '"Young, Cy",104,cy,A,,,\n'
)


@pytest.mark.parametrize(
    "sheet, download, column", [(MOODLE_SHEET, MOODLE, 4), (CANVAS_SHEET, CANVAS, 4)], ids=["moodle", "canvas"]
)
def test_points_go_back_into_the_platforms_table(tmp_path, capsys, sheet, download, column):
    folder = tmp_path / "class"
    collect(archive(tmp_path / "x.zip", download), folder, NAME)
    who = sorted(found(folder))
    marks = [{"student": one, "assignment": NAME, "points": str(10 + i)} for i, one in enumerate(who)]
    write_csv(tmp_path / "marks.csv", ["student", "assignment", "points", "needs_manual"], marks)
    (tmp_path / "export.csv").write_text(sheet, encoding="utf-8")
    words = [str(tmp_path / "export.csv"), str(folder), "--assignment", NAME, "--out", str(tmp_path)]
    assert gradebook.main(words) == 0
    said = capsys.readouterr().out
    assert "2 of 3 students" in said and "not in the table" in said
    before, _ = read_raw(tmp_path / "export.csv")
    after, _ = read_raw(tmp_path / f"upload_{NAME}.csv")
    given = {row[column] for row in after} - {row[column] for row in before}
    points = {one["student"]: one["points"] for one in marks}
    assert given == {value for one, value in points.items() if "aria" not in one}
    for old, new in zip(before, after, strict=True):
        assert old[:column] + old[column + 1 :] == new[:column] + new[column + 1 :]


def test_two_of_one_name_get_no_points_by_it(tmp_path):
    table = [["Student", "ID", "01_explore"], ["Lee, Anna", "1", ""], ["Anna Lee", "2", ""]]
    assert gradebook.fill(table, NAME, {"anna lee": "5"}, {"anna lee": {"anna lee"}}) == ["anna lee"]
    assert gradebook.fill(table, NAME, {"anna lee": "5"}, {"anna lee": {"anna lee", "2"}}) == []
    assert [row[2] for row in table[1:]] == ["", "5"]
    for head in (["Student", "ID"], ["Who", "Grade"]):
        with pytest.raises(TableError):
            gradebook.fill([head], NAME, {}, {})


def test_a_late_canvas_file_is_late_by_its_time(tmp_path):
    collect(archive(tmp_path / "x.zip", CANVAS), tmp_path / "class", NAME)
    text = f"assignment,student,deadline,late_days,percent_per_day\n{NAME},,2026-02-28,2,10\n"
    (tmp_path / "class" / "deadlines.csv").write_text(text, encoding="utf-8")
    marks = [{"student": "leeanna", "assignment": NAME, "points": "10"}]
    (row,) = [one for one in totals(tmp_path / "class", marks, read_settings(), [NAME]) if one["student"] == "leeanna"]
    assert row["total"] == "9"
