"""Run the whole course: every notebook, top to bottom, with pages to read and a table of what it took.

python -m helpers.course run      executed copies and HTML in build/
python -m helpers.course outputs  the same in the full profile, stored in the notebooks themselves, but for the outputs
                                  of cells with the tag not-stored; without names, only where the code, the modules
                                  that it imports, the data or the packages have changed
"""

import argparse
import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from data_prework.errors import CourseError
from data_prework.files import atomic_write
from data_prework.manifest import COURSE, OPTIONAL, find_prepared
from data_prework.prepare import prepare
from helpers.course import forked_kernels
from helpers.course.fingerprint import KEY, fingerprint, is_fresh
from helpers.course.not_stored import clear_not_stored, optional_datasets
from helpers.course.notebooks import Outcome, course_notebooks, place_of
from helpers.course.processes import ONE_THREAD, end, family, resident

WIDGET = "application/vnd.jupyter.widget-view+json"
SOURCE = re.compile(r"· data: ([^·]+) ·")
ROOM_FOR_TWO = 10e9  # bytes of memory that are free


def prepare_real(raw: Path) -> list[str]:
    """Prepare the course data sets found below `raw`: NAME/ or NAME.zip, or `raw` itself where it has such a name.

    Returns:
        What was found, in words, one line a data set.
    """
    said = []
    for name in (*COURSE, *OPTIONAL):
        instead = "lessons on it run on drawn images" if name in OPTIONAL else "the embedded one is used"
        if name in OPTIONAL and find_prepared(name):
            instead = "what was prepared before is used"
        places = [raw / name, raw / f"{name}.zip", *([raw] if raw.name == name else [])]
        place = next((place for place in places if place.exists()), None)
        if place is None:
            said.append(f"{name}: not in {raw}, {instead}")
            continue
        print(f"--- {name}")
        try:
            prepare(name, place)
            said.append(f"{name}: real")
        except (CourseError, ValueError, OSError) as error:
            said.append(f"{name}: can't be prepared, {instead} ({error})")
    return said


def execute(
    path: Path, folder: Path, timeout: float, environment: dict[str, str] | None = None
) -> tuple[nbformat.NotebookNode, Outcome]:
    """Run one notebook in a kernel of its own.

    Args:
        folder: working folder of the kernel.
        timeout: seconds for one cell.
        environment: of the kernel; that of this process unless given.

    Returns:
        The executed notebook, also when a cell failed, and the outcome.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel warns of its own transport at every start
    )
    peak, done, fault = [0.0], threading.Event(), ""
    begin = time.perf_counter()
    try:
        with client.setup_kernel(env=environment or os.environ):
            watcher = threading.Thread(target=_watch, args=(client.km, peak, done), daemon=True)
            watcher.start()
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            peak[0] = max(peak[0], _memory(client.km))  # a short notebook may end before the watcher's first look
    except CellTimeoutError:
        fault = f"cell {index}: stopped after {timeout:g} s"
    except (CellExecutionError, DeadKernelError) as error:
        fault = f"cell {index}: {_last_line(error)}"
    finally:
        done.set()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":  # a slider without its kernel is shown as an error
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    seconds = time.perf_counter() - begin
    outcome = Outcome(path.name, _title(notebook), _source(notebook), seconds, peak[0], fault)
    return notebook, outcome


def _watch(manager, peak: list[float], done: threading.Event) -> None:
    """Keep the kernel's peak memory in `peak[0]`, looked at five times a second."""
    while not done.wait(0.2):
        peak[0] = max(peak[0], _memory(manager))


def _memory(manager) -> float:
    """Resident memory of the kernel and its children now, in MB; 0 where it has ended."""
    return resident(family(getattr(manager.provisioner, "pid", None))) / 2**20


def _last_line(error: Exception) -> str:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return lines[-1][:200] if lines else error.__class__.__name__


def _title(notebook: nbformat.NotebookNode) -> str:
    for cell in notebook.cells:
        if match := re.search(r"^# (.+)$", cell.source, re.M):
            return match[1]
    return ""


