"""Answers to open questions, wherever in the notebook they were written: a person reads them all."""

import difflib

from nbformat import NotebookNode

from helpers.course.grading.assignments.cells import grade_id, is_answer, text_of
from helpers.course.grading.submissions.matching import Match

STRAY = 40  # characters from which a text elsewhere may be the answer that is missing in its place


def gather_open_answers(match: Match) -> list[str]:
    """Put all that answers an open question into its cell: from copies, from new cells around it, from the question's.

    Where a question has no answer in its place, longer texts that the student wrote elsewhere are taken. The cells
    that they stand in stay as they are.

    Args:
        match: Of the submission, with each released cell in its place; the answer cells are changed.

    Returns:
        Sentences for the note.
    """
    said, empty, released = [], [], {text_of(cell) for cell in match.released}
    used: set[int] = set()
    for place, original in enumerate(match.released):
        if not (is_answer(original) and original.metadata.nbgrader.grade and original.cell_type == "markdown"):
            continue
        cell = match.copies(place)[-1]
        around = [one for one in match.own_between(place) if one is not cell]
        used |= {id(one) for one in around}
        parts = [(one, _prose(one)) for one in match.cells if one is cell or any(one is other for other in around)]
        texts = [text for one, text in parts if text and text_of(one) not in released]
        texts = _added_to_question(match, place) + texts
        texts = list(dict.fromkeys(texts))
        if not texts:
            empty.append(cell)
        elif texts != [text_of(cell)]:
            cell.source = "\n\n".join(texts)
            said.append(f"the answer to {grade_id(original)} was found in other cells than its own, or in several")
    if empty:
        after = next(i for i, one in enumerate(match.cells) if one is empty[-1])
        own = [(i, one) for i, one in enumerate(match.cells) if match.of(one) is None and one.cell_type != "code"]
        own = [(i, one) for i, one in own if text_of(one) not in released]
        stray = [one for i, one in own if id(one) not in used and text_of(one) and (i > after or _is_long(one))]
        if stray:
            empty[-1].source = "\n\n".join(dict.fromkeys(text_of(one) for one in stray))
            said.append(f"{grade_id(empty[-1])} has no answer in its place; texts from elsewhere were taken for it")
    return said


def _is_long(cell: NotebookNode) -> bool:
    return len(text_of(cell)) >= STRAY


def _prose(cell: NotebookNode) -> str:
    text = text_of(cell)
    return f"```python\n{text}\n```" if cell.cell_type == "code" and text else text


def _added_to_question(match: Match, place: int) -> list[str]:
    """What was typed into the cell of the question, below or between its lines."""
    before = [i for i in range(place) if match.copies(i)]
    if not before or grade_id(match.released[before[-1]]) or match.released[before[-1]].cell_type != "markdown":
        return []
    asked = text_of(match.released[before[-1]]).splitlines()
    given = text_of(match.copies(before[-1])[-1]).splitlines()
    added = [line[2:] for line in difflib.ndiff(asked, given) if line.startswith("+ ")]
    text = "\n".join(added).strip()
    return [text] if text else []
