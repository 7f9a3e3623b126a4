"""The shape of a lesson: what it opens with, its exercises and predictions, what it closes with, and its length."""

import re

from nbformat import NotebookNode

MAX = {"cells": 40, "words": 1800, "code lines": 150, "code lines in a cell": 15, "characters in a code line": 80}
LAB_MAX = MAX | {"words": 2200}
STEPS = {  # of a rebuild lab: the process that its project followed -> its headings, in order
    "CRISP-DM": (
        "Business understanding",
        "Data understanding",
        "Data preparation",
        "Modeling",
        "Evaluation",
        "Deployment",
    ),
    "OSEMN": ("Obtain", "Scrub", "Explore", "Model", "Interpret"),
}
CLOSING = ("Takeaways", "Common mistakes", "Check yourself", "References", "Next")
HEAD = (
    r"\*\*You will learn\*\*",
    r"\d+ minutes of teaching",
    r"\d+ minutes of exercises",
    r"\d+ (seconds|minutes) of computing",
    r"\*\*Memory\*\*",
    r"\*\*Before\*\*",
)
DETAILS = re.compile(r"<details>.*?</details>", re.S)


def is_solution(cell: NotebookNode) -> bool:
    return "solution" in cell.metadata.get("tags", [])


def in_shape(notebook: NotebookNode) -> bool:
    """Whether a notebook is a lesson of this shape: it has a cell with a solution."""
    return any(map(is_solution, notebook.cells))


def faults(notebook: NotebookNode) -> list[str]:
    """What a lesson lacks or has too much of, in words; nothing for a lesson in shape."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [*_length(notebook, text), *_opening(text), *_exercises(notebook), *_closing(text)]


def lab_faults(notebook: NotebookNode) -> list[str]:
    """What a rebuild lab lacks or has too much of, in words."""
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = _length(notebook, text, LAB_MAX)
    names = [name for name in STEPS if name in text]
    if len(names) != 1:
        return [*found, f"it names {len(names)} of the processes {', '.join(STEPS)}, not one"]
    places = [text.find(f"\n## {step}\n") for step in STEPS[names[0]]]
    if -1 in places or places != sorted(places):
        found.append(f"its headings aren't the steps of {names[0]}: {', '.join(STEPS[names[0]])}")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    wanted = ("ModelCheckpoint(", "classification_report(", ".summary(", "save_result(run, ")
    return [*found, *(f"it has no {words}" for words in wanted if words not in code)]


def _length(notebook: NotebookNode, text: str, most: dict[str, int] = MAX) -> list[str]:
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and not is_solution(cell)]
    lines = [_code_lines(cell) for cell in shown]
    found = {
        "cells": len(notebook.cells),
        "words": len(DETAILS.sub("", text.split("## Check yourself")[0]).split()),
        "code lines": sum(map(len, lines)),
        "code lines in a cell": max(map(len, lines)),
        "characters in a code line": max(len(line) for cell in lines for line in cell),
    }
    return [f"{count} {what}, at most {most[what]}" for what, count in found.items() if count > most[what]]


def _code_lines(cell: NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def _opening(text: str) -> list[str]:
    head = text.split("\n## ")[0]
    return [f"the head lacks {words}" for words in HEAD if not re.search(words, head)]


def _exercises(notebook: NotebookNode) -> list[str]:
    found, cells = [], notebook.cells
    places = [i for i, cell in enumerate(cells) if is_solution(cell)]
    if len(places) < 2:
        found.append(f"{len(places)} exercises with a solution, at least 2")
    for i in places:
        if cells[i - 1].cell_type != "code" or cells[i - 1].source.strip():
            found.append(f"no empty cell in front of the solution in cell {i + 1}")
        if not cells[i].metadata.get("jupyter", {}).get("source_hidden"):
            found.append(f"the solution in cell {i + 1} is not folded")
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    minutes = sum(map(int, re.findall(r"^### Exercise \d[^\n]*\((\d+) minutes\)", text, re.M)))
    head = re.search(r"(\d+) minutes of exercises", " ".join(text.split()))
    if head and int(head[1]) != minutes:
        found.append(f"exercises of {minutes} minutes, but the head says {head[1]}")
    asked = [i for i, cell in enumerate(cells) if "Predict before you run" in cell.source]
    if not asked or "<details>" not in "".join(cell.source for cell in cells[asked[0] + 1 :][:6]):
        found.append('no "Predict before you run" with a folded answer soon after it')
    return found


def _closing(text: str) -> list[str]:
    places = [text.find(f"\n## {title}\n") for title in CLOSING]
    if -1 in places or places != sorted(places):
        return [f"it does not close with {', '.join(CLOSING)}"]
    takeaways, _, quiz, references, _ = (text[a:b] for a, b in zip(places, [*places[1:], len(text)], strict=True))
    counts = {
        "takeaways": (len(re.findall(r"^- ", takeaways, re.M)), 3, 3),
        "questions with a folded answer": (len(DETAILS.findall(quiz)), 3, 3),
        "references with a link": (len(re.findall(r"^- .*\]\(https://", references, re.M)), 3, 5),
    }
    return [f"{n} {what}, not {low} to {high}" for what, (n, low, high) in counts.items() if not low <= n <= high]
