"""What the page for open questions looks like: plain HTML without a script, everything that students wrote escaped."""

from html import escape
from pathlib import Path

import nbformat

from helpers.course.grading.assignments.cells import graded

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 75rem; margin: 0 auto; padding: 1rem; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.5rem; align-items: start; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; padding: 1rem; margin: .5rem 0;
  border: 1px solid #8888; border-radius: .5rem; }
.answer { border-left: .3rem solid #0173b2; } .said { border: 2px solid #d55e00; padding: .5rem 1rem; }
textarea { width: 100%; min-height: 5rem; box-sizing: border-box; } input, textarea, button { font: inherit; }
nav, .keep { display: flex; gap: 1rem; flex-wrap: wrap; align-items: center; }
.keep { position: sticky; bottom: 0; background: Canvas; padding: .5rem 0; }
"""
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    f"<title>Open questions</title><style>{STYLE}</style></head><body>"
)


def questions(source: Path, names: list[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the question of each task, and its model answer with the rubric.

    Args:
        source: Folder with the solutions of the assignments.
        names: Of the assignments; those without a solution there are left out.

    Returns:
        (assignment, task) -> (text before the answer, text of the solution).
    """
    found = {}
    for name in names:
        if not (file := source / name / f"{name}.ipynb").is_file():
            continue
        notebook = nbformat.read(file, as_version=4)
        for task, cell in graded(notebook).items():
            place = next(i for i, one in enumerate(notebook.cells) if one is cell)
            before = [one.source for one in notebook.cells[:place] if one.cell_type == "markdown"]
            found[name, task] = (before[-1] if before else "", cell.source)
    return found


def page(review, submissions: dict, number: int, said: str = "", typed: dict[str, str] | None = None) -> str:
    """Return the page of one submission.

    Args:
        review: The `helpers.course.grading.marks.review.Review`.
        submissions: (assignment, student) -> rows of manual.csv.
        number: Place of the submission, from 0; behind the last one comes an overview.
        said: What was wrong with what was typed.
        typed: What was typed, to be shown again.
    """
    wrong = f'<p class="said" role="alert">Not kept. {escape(said)}</p>' if said else ""
    keys = list(submissions)
    waits = [i for i, rows in enumerate(submissions.values()) if any(not row["points"].strip() for row in rows)]
    links = [f'<a href="?n={waits[0]}">first that waits</a>'] if waits else []
    links += [f'<a href="?n={len(keys)}">all submissions</a>']
    if 0 < number <= len(keys):
        links.insert(0, f'<a href="?n={number - 1}">back</a>')
    if number < len(keys):
        links.append(f'<a href="?n={number + 1}">next</a>')
    top = f"<nav>{' '.join(links)}<span>{len(keys) - len(waits)} of {len(keys)} are done</span></nav>{wrong}"
    if number >= len(keys):
        return f"{HEAD}{top}<h1>All submissions</h1>{_overview(submissions)}</body></html>"
    name, student = keys[number]
    body = "".join(_task(review, row, typed or {}) for row in submissions[keys[number]])
    hidden = "".join(
        f'<input type="hidden" name="{key}" value="{escape(value)}">'
        for key, value in (("assignment", name), ("student", student))
    )
    keep = '<p class="keep"><button accesskey="s">Keep, and show the next one</button></p>'
    title = f"<h1>{escape(name)} · {escape(student)}</h1>"
    return f'{HEAD}{top}{title}<form method="post" action="?n={number}">{hidden}{body}{keep}</form></body></html>'


def _task(review, row: dict[str, str], typed: dict[str, str]) -> str:
    """One answer beside its question and rubric, with the fields for points and comment."""
    task = row["task"]
    question, solution = review.about.get((row["assignment"], task), ("", "The solution is not here: run make grade."))
    points = typed.get(f"points {task}", row["points"])
    comment = typed.get(f"comment {task}", row["comment"])
    key, most = escape(task), escape(row["max"])
    return (
        f'<h2>{key}</h2><div class="two"><div><pre class="answer">{escape(row["answer"])}</pre>'
        f'<p><label>Points, from 0 to {most} <input name="points {key}" value="{escape(points)}" '
        f'inputmode="decimal" size="6" autocomplete="off"></label></p>'
        f'<label>Comment for the student<textarea name="comment {key}">\n{escape(comment)}</textarea></label></div>'
        f"<div><details><summary>Question</summary><pre>{escape(question)}</pre></details>"
        f"<details open><summary>Model answer and rubric</summary><pre>{escape(solution)}</pre></details></div></div>"
    )


def _overview(submissions: dict) -> str:
    lines = []
    for number, ((name, student), rows) in enumerate(submissions.items()):
        state = ", ".join(f"{row['task']}: {row['points'].strip() or 'waits'}" for row in rows)
        link = f'<a href="?n={number}">{escape(name)} · {escape(student)}</a>'
        lines.append(f"<li>{link} {escape(state)}</li>")
    return f"<ol>{''.join(lines)}</ol><p>When all are done, end this page and run <code>make grade</code> again.</p>"
