"""The usual traps of Windows and macOS: names that clash, text without an encoding, modules and calls of Unix only."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
CODE = [path for folder in ("helpers", "data_prework") for path in sorted((PROJECT / folder).rglob("*.py"))]
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
UNIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix"}
UNIX_CALLS = {"fork", "getuid", "geteuid", "setsid", "killpg", "mkfifo", "nice", "SIGKILL", "SIGUSR1", "SIGALRM"}
ABSENT = {"ImportError", "ModuleNotFoundError", "AttributeError", "OSError"}  # what another system raises
NO_TEXT = {
    "Image",
    "tarfile",
    "os",
    "webbrowser",
    "zipfile",
    "opened",
    "lab",
}  # images, bytes, pages, members of an archive
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
ONE_SYSTEM = re.compile(r"(/tmp/|/dev/(?!null|tty)|/proc/|/home/|[A-Z]:\\)")


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, dict[str, ast.expr]]]:
    """Each call with its named arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, {keyword.arg: keyword.value for keyword in node.keywords}


def text_without_encoding(tree: ast.AST) -> list[int]:
    """Lines that read or write text in the system's own encoding; ruff's PLW1514 knows only what is plainly a Path."""
    found = []
    for call, given in calls(tree):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        owner = getattr(call.func, "value", None)
        mode = given.get("mode", next(iter(call.args[1 if owner is None else 0 :]), None))
        binary = isinstance(mode, ast.Constant) and "b" in str(mode.value)
        opens = called == "open" and not binary and getattr(owner, "id", "") not in NO_TEXT
        if "encoding" not in given and (opens or called in ("read_text", "write_text")):
            found.append(call.lineno)
    return found


def output_without_encoding(tree: ast.AST) -> list[int]:
    """Lines that read what a program prints in the system's own encoding."""
    asked = {"text", "universal_newlines"}
    return [call.lineno for call, given in calls(tree) if asked & set(given) and "encoding" not in given]


def unguarded_unix(tree: ast.AST) -> list[int]:
    """Lines that need a module or a call of Unix where nothing expects it to be absent."""
    safe, found = guarded(tree), []
    for node in ast.walk(tree):
        is_unix = (
            (isinstance(node, ast.Import) and UNIX_MODULES & {one.name for one in node.names})
            or (isinstance(node, ast.ImportFrom) and node.module in UNIX_MODULES)
            or (isinstance(node, ast.Attribute) and node.attr in UNIX_CALLS and _name(node.value) in ("os", "signal"))
        )
        if is_unix and node.lineno not in safe:
            found.append(node.lineno)
    return found


def guarded(tree: ast.AST) -> set[int]:
    """Lines in a try that expects them to be absent, in an if that asks for the system, or in a module that says
    where it can be used: AVAILABLE = sys.platform == "linux"."""
    lines = set()
    for node in ast.walk(tree):
        inside = []
        if isinstance(node, ast.Assign) and re.match(r"AVAILABLE = sys\.platform", ast.unparse(node)):
            inside = tree.body
        if isinstance(node, ast.If) and re.search(r"platform|os\.name|hasattr|sys", ast.unparse(node.test)):
            inside = [node]
        if isinstance(node, ast.Try) and ABSENT & {name for one in node.handlers for name in caught(one)}:
            inside = node.body
        lines |= {line for one in inside for line in range(one.lineno, one.end_lineno + 1)}
    return lines


def caught(handler: ast.ExceptHandler) -> set[str]:
    """Names of the errors that an `except` catches."""
    return {one.id for one in ast.walk(handler.type or ast.Pass()) if isinstance(one, ast.Name)}


def path_of_one_system(tree: ast.AST) -> list[int]:
    """Lines with a text that begins with a path of Linux or Windows."""
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [node.lineno for node in texts if ONE_SYSTEM.match(node.value)]


