"""Which submissions are alike: by their answers, not by the names in them.

    python -m helpers.course similarity SUBMISSIONS --out build/grades        similarity.csv, the most alike first

A number is no proof: short answers are alike by themselves, and students may learn together.
"""

import argparse
import ast
import io
import sys
import tokenize
from collections import Counter
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import nbformat

from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading.administration.tables import write_csv
from helpers.course.grading.assignments.cells import grade_id, is_answer, text_of
from helpers.course.grading.assignments.release import assignments, handed_out
from helpers.course.grading.submissions.finding import find_submissions
from helpers.course.grading.submissions.matching import Match
from helpers.course.grading.submissions.reading import UnreadableError, read_submission
from helpers.errors import CourseError

RUN = 6  # words in a row that are compared
LEAST = 200  # characters of equal answers from which a notebook counts as copied
ESSAY = 80  # of an equal open answer that no two people write
WHOLE = 0.8  # part of the shorter one's answers that is equal in a copied notebook
COLUMNS = ("assignment", "student", "other", "alike", "equal_answers", "answers")

Row = tuple[str, str, Path | None, str]  # as from `find_submissions`


@dataclass(frozen=True)
class Pair:
    """Two submissions of one assignment.

    Attributes:
        assignment: Its name.
        students: The two, in the order of their names.
        equal: Tasks whose answers are equal to the letter.
        both: Number of tasks that both answered.
        alike: Part of the shorter one's runs of code words that the other one has too, from 0 to 1.
        copied: Whether the equal answers are too long for chance.
    """

    assignment: str
    students: tuple[str, str]
    equal: tuple[str, ...]
    both: int
    alike: float
    copied: bool


def answers_of(file: Path, released: nbformat.NotebookNode, max_mb: float) -> dict[str, str]:
    """Return what a student wrote into each answer cell; nothing where the notebook cannot be read.

    Args:
        file: The notebook that was handed in.
        released: The students' version.
        max_mb: The largest size in MB.
    """
    try:
        notebook, _ = read_submission(file, max_mb)
    except UnreadableError:
        return {}
    match, found = Match(notebook.cells, released.cells), {}
    for place, original in enumerate(released.cells):
        texts = [text_of(cell) for cell in match.copies(place)] if is_answer(original) else []
        if written := [text for text in texts if text not in ("", text_of(original))]:
            found[grade_id(original)] = written[-1]
    return found


def pairs(rows: list[Row], released: dict[str, nbformat.NotebookNode], max_mb: float) -> list[Pair]:
    """Compare all submissions of each assignment with each other.

    Args:
        rows: As from `find_submissions`.
        released: Assignment -> its students' version.
        max_mb: The largest size of a notebook in MB.

    Returns:
        The pairs, the most alike first.
    """
    found = []
    for name, blank in released.items():
        read = {who: answers_of(file, blank, max_mb) for who, what, file, _ in rows if what == name and file}
        read = {who: answers for who, answers in read.items() if answers}
        runs = {who: set().union(*map(_runs, answers.values())) for who, answers in read.items()}
        many = Counter(run for one in runs.values() for run in one)
        usual = {run for run, n in many.items() if n > max(2, len(runs) // 3)}  # what lesson and question suggest
        found += [
            _pair(name, (a, b), read, {who: runs[who] - usual for who in (a, b)}) for a, b in combinations(read, 2)
        ]
    return sorted(found, key=lambda one: (-one.copied, -one.alike, -len(one.equal), one.assignment, one.students))


def _pair(name: str, who: tuple[str, str], read: dict[str, dict[str, str]], runs: dict[str, set]) -> Pair:
    one, other = (read[student] for student in who)
    equal = tuple(task for task in one if one[task] == other.get(task))
    shorter = min((one, other), key=lambda answers: sum(map(len, answers.values())))
    length = sum(len(one[task]) for task in equal)
    whole = length >= LEAST and length >= WHOLE * sum(map(len, shorter.values()))
    essay = any(len(one[task]) >= ESSAY and " " in one[task] and not _is_code(one[task]) for task in equal)
    least = min(map(len, runs.values()))
    alike = len(runs[who[0]] & runs[who[1]]) / least if least else 0.0
    return Pair(name, who, equal, len(one.keys() & other.keys()), round(alike, 2), whole or essay)


def _runs(text: str) -> set[tuple[str, ...]]:
    """Runs of words: of code without comments and with one name for all variables, or of prose."""
    words = _words(text) or text.casefold().split()
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def _words(text: str) -> list[str]:
    if not _is_code(text):
        return []
    skipped = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    nodes = list(ast.walk(ast.parse(text)))
    given = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    given |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return ["_" if token.string in given else token.string for token in tokens if token.type not in skipped]


def _is_code(text: str) -> bool:
    try:
        compile(text, "<answer>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


def note_copies(rows: list[Row], course: Path, max_mb: float) -> list[Row]:
    """Say in the notes which notebooks hold the answers of another student.

    Args:
        rows: As from `find_submissions`.
        course: nbgrader's course folder, with the students' versions.
        max_mb: The largest size of a notebook in MB.

    Returns:
        The rows, with the notes of both students where answers are equal.
    """
    names = dict.fromkeys(name for _, name, _, _ in rows)
    released = {name: nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4) for name in names}
    notes: dict = {}
    for pair in pairs(rows, released, max_mb):
        if pair.copied:
            for who, other in (pair.students, pair.students[::-1]):
                what = f"{len(pair.equal)} of {pair.both} answers are equal to those of {other!r}"
                notes.setdefault((who, pair.assignment), []).append(what)
    return [
        (who, name, file, "; ".join(filter(None, [said, *notes.get((who, name), [])[:3]])))
        for who, name, file, said in rows
    ]


def main(argv: list[str] | None = None) -> int:
    """Write similarity.csv.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the report was written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course similarity", description=__doc__.splitlines()[0])
    parser.add_argument("submissions", type=Path, help="folder with one folder a student")
    parser.add_argument("--out", type=Path, default=Path("build/grades"))
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        settings = read_settings(args.settings)
        rows = find_submissions(args.submissions, names := assignments(settings, args.settings))
        names = [name for name in names if any(row[1] == name for row in rows)]
        released = {name: handed_out(name, settings, args.settings) for name in names}
        found = pairs(rows, released, settings["grading"]["notebook_mb"])
        table = [
            dict(zip(COLUMNS, (p.assignment, *p.students, p.alike, " ".join(p.equal), p.both), strict=True))
            for p in found
        ]
        place = write_csv(args.out / "similarity.csv", COLUMNS, table)
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for pair in [one for one in found if one.copied or one.alike >= 0.5][:20]:
        said = f", equal: {' '.join(pair.equal)}" if pair.equal else ""
        print(f"{pair.assignment}  {' and '.join(pair.students)}: {pair.alike:.0%} alike{said}")
    print(f"{len(found)} pairs  {place}")
    return 0
