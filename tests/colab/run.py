"""Run lessons as a reader on Colab does: no project on the disk, another Python, other versions, one first cell.

    python -m tests.colab.run                        every lesson and case study in quick; prints a table
    python -m tests.colab.run 1_first_network          this one only
    python -m tests.colab.run --exercises              the assignments, with their solutions in the place of the gaps
    python -m tests.colab.run --python python3.12    the interpreter that the runtime is built from

It builds an environment of the packages in runtime.txt (kept in build/colab), puts a module `google.colab` into it,
makes a git remote of the committed files, writes the first cell for that remote into
copies of the notebooks, and runs each copy in an empty folder of its own. TensorFlow, Keras and NumPy must be the same
before and after. The first notebook also pays for the download of what is missing and for drawing the data.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat

from data_prework.files import PROJECT
from helpers.course.grading.assignments.cells import NAME, grade_id
from helpers.course.grading.assignments.release import build
from helpers.course.links import CELL, add_links, pinned_version
from helpers.course.notebooks import course_notebooks

PLACE = PROJECT / "build" / "colab"
RUNTIME = Path(__file__).with_name("runtime.txt")
KEPT = ("tensorflow", "keras", "numpy")
STAND_IN = '"""Stand-in for the module that Colab has."""\n'


def environment(python: str) -> Path:
    """The interpreter of the runtime; built anew when runtime.txt has changed.

    Raises:
        SystemExit: `python` is not there or not a Python 3.12.
    """
    if shutil.which(python) is None:
        raise SystemExit(f"{python} is not installed; --python names an interpreter of Python 3.12")
    inside, mark = PLACE / "venv" / "bin" / "python", PLACE / "built.txt"
    wanted = RUNTIME.read_text(encoding="utf-8")
    if mark.is_file() and mark.read_text(encoding="utf-8") == wanted:
        return inside
    shutil.rmtree(PLACE / "venv", ignore_errors=True)
    subprocess.run([python, "-m", "venv", PLACE / "venv"], check=True)
    subprocess.run([inside, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", RUNTIME], check=True)
    code = "import site; print(site.getsitepackages()[0])"
    packages = Path(subprocess.run([inside, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    (packages / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (packages / "google" / "colab" / "__init__.py").write_text(STAND_IN, encoding="utf-8")
    mark.write_text(wanted, encoding="utf-8")
    return inside


def remote(version: str) -> str:
    """Address of a bare copy of this repository; a tag in it is the last commit."""
    bare = PLACE / "remote.git"
    shutil.rmtree(bare, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(PROJECT), str(bare)], check=True)
    if version.startswith("v"):
        subprocess.run(["git", "-C", str(bare), "tag", "-f", version], check=True, stdout=subprocess.DEVNULL)
    return bare.as_uri()


def versions(python: Path) -> dict[str, str]:
    """Name -> version of the packages that must not change."""
    code = f"import json; from importlib.metadata import version; print(json.dumps({{n: version(n) for n in {KEPT}}}))"
    return json.loads(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout)


def solved() -> list[Path]:
    """The assignments with their solutions, whose other cells are those of the students' versions."""
    course = build(PLACE / "exercises")
    paths = sorted((course / "source").glob("*/*.ipynb"))
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        naming = next(cell for cell in notebook.cells if grade_id(cell) == "name")
        naming.source = NAME.sub('STUDENT = "solution"', naming.source)
        nbformat.write(notebook, path)
    return paths


def run_one(path: Path, python: Path, address: str, version: str) -> tuple[float, str]:
    """Run a copy of a notebook in an empty folder: (seconds, the setup line or the fault)."""
    notebook = nbformat.read(path, as_version=4)
    add_links(notebook, address, version, path.name)
    content = PLACE / "content"  # as /content there: what one notebook fetched, the next one finds
    content.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, content / path.name)
    code = (
        "import sys, nbformat\n"
        "from nbclient import NotebookClient\n"
        "nb = nbformat.read(sys.argv[1], as_version=4)\n"
        "NotebookClient(nb, timeout=1200, kernel_name='python3', resources={'metadata': {'path': '.'}}).execute()\n"
        "nbformat.write(nb, sys.argv[1])\n"
        "later = [o for c in nb.cells if c.id != sys.argv[2] for o in c.get('outputs', [])]\n"
        "print(next(o.text for o in later if o.get('text', '').startswith(('Lesson', 'Exercise'))).strip())\n"
        "noise = [o.text for o in later if o.get('name') == 'stderr']\n"
        "print(f'{len(noise)} outputs on stderr', *[text.strip().splitlines()[0][:120] for text in noise[:1]])\n"
    )
    left_out = ("PYTHONPATH", "COURSE_DATA", "COURSE_RESULTS", "VIRTUAL_ENV")
    variables = {name: value for name, value in os.environ.items() if name not in left_out}
    variables |= {"COURSE_PROFILE": "quick", "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    variables |= {"JUPYTER_PATH": str(python.parent.parent / "share" / "jupyter")}
    begin = time.perf_counter()
    command = [python, "-c", code, path.name, CELL]
    done = subprocess.run(command, cwd=content, env=variables, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return seconds, " | ".join(lines[-2:]) if done.returncode == 0 else f"FAILED: {lines[-1] if lines else ''}"


def main() -> int:
    """Run what was asked for; the exit status is 0 only when all went through and nothing installed changed."""
    parser = argparse.ArgumentParser(prog="python -m tests.colab.run", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="such as 1_first_network")
    parser.add_argument("--python", default="python3.12")
    parser.add_argument("--exercises", action="store_true", help="the assignments in the place of the lessons")
    args = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(PLACE / "content", ignore_errors=True)
    python, version = environment(args.python), pinned_version()
    before, address, failed = versions(python), remote(version), 0
    print(f"runtime: {', '.join(f'{name} {version}' for name, version in before.items())}", flush=True)
    for path in solved() if args.exercises else course_notebooks():
        if args.names and path.stem not in args.names:
            continue
        seconds, said = run_one(path, python, address, version)
        failed += said.startswith("FAILED")
        print(f"{path.stem:28}{seconds:5.0f} s  {said}", flush=True)
    after = versions(python)
    print("TensorFlow, Keras and NumPy as before" if after == before else f"CHANGED: {before} -> {after}")
    return 1 if failed or after != before else 0


if __name__ == "__main__":
    sys.exit(main())
