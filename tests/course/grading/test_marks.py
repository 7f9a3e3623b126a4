"""The tables of marks: nothing that somebody entered by hand is lost, whatever else goes wrong."""

import csv

import pytest

from helpers.course.grading import batch as exercises
from helpers.course.grading import grade as grading
from helpers.course.grading.marks.files import _empty_page, safe, write_marks
from helpers.course.grading.marks.manual import MANUAL, entered, read_manual
from helpers.course.grading.marks.table import collect
from helpers.course.grading.submissions.job import Job, read_result, up_to_date
from helpers.course.grading.submissions.reading import UnreadableError

MOST = {"01_x": {"task1": 2, "task7": 4}, "02_y": {"task1": 3}}
HEAD = ",".join(MANUAL)


def row(student, assignment="01_x", **more):
    """A submission as `collect` describes it, with one open answer."""
    tasks = dict.fromkeys(MOST[assignment], 0.0)
    one = {"student": student, "assignment": assignment, "points": 0.0, "max": 6.0, "tasks": tasks, "note": ""}
    one |= {"most": MOST[assignment], "open": ["task7"], "answers": {"task7": "an answer"}, "feedback": None}
    return one | more


@pytest.fixture
def file(tmp_path):
    return tmp_path / "manual.csv"


def lines(file, *more):
    """Write manual.csv with these rows; returns what is read from it."""
    file.write_text("\n".join([HEAD, *more]) + "\n", encoding="utf-8")
    return read_manual(file, MOST)


def table(file):
    with file.open(newline="", encoding="utf-8") as opened:
        return [(one["student"], one["assignment"], one["task"], one["points"], one["comment"], one["answer"])
                for one in csv.DictReader(opened)]  # fmt: skip


