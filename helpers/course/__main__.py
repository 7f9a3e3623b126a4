"""The command line of the course's machinery: python -m helpers.course {run,outputs,site,links,...} ..."""

import sys
from importlib import import_module

# command -> the module that does it, and what it does
COMMANDS = {
    "run": ("helpers.course.run_notebooks", "run every notebook, or those that are named; pages go to build/"),
    "outputs": ("helpers.course.run_notebooks", "the same in the full profile, stored in the notebooks themselves"),
    "pdf": ("helpers.course.site.pdf", "print the lessons and case studies into one PDF, offline"),
    "site": ("helpers.course.site.build", "build the site from the stored notebooks, offline"),
    "links": ("helpers.course.links", "write links to Colab, Kaggle and Binder into the notebooks"),
    "new-lesson": ("helpers.course.new_lesson", "begin a lesson that passes every check"),
    "slides": ("helpers.course.slides", "write slides of the lessons, with speaker notes, offline"),
    "student": ("helpers.course.student", "write the lessons without outputs, solutions and answers"),
    "pretrain": ("helpers.course.pretrain", "train the course's own backbone on drawings, anew"),
    "assignments": ("helpers.course.grading.batch", "write the students' versions of the exercises"),
    "grade": ("helpers.course.grading.batch", "grade a folder of submissions"),
    "private": (
        "helpers.course.grading.administration.private_copy",
        "make a private copy of the exercises, with new seeds",
    ),
    "collect": (
        "helpers.course.grading.administration.platforms",
        "sort a download of Moodle or Canvas into submissions",
    ),
    "review": ("helpers.course.grading.marks.review", "grade open questions on a local page"),
    "totals": ("helpers.course.grading.administration.roster", "add up a course; who is missing, who is late"),
    "gradebook": ("helpers.course.grading.administration.gradebook", "put points into the table of Moodle or Canvas"),
    "feedback": ("helpers.course.grading.marks.feedback_release", "release feedback pages"),
    "similarity": ("helpers.course.grading.administration.similarity", "list submissions that are alike"),
}
SHARED = ("run", "outputs", "assignments", "grade")  # their module reads which of its commands is meant


def main(argv: list[str] | None = None) -> int:
    """Pass the rest of the command line to the command's module.

    Args:
        argv: The command and its words; those of the program if None.

    Returns:
        The exit status of the command, 2 for one that is not known.
    """
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print("usage: python -m helpers.course COMMAND ...      (COMMAND --help says more)\n")
        print("\n".join(f"  {name:12} {what}" for name, (_, what) in COMMANDS.items()))
        return 0
    if words[0] not in COMMANDS:
        print(f"{words[0]}: no such command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module = import_module(COMMANDS[words[0]][0])
    return module.main(words if words[0] in SHARED else words[1:]) or 0


if __name__ == "__main__":
    sys.exit(main())
