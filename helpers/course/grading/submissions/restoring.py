"""What students handed in, made ready to be graded: the released cells are back in their places, no work is lost."""

import uuid
from copy import deepcopy

from nbformat import NotebookNode

from helpers.assignment import plain
from helpers.course.grading.assignments.cells import NAME, grade_id, is_answer, is_locked, text_of, typed_name
from helpers.course.grading.submissions.matching import Match
from helpers.course.grading.submissions.open_answers import gather_open_answers
from helpers.course.grading.submissions.shell_lines import without_programs


def restore(notebook: NotebookNode, released: NotebookNode) -> list[str]:
    """Put back, in place, the released cells that were changed or deleted, and find the answers wherever they are.

    nbgrader's own steps DeduplicateIds and OverwriteCells run after this, on what they can read. They know no cell that
    lost its metadata, keep the last of several copies also where it is empty, and stop where the answer before a test
    is gone as well or where the metadata are damaged.

    Args:
        notebook: The submission; it is changed.
        released: The students' version that was handed out.

    Returns:
        Sentences for the note: what was changed, deleted, copied, and found elsewhere.
    """
    match = Match(notebook.cells, released.cells)
    for cell in notebook.cells:
        cell.metadata.pop("nbgrader", None)
    copied = _choose_copies(match)
    changed, missing = _put_back(match)
    gathered = gather_open_answers(match)
    _make_ids_unique(notebook)
    for cell in notebook.cells:
        place = match.of(cell)
        if cell.cell_type == "code" and (place is None or not is_locked(released.cells[place])):
            cell.source = without_programs(cell.source)
    said = [f"changed and put back: {', '.join(changed)}"] if changed else []
    said += [f"deleted and put back: {', '.join(missing)}"] if missing else []
    return said + copied + gathered


def _choose_copies(match: Match) -> list[str]:
    """Of an answer that is there several times the last one counts, but no empty one; of other cells the first.

    A test that comes before the answer that counts is moved behind it.
    """
    said, counted = [], None
    for place, original in enumerate(match.released):
        copies = match.copies(place)
        if not copies:
            continue
        if is_answer(original):
            worked_on = [cell for cell in copies if text_of(cell) not in ("", text_of(original))]
            counted = chosen = (worked_on or copies)[-1]
            if len(copies) > 1:
                said.append(
                    f"{grade_id(original)} is there {len(copies)} times: the last one that was filled in counts"
                )
        else:
            chosen = copies[0]
            if original.metadata.get("nbgrader", {}).get("grade") and counted is not None:
                chosen = _behind(match, counted, copies)
        for cell in copies:
            if cell is not chosen:
                match.set(cell, None)
    return said


def _behind(match: Match, answer: NotebookNode, tests: list[NotebookNode]) -> NotebookNode:
    """The first of the copies of a test that comes after the answer; where none does, the first is moved there."""
    where = {id(cell): i for i, cell in enumerate(match.cells)}
    for test in tests:
        if where[id(test)] > where[id(answer)]:
            return test
    del match.cells[where[id(tests[0])]]
    match.cells.insert(1 + next(i for i, cell in enumerate(match.cells) if cell is answer), tests[0])
    return tests[0]


def _put_back(match: Match) -> tuple[list[str], list[str]]:
    """Give each released cell of nbgrader's its text and metadata; returns the names of the changed and the missing."""
    changed, missing, position = [], [], 0
    for place, original in enumerate(match.released):
        found = match.copies(place)
        if found:
            position = 1 + next(i for i, cell in enumerate(match.cells) if cell is found[0])
        if "nbgrader" not in original.metadata:
            continue
        if not found:
            missing.append(grade_id(original))
            match.cells.insert(position, deepcopy(original))
            match.set(match.cells[position], place)
            position += 1
            continue
        cell, locked = found[0], is_locked(original)
        if locked and text_of(cell) != text_of(original):
            changed.append(grade_id(original))
        if locked or cell.cell_type != original.cell_type:
            text = original.source if locked else cell.source
            cell_id = cell.id
            cell.clear()
            cell.update(deepcopy(original), source=text, id=cell_id)
        cell.metadata["nbgrader"] = deepcopy(original.metadata.nbgrader)
    return changed, missing


def _make_ids_unique(notebook: NotebookNode) -> None:
    seen = set()
    for cell in notebook.cells:
        if cell.id in seen:
            cell.id = uuid.uuid4().hex[:8]
        seen.add(cell.id)


def settle_name(notebook: NotebookNode, student: str, name_from: str) -> list[str]:
    """See to it that the notebook names a student: the one that was typed, or else the folder's.

    Args:
        notebook: The submission; it is changed.
        student: Name of its folder.
        name_from: "cell" or "folder": which of the two decides the numbers.

    Returns:
        Sentences for the note.
    """
    cell = next(c for c in notebook.cells if grade_id(c) == "name")
    typed = typed_name(cell.source)
    said = []
    if plain(typed) != plain(student):
        said.append(
            f"the notebook names {typed!r}" if typed else "the notebook names nobody, so the folder's name was used"
        )
    if name_from == "folder" or not plain(typed):
        cell.source = f"STUDENT = {student!r}"
    elif not NAME.search(cell.source):  # without quotes, Python would look for a variable of that name
        cell.source = f"STUDENT = {typed!r}"
    return said