def started_by_fork(tree: ast.AST) -> list[int]:
    """Lines that fork processes, or that leave the start method to the system: macOS and Windows start anew."""
    found = []
    for call, given in calls(tree):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else _name(call.func)
        unowned = isinstance(call.func, ast.Name) or _name(getattr(call.func, "value", None)) == "multiprocessing"
        forks = called in ("get_context", "set_start_method") and "fork" in [_text(one) for one in call.args]
        plain = called in ("Pool", "Process") and unowned
        if forks or plain or (called == "ProcessPoolExecutor" and "mp_context" not in given):
            found.append(call.lineno)
    return found


def _name(node: ast.AST | None) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


# rule -> the files that keep it, and lines that break it, and lines that look alike and do not
RULES = {
    text_without_encoding: (
        CODE + TESTS,
        [
            "(out / 'marks.csv').open('w')",
            "aside.open()",
            "open('b.txt', 'w')",
            "open(name, mode='w')",
            "file.read_text()",
            "file.write_text(words)",
        ],
        [
            "aside.open('wb')",
            "open(name, 'rb')",
            "file.open('w', encoding='utf-8')",
            "Image.open(path)",
            "tarfile.open(path)",
            "os.open(log, os.O_WRONLY)",
        ],
    ),
    output_without_encoding: (
        CODE,
        ["subprocess.run(command, text=True)", "subprocess.Popen(command, universal_newlines=True)"],
        ["subprocess.run(command, encoding='utf-8', text=True)", "subprocess.run(command)"],
    ),
    unguarded_unix: (
        CODE,
        [
            "import fcntl",
            "from resource import getrlimit",
            "os.fork()",
            "process.send(signal.SIGKILL)",
            "try:\n    os.fork()\nexcept ValueError:\n    pass",
            "AVAILABLE = True\nos.setsid()",
        ],
        [
            "try:\n    os.fork()\nexcept AttributeError:\n    pass",
            "try:\n    import resource\nexcept (ValueError, ImportError):\n    pass",
            "if sys.platform != 'win32':\n    os.setsid()",
            "process.nice()",
            "AVAILABLE = sys.platform == 'linux'\nos.setsid()",
        ],
    ),
    path_of_one_system: (
        CODE,
        ["Path('/tmp/x')", "where = '/home/anna'", r"open('C:\\data')", "'/proc/meminfo'"],
        ["Path('tmp/x')", "'/dev/null'", "'see /tmp/x'"],
    ),
    started_by_fork: (
        CODE,
        [
            "multiprocessing.get_context('fork')",
            "multiprocessing.set_start_method('fork')",
            "ProcessPoolExecutor(4)",
            "multiprocessing.Pool()",
            "Process(target=work).start()",
        ],
        [
            "context.Process(target=work)",
            "get_context('spawn').Process(target=work)",
            "ProcessPoolExecutor(4, mp_context=get_context('spawn'))",
            "multiprocessing.get_context('forkserver')",
        ],
    ),
}
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)


@each_rule
def test_no_file_breaks_the_rule(rule):
    files, _, _ = RULES[rule]
    offenders = [
        f"{path.relative_to(PROJECT).as_posix()}:{line}"
        for path in files
        for line in rule(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not offenders, f"{rule.__doc__} {', '.join(offenders)}"


@each_rule
def test_the_rule_finds_what_breaks_it_and_leaves_what_looks_alike(rule):
    _, broken, kept = RULES[rule]
    assert [line for line in broken if not rule(ast.parse(line))] == []
    assert [line for line in kept if rule(ast.parse(line))] == []


def test_no_two_files_differ_in_capitals_only_and_no_name_is_forbidden():
    found = subprocess.run(["git", "-C", PROJECT, "ls-files"], capture_output=True, encoding="utf-8")
    if found.returncode:
        pytest.skip("this copy is no git repository")
    names = found.stdout.splitlines()
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not re.search(r'[<>:"|?*\\]|[ .]$', name) and len(name) < 150, name
        assert not any(RESERVED.fullmatch(part) for part in name.split("/")), name
