"""A test in the student's own interpreter, for what the judge's can't take: tidied up before, with a canary at its end.

It catches what simple tricks leave behind. It proves nothing: the student's code is in the same process, and can read
and change whatever stands here.
"""

import ast
import re

from nbformat import NotebookNode
from nbformat.v4 import new_output

SHOWN = "\x02"  # parts the canary's word and what the last line shows
TIDY = """
def _tidy():
    import builtins, importlib, sys
    from IPython import get_ipython
    shell = get_ipython()
    shell.ast_transformers.clear()
    shell.input_transformers_post.clear()
    shell.input_transformer_manager.__init__()
    shell.set_custom_exc((), None)
    for name in ("run_code", "run_cell", "run_ast_nodes", "showtraceback", "_showtraceback"):
        vars(shell).pop(name, None)
    sys.excepthook = sys.__excepthook__
    sys.settrace(None)
    sys.setprofile(None)
    for name in vars(builtins):
        if not name.startswith("__"):
            shell.user_ns.pop(name, None)
    for name in ("exercise", "answers", "truth"):
        if f"helpers.assignment.{name}" in sys.modules:
            importlib.reload(sys.modules[f"helpers.assignment.{name}"])
    if "helpers.assignment" in sys.modules:
        importlib.reload(sys.modules["helpers.assignment"])
_tidy()
del _tidy
"""


def prepared(sources: list[str]) -> str:
    """Return code that puts back what the course's cells import and define, as far as names go.

    Args:
        sources: Of the course's cells before a test, without the tests.
    """
    kept = []
    for source in sources:
        try:
            body = ast.parse(source).body
        except SyntaxError:
            continue
        kept += [ast.unparse(node) for node in body if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef))]
    return "\n".join([TIDY, *kept])


def armed(source: str, word: str) -> str:
    """Return a test that ends by failing with a word.

    Args:
        source: Of the test.
        word: Drawn at random for this test.
    """
    tree = ast.parse(source)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return f"{source}\nraise AssertionError({word!r})"
    lines, last = source.splitlines(), tree.body[-1]
    shown = "\n".join(lines[last.lineno - 1 : last.end_lineno])
    before = "\n".join(lines[: last.lineno - 1])
    return f"{before}\n_shown = (\n{shown}\n)\nraise AssertionError({word + SHOWN!r} + repr(_shown))"


def read(outputs: list[NotebookNode], word: str) -> list[NotebookNode]:
    """Return the outputs of an armed test as those of the test itself.

    Args:
        outputs: Of the armed cell.
        word: The canary's.
    """
    errors = [one for one in outputs if one.output_type == "error"]
    kept = [one for one in outputs if one.output_type == "stream"]
    if not errors:
        said = "the test did not run to its last line, which fails always"
        return [*kept, new_output("error", ename="JudgeError", evalue=said, traceback=[f"JudgeError: {said}"])]
    text = errors[-1].evalue
    sound = errors[-1].ename == "AssertionError" and re.fullmatch(f"{word}({SHOWN}.*)?", text, re.S)
    if not sound or len(errors) > 1:
        return [*kept, errors[0]]
    _, sign, shown = text.partition(SHOWN)
    if sign and shown != "None":
        kept.append(new_output("execute_result", data={"text/plain": shown}))
    return kept