def test_points_and_comments_by_hand_are_read(file):
    manual = lines(file, "anna,01_x,task7,4,3.5,good,text", "bo,01_x,task7,4,,,text", "cy,01_x,task1,,2,,")
    assert entered(manual, "anna", "01_x") == {"task7": (3.5, "good")}
    assert entered(manual, "bo", "01_x") == {} and entered(manual, "cy", "01_x") == {"task1": (2.0, "")}
    assert read_manual(file.with_name("none.csv"), MOST) == {}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_file_of_another_spreadsheet_is_read(file, delimiter):
    rows = (MANUAL, ("anna", "01_x", "task7", "4", "3,5", "gut, aber", "Text"))
    file.write_text("\ufeff" + "\r\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    assert entered(read_manual(file, MOST), "anna", "01_x") == {"task7": (3.5, "gut, aber")}


@pytest.mark.parametrize(
    "text, says",
    [
        (f"{HEAD}\nanna,01_x,task7,4,5,,\n", "row 2: points '5'; give a number from 0 to 4"),
        (f"{HEAD}\nanna,01_x,task7,4,-1,,\n", "row 2: points '-1'"),
        (f"{HEAD}\nanna,01_x,task7,4,nan,,\n", "row 2: points 'nan'"),
        (f"{HEAD}\nanna,01_x,task7,4,1,,\nbo,01_x,task7,4,three,,\n", "row 3: points 'three'"),
        (f"{HEAD}\nanna,01_x,task8,4,1,,\n", "row 2: 01_x has no task 'task8', it has task1, task7"),
        (f"{HEAD}\nanna,01_x,task7,4,1,well, done,\n", "row 2: it has more cells than there are columns"),
        (f"{HEAD}\na,01_x,task7,4,1,,\na,01_x,task7,4,2,,\n", "row 3: a, 01_x, task7 stands in two rows"),
        (HEAD.replace(",max", "") + "\nanna,01_x,task7,1,,\n", "row 1: the column max is missing"),
        (f'{HEAD}\nanna,01_x,task7,4,1,"no end,\nbo,01_x,task7,4,1,,\n', "unexpected end of data"),
        ("", "row 1: the column student, assignment, task, max, points, comment, answer is missing"),
        (f"{HEAD}\nJörg,01_x,task7,4,1,,\n".encode("cp1252"), 'Save it as "CSV UTF-8"'),
    ],
)
def test_a_file_that_is_not_clear_stops_before_anything_is_graded(tmp_path, file, capsys, text, says):
    content = text if isinstance(text, bytes) else text.encode()
    file.write_bytes(content)
    with pytest.raises(ValueError) as stopped:
        read_manual(file, MOST)
    assert str(file) in str(stopped.value) and says in str(stopped.value)
    assert str(stopped.value).endswith("nothing was changed")

    place = tmp_path / "submissions" / "anna" / "01_explore.ipynb"
    place.parent.mkdir(parents=True)
    place.touch()
    file.write_bytes(content.replace(b"01_x", b"01_explore").replace(b"task8", b"task99"))
    before = file.read_bytes()
    assert exercises.main(["grade", str(place.parent.parent), "--out", str(tmp_path)]) == 1
    assert "manual.csv" in capsys.readouterr().err and file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manual.csv", "submissions"]


def test_rows_of_other_assignments_and_of_students_who_are_away_stay(tmp_path, file):
    manual = lines(file, "anna,02_y,task1,3,2,good,", "bo,01_x,task7,4,4,,long", "cy,09_z,task1,9,7,old,")
    write_marks(tmp_path, [row("anna")], manual)
    assert table(file) == [
        ("anna", "01_x", "task7", "", "", "an answer"),
        ("anna", "02_y", "task1", "2", "good", ""),
        ("bo", "01_x", "task7", "4", "", "long"),
        ("cy", "09_z", "task1", "7", "old", ""),
    ]


def test_what_was_entered_stays_as_it_was_typed_also_a_comment_without_points_and_a_column_of_ones_own(tmp_path, file):
    entries = ["anna,01_x,task7,4,,ask again,old,me", 'bo,01_x,task1,,"1,50",,,', "cy,01_x,task7,4,,,old,"]
    file.write_text("\n".join([f"{HEAD},who", *entries]) + "\n", encoding="utf-8")
    write_marks(tmp_path, [row("anna"), row("bo", open=[]), row("cy", open=[])], read_manual(file, MOST))
    assert table(file) == [
        ("anna", "01_x", "task7", "", "ask again", "an answer"),
        ("bo", "01_x", "task1", "1,50", "", ""),
    ]
    assert read_manual(file, MOST)["anna", "01_x", "task7"]["who"] == "me"
    assert entered(read_manual(file, MOST), "anna", "01_x") == {"task7": (None, "ask again")}


def test_a_table_that_cannot_be_written_leaves_the_earlier_one(tmp_path, file):
    manual = lines(file, "anna,01_x,task7,4,3,good,text")
    before = file.read_text(encoding="utf-8")
    for fault in ({"note": "\ud800"}, {"answers": {"task7": "\ud800"}}):
        with pytest.raises(UnicodeEncodeError):
            write_marks(tmp_path, [row("anna", **fault)], manual)
        assert file.read_text(encoding="utf-8") == before and not list(tmp_path.glob(".*"))


def test_an_answer_as_long_as_a_book_can_be_read_back(tmp_path, file):
    write_marks(tmp_path, [row("anna", answers={"task7": "x" * 200_000})], {})
    assert list(read_manual(file, MOST)) == [("anna", "01_x", "task7")]


def test_pages_of_other_assignments_stay(tmp_path):
    for name in MOST:
        write_marks(tmp_path, [row("anna", name, open=[])], {})
    assert sorted(page.name for page in (tmp_path / "feedback" / "anna").iterdir()) == ["01_x.html", "02_y.html"]


def test_points_by_hand_count_also_where_nothing_could_be_graded(file):
    manual = lines(file, "anna,01_x,task1,2,1.5,it was a PDF,")
    (one,) = collect([("anna", "01_x", None, "there is answers.pdf")], [], MOST, manual)
    assert one["points"] == 1.5 and one["tasks"] == {"task1": 1.5, "task7": 0.0} and one["max"] == 6
    assert "Score: 1.5 / 6" in _empty_page(one)


def test_any_name_of_a_student_gives_a_folder_of_its_own():
    names = ["anna", "Anna", "../../etc", "a/b", "=1+1", "学生", "", "x" * 300]
    folders = [safe(name) for name in names]
    assert len(set(folders)) == len(names) and all(len(f) < 60 and "/" not in f and ".." not in f for f in folders)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A submission whose steps of grading are stand-ins; `ran` counts how often the notebook was run."""
    for step in ("release", "source"):
        (tmp_path / "course" / step / "01_x").mkdir(parents=True)
        (tmp_path / "course" / step / "01_x" / "01_x.ipynb").touch()
    (tmp_path / "01_x.ipynb").touch()
    one = Job("anna", "01_x", tmp_path / "01_x.ipynb", tmp_path / "course", tmp_path / "work", {"notebook_mb": 1})
    ran = []

    def autograde(job, link):
        ran.append(job)
        (job.work / "gradebook.db").touch()
        return [], [], set()

    monkeypatch.setattr(grading, "_run", autograde)
    monkeypatch.setattr(grading, "points", lambda job: {"points": {"task1": 2.0}, "most": {"task1": 2.0}, "open": []})
    for step in ("open_answers", "enter_manual", "write_feedback"):
        monkeypatch.setattr(grading, step, lambda *_: {})
    return one, ran, monkeypatch


def fails(error: Exception):
    def step(*_):
        raise error

    return step


@pytest.mark.parametrize("step", ["enter_manual", "write_feedback"])
def test_points_stand_where_the_feedback_fails_and_only_that_is_tried_again(job, step):
    one, ran, patch = job
    with patch.context() as broken:
        broken.setattr(grading, step, fails(RuntimeError("no template")))
        grading.grade(one, None)
    (marked,) = collect([("anna", "01_x", one.file, "")], [one], MOST, {})
    assert marked["points"] == 2 and marked["note"] == "no feedback page could be made (RuntimeError: no template)"
    assert not up_to_date(one)
    grading.grade(one, None)
    assert len(ran) == 1 and up_to_date(one) and read_result(one)["page"] == ""


def test_points_are_written_before_the_feedback_begins(job):
    one, _, patch = job
    patch.setattr(grading, "write_feedback", fails(KeyboardInterrupt()))  # as if the process were ended there
    with pytest.raises(KeyboardInterrupt):
        grading.grade(one, None)
    assert read_result(one)["points"] == {"task1": 2.0} and not up_to_date(one)


def test_a_passing_trouble_is_tried_again_and_an_unreadable_file_is_not(job):
    one, ran, patch = job
    for error, stays in ((OSError("no space left"), False), (UnreadableError("01_x.ipynb is not a notebook"), True)):
        with patch.context() as broken:
            broken.setattr(grading, "_run", fails(error))
            grading.grade(one, None)
        assert read_result(one)["failed"] and up_to_date(one) == stays
        assert str(error) in read_result(one)["notes"][0]
    grading.grade(one, None)
    assert len(ran) == 1 and read_result(one)["points"] == {"task1": 2.0}


def test_the_files_of_a_submission_are_read_once_for_its_key(job):
    one, *_ = job
    before = one.key
    one.file.write_text("changed", encoding="utf-8")
    assert one.key == before != Job(**{name: getattr(one, name) for name in Job.__dataclass_fields__}).key