def _source(notebook: nbformat.NotebookNode) -> str:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if match := SOURCE.search(output.get("text", "")):
                return match[1]
    return "-"


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as text: notebook, data source, seconds, peak memory, result."""
    rows = [("notebook", "data", "seconds", "peak MB", "result")]
    for one in outcomes:
        rows.append((one.name, one.source, f"{one.seconds:.0f}", f"{one.peak_mb:.0f}", one.fault or "ok"))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows
    )


def run(paths: list[Path], out: Path, in_place: bool, timeout: float, at_once: int = 1) -> int:
    """Run notebooks, in their order or, several at once, the largest first; a failing one does not stop the others.

    Args:
        paths: of the notebooks.
        out: folder for pages and executed copies.
        in_place: store the outputs also in the notebooks that went through, see `helpers.course.not_stored`.
        timeout: seconds for one cell.
        at_once: how many may run at the same time.

    Returns:
        The number that failed.
    """
    outcomes = {}
    for path, (notebook, outcome) in _executed(paths, timeout, at_once):
        outcomes[path] = outcome
        copy = out / place_of(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, copy)
        if in_place and not outcome.fault:
            notebook.metadata[KEY] = fingerprint(notebook)
            with atomic_write(path) as aside:
                nbformat.write(clear_not_stored(notebook), aside)
        print(f"{'FAILED' if outcome.fault else 'ok':7}{path.name}  {outcome.seconds:.0f} s", flush=True)
    ordered = {path: outcomes[path] for path in paths}
    print(f"\n{table(list(ordered.values()))}\n", flush=True)
    try:
        from helpers.course.site.run_pages import write_run_pages  # Sphinx isn't everywhere

        write_run_pages(ordered, out, os.environ["COURSE_PROFILE"])
        print(f"pages: {out / 'index.html'}")
    except ImportError as error:
        print(f"executed copies: {out} (no pages: {error}; pip install -e '.[site]' brings what makes them)")
    return sum(bool(one.fault) for one in ordered.values())


def _executed(paths: list[Path], timeout: float, at_once: int) -> Iterator[tuple[Path, tuple]]:
    """Each path with what `execute` returned, as they end; an interrupt ends the kernels."""
    environment = {**os.environ, **(ONE_THREAD if at_once > 1 else {})}
    with ThreadPoolExecutor(at_once) as pool:
        longest_first = sorted(paths, key=lambda path: -path.stat().st_size) if at_once > 1 else paths
        running = {pool.submit(execute, path, path.parent, timeout, environment): path for path in longest_first}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while wait(running, timeout=0.2).not_done:
                end(family(os.getpid())[1:])  # all kernels: their threads see it and end
            raise


def main(argv: list[str]) -> int:
    """The command line from "run" or "outputs" on; the exit status is 0 only when every notebook went through."""
    command, *rest = argv
    parser = argparse.ArgumentParser(prog=f"python -m helpers.course {command}", description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=("quick", "full"), default="quick")
    parser.add_argument("--data", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--raw", type=Path, help="folder with the raw data sets, for --data real")
    parser.add_argument(
        "--dataset", metavar="NAME", help="a prepared data set, such as your own, in place of the course's"
    )
    parser.add_argument("--out", type=Path, default=Path("build"), help="where pages and executed copies go")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for one cell (default 1800)")
    parser.add_argument("--cold", action="store_true", help="never fork kernels, as quick runs do on Linux")
    parser.add_argument("--all", action="store_true", help="outputs: also of notebooks in which nothing has changed")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    args = parser.parse_intermixed_args(rest)
    os.environ["COURSE_PROFILE"] = "full" if command == "outputs" else args.profile
    os.environ["COURSE_SOURCE"] = "embedded" if command == "outputs" else args.data
    os.environ.pop("COURSE_DATASET", None)
    if args.dataset:
        if command == "outputs":
            parser.error("the stored outputs are those of the embedded data; --dataset goes with run")
        if find_prepared(args.dataset, "real") is None:
            parser.error(f"{args.dataset} is not prepared: python -m data_prework prepare {args.dataset} --from FOLDER")
        os.environ["COURSE_DATASET"] = args.dataset
    if args.raw:
        if args.data != "real":
            parser.error("--raw goes with --data real")
        if not args.raw.expanduser().is_dir():
            parser.error(
                f"{args.raw}: no such folder; give the folder that holds chest_xray, concrete_cracks, monuments"
            )
        print("\n".join(prepare_real(args.raw.expanduser())), end="\n\n")
    paths = [path.resolve() for path in args.notebooks] or course_notebooks()
    for path in paths:
        if path.suffix != ".ipynb" or not path.is_file():
            parser.error(f"{path}: no such notebook; give files that end in .ipynb, or none for the whole course")
    if command == "outputs" and not args.notebooks and not args.all:
        paths = [path for path in paths if not is_fresh(nbformat.read(path, as_version=4))]
        print(f"{len(paths)} notebooks have changed since their outputs were stored")
        if not paths:
            return 0
    lacking = [(name, path) for name, path in optional_datasets(paths).items() if find_prepared(name) is None]
    if lacking and command == "outputs":
        name, path = lacking[0]
        parser.error(f"{path.name}: its stored outputs are those of {name}, which is not prepared: {OPTIONAL[name]}")
    quick = os.environ["COURSE_PROFILE"] == "quick"
    forked = quick and not args.cold and forked_kernels.AVAILABLE
    at_once = 2 if quick and len(paths) > 1 and psutil.virtual_memory().available > ROOM_FOR_TWO else 1
    print(
        f"{'forked' if forked else 'new'} kernels, "
        f"{'two notebooks at once with one thread each' if at_once > 1 else 'one notebook at a time'}"
    )
    with forked_kernels.forked_kernels() if forked else contextlib.nullcontext():
        return 1 if run(paths, args.out.resolve(), command == "outputs", args.timeout, at_once) else 0
