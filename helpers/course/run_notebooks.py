"""Run the whole course: every notebook, top to bottom, with pages to read and a table of what it took.

python -m helpers.course run      executed copies and HTML in build/
python -m helpers.course outputs  the same in the full profile, stored in the notebooks themselves, but for the outputs
                                  of cells with the tag not-stored; without names, only where the code, the modules
                                  that it imports, the data or the packages have changed
"""

import argparse
import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from pathlib import Path

import nbformat
import psutil

from data_prework.errors import CourseError
from data_prework.files import atomic_write
from data_prework.manifest import COURSE, OPTIONAL, find_prepared
from data_prework.prepare import prepare
from helpers.course import forked_kernels
from helpers.course.execute import execute
from helpers.course.fingerprint import KEY, fingerprint, is_fresh
from helpers.course.not_stored import clear_not_stored, optional_datasets
from helpers.course.notebooks import Outcome, course_notebooks, place_of
from helpers.course.processes import ONE_THREAD, end, family

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
    parser = _parser(command)
    args = parser.parse_intermixed_args(rest)
    os.environ["COURSE_PROFILE"] = "full" if command == "outputs" else args.profile
    os.environ["COURSE_SOURCE"] = "embedded" if command == "outputs" else args.data
    os.environ.pop("COURSE_DATASET", None)
    if wrong := _wrong_words(command, args):
        parser.error(wrong)
    if args.dataset:
        os.environ["COURSE_DATASET"] = args.dataset
    if args.raw:
        print("\n".join(prepare_real(args.raw.expanduser())), end="\n\n")
    paths = [path.resolve() for path in args.notebooks] or course_notebooks()
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


def _parser(command: str) -> argparse.ArgumentParser:
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
    return parser


def _wrong_words(command: str, args: argparse.Namespace) -> str:
    """What is wrong with the words of the command line, or nothing."""
    if args.dataset and command == "outputs":
        return "the stored outputs are those of the embedded data; --dataset goes with run"
    if args.dataset and find_prepared(args.dataset, "real") is None:
        return f"{args.dataset} is not prepared: python -m data_prework prepare {args.dataset} --from FOLDER"
    if args.raw and args.data != "real":
        return "--raw goes with --data real"
    if args.raw and not args.raw.expanduser().is_dir():
        return f"{args.raw}: no such folder; give the folder that holds chest_xray, concrete_cracks, monuments"
    for path in (one.resolve() for one in args.notebooks):
        if path.suffix != ".ipynb" or not path.is_file():
            return f"{path}: no such notebook; give files that end in .ipynb, or none for the whole course"
    return ""
