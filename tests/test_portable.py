"""The usual traps of Windows and macOS: names that clash, text without an encoding, modules and calls of Unix only."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
CODE = [path for folder in ("helpers", "data_prework") for path in sorted((PROJECT / folder).rglob("*.py"))]
TESTS = sorted((PROJECT / "tests").rglob("*.py"))


def each_of(files: list[Path]):
    return pytest.mark.parametrize("path", files, ids=lambda path: path.relative_to(PROJECT).as_posix())


each = each_of(CODE)
UNIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix"}
UNIX_CALLS = {"fork", "getuid", "geteuid", "setsid", "killpg", "mkfifo", "nice", "SIGKILL", "SIGUSR1", "SIGALRM"}
ABSENT = {"ImportError", "ModuleNotFoundError", "AttributeError", "OSError"}  # what another system raises
NO_TEXT = {"Image", "os", "webbrowser", "zipfile", "opened", "lab"}  # pictures, bytes, pages, members of an archive
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def tracked() -> list[str]:
    found = subprocess.run(["git", "-C", PROJECT, "ls-files"], capture_output=True, encoding="utf-8")
    if found.returncode:
        pytest.skip("this copy is no git repository")
    return found.stdout.splitlines()


def guarded(tree: ast.AST) -> set[int]:
    """Numbers of the lines in a try that expects them to be absent, or in an if that asks for the system."""
    lines = set()
    for node in ast.walk(tree):
        inside = []
        if isinstance(node, ast.If) and re.search(r"platform|os\.name|hasattr|sys", ast.unparse(node.test)):
            inside = [node]
        if isinstance(node, ast.Try) and ABSENT & {name for one in node.handlers for name in caught(one)}:
            inside = node.body
        lines |= {line for one in inside for line in range(one.lineno, one.end_lineno + 1)}
    return lines


def caught(handler: ast.ExceptHandler) -> set[str]:
    """Names of the errors that an `except` catches."""
    return {one.id for one in ast.walk(handler.type or ast.Pass()) if isinstance(one, ast.Name)}


def without_encoding(text: str) -> list[str]:
    """Line and words of each call in a program that reads or writes text in whatever encoding the system has."""
    found = []
    for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        owner = getattr(call.func, "value", None)
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        mode = given.get("mode", next(iter(call.args[1 if owner is None else 0 :]), None))
        binary = isinstance(mode, ast.Constant) and "b" in str(mode.value)
        opens = called == "open" and not binary and getattr(owner, "id", "") not in NO_TEXT
        if "encoding" not in given and (opens or called in ("read_text", "write_text")):
            found.append(f"line {call.lineno}: {ast.unparse(call)}")
    return found


def test_no_two_files_differ_in_capitals_only_and_no_name_is_forbidden():
    names = tracked()
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not re.search(r'[<>:"|?*\\]|[ .]$', name) and len(name) < 150, name
        assert not any(RESERVED.fullmatch(part) for part in name.split("/")), name


@each_of(CODE + TESTS)
def test_text_is_read_and_written_with_an_encoding(path):
    assert not without_encoding(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line, is_found",
    [
        ("(out / 'marks.csv').open('w')", True),
        ("aside.open()", True),
        ("open('b.txt', 'w')", True),
        ("open(name, mode='w')", True),
        ("file.read_text()", True),
        ("aside.open('wb')", False),
        ("open(name, 'rb')", False),
        ("file.open('w', encoding='utf-8')", False),
        ("Image.open(path)", False),
        ("os.open(log, os.O_WRONLY)", False),
    ],
)
def test_a_call_without_an_encoding_is_found_whatever_opens_the_file(line, is_found):
    assert bool(without_encoding(line)) == is_found


@each
def test_what_programs_print_is_read_with_an_encoding(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        given = {keyword.arg for keyword in node.keywords} if isinstance(node, ast.Call) else set()
        assert not given & {"text", "universal_newlines"} or "encoding" in given, f"line {node.lineno}"


def test_a_try_guards_a_call_of_unix_only_where_it_expects_it_to_be_absent():
    for error, is_safe in (("AttributeError", True), ("(ValueError, OSError)", True), ("ValueError", False)):
        tree = ast.parse(f"try:\n    os.fork()\nexcept {error}:\n    pass")
        assert (2 in guarded(tree)) == is_safe


@each
def test_modules_and_calls_of_unix_are_guarded(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    safe = guarded(tree)
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name in UNIX_MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module in UNIX_MODULES else []
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names = [node.attr] if node.value.id in ("os", "signal") and node.attr in UNIX_CALLS else []
        assert not names or node.lineno in safe, f"line {node.lineno}: {names}"


@each
def test_no_path_of_one_system_is_written_down(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not re.match(r"(/tmp/|/dev/(?!null|tty)|/proc/|/home/|[A-Z]:\\)", node.value), f"line {node.lineno}"


@each
def test_processes_are_not_started_by_fork(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"get_context\(['\"]fork['\"]|set_start_method\(['\"]fork['\"]", text)
    if re.search(r"ProcessPoolExecutor|multiprocessing", text):
        assert "spawn" in text or "mp_context" in text, "name the start method: macOS and Windows start anew"
