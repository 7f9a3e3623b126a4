"""The usual traps of Windows and macOS: names that clash, text without an encoding, modules and calls of Unix only."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
CODE = [path for folder in ("helpers", "data_prework") for path in sorted((PROJECT / folder).rglob("*.py"))]
each = pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(PROJECT).as_posix())
UNIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "posix"}
UNIX_CALLS = {"fork", "getuid", "geteuid", "setsid", "killpg", "mkfifo", "nice", "SIGKILL", "SIGUSR1", "SIGALRM"}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def tracked() -> list[str]:
    found = subprocess.run(["git", "-C", PROJECT, "ls-files"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip("this copy is no git repository")
    return found.stdout.splitlines()


def guarded(tree: ast.AST) -> set[int]:
    """Numbers of the lines inside a try, or inside an if that asks for the system."""
    lines = set()
    for node in ast.walk(tree):
        asks = isinstance(node, ast.If) and re.search(r"platform|os\.name|hasattr|sys", ast.unparse(node.test))
        if isinstance(node, ast.Try) or asks:
            lines |= set(range(node.lineno, node.end_lineno + 1))
    return lines


def test_no_two_files_differ_in_capitals_only_and_no_name_is_forbidden():
    names = tracked()
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert not re.search(r'[<>:"|?*\\]|[ .]$', name) and len(name) < 150, name
        assert not any(RESERVED.fullmatch(part) for part in name.split("/")), name


@each
def test_text_is_read_and_written_with_an_encoding(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = {keyword.arg for keyword in node.keywords}
        if called in ("read_text", "write_text"):
            assert "encoding" in given, f"line {node.lineno}"
        plain_open = isinstance(node.func, ast.Name) or ast.unparse(node.func).endswith("path.open")
        if called == "open" and plain_open:
            modes = [a.value for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
            binary = any(isinstance(mode, str) and "b" in mode for mode in modes)
            assert binary or "encoding" in given, f"line {node.lineno}"


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
