"""All measurements, one after the other: each writes its part of RESULTS.md as soon as it is done.

    python -m tests.bench                      everything that can be measured here (about two hours on two cores)
    python -m tests.bench pipeline growth      these parts only; the others stay as they are
    make bench RAW=FOLDER                      the real images below FOLDER are prepared first

A part that needs real images is left as it is where they are not prepared, and the run says so.
"""

import argparse
import os
import platform
import re
import sys
from datetime import date
from pathlib import Path

import psutil

from data_prework.files import atomic_write
from data_prework.manifest import find_prepared, read_about
from tests.bench.drawings import draw
from tests.bench.watched import watched

RESULTS = Path(__file__).with_name("RESULTS.md")
# part: (title, arguments, data set whose real images it needs)
PARTS = {
    "pipeline": ("Reading images from a folder", ["pipeline"], None),
    "growth": ("Preparing a folder", ["growth"], None),
    "augmentation": ("Augmentation", ["augmentation"], None),
    "coverage": ("Coverage of the intervals", ["coverage", "--draws", "500"], None),
    "models": ("The projects' models against the course's", ["models"], None),
    "cracks": ("Real cracks: blocks that were not seen", ["cracks"], "concrete_cracks"),
    "recipes": ("Real X-rays: which way of training", ["xrays", "--recipes"], "chest_xray"),
    "official": ("Real X-rays: the official test", ["xrays", "--seed", "1"], "chest_xray"),
    "frozen_recipes": ("Real X-rays: which head on frozen features", ["xrays_frozen", "--recipes"], "chest_xray"),
    "frozen": ("Real X-rays: ImageNet features, the official test", ["xrays_frozen"], "chest_xray"),
    "pooled": ("Real X-rays: project S2's protocol, patients together", ["xrays", "--pooled"], "chest_xray"),
    "weights": ("Real X-rays: with and without class weights", ["case_xrays", "--weights"], "chest_xray"),
    "children": ("Real X-rays: what it is worth to know a child", ["case_xrays", "--children"], "chest_xray"),
    "two": ("Real X-rays: small CNN or fine-tuned backbone", ["case_xrays", "--two"], "chest_xray"),
    "solar": ("Real solar cells: folds of modules, folds of cells", ["solar"], "solar_cells"),
    "solar_published": ("Real solar cells: the split of the papers", ["solar", "--published"], "solar_cells"),
    "solar_tuned": ("Real solar cells: the split of the papers, fine-tuned", ["tuning", "published"], "solar_cells"),
    "solar_recipes": ("Real solar cells: which recipe on covariances", ["solar_recipe", "--choose"], "solar_cells"),
    "solar_recipe": ("Real solar cells: covariances, by cell and by module", ["solar_recipe"], "solar_cells"),
    "solar_mean": ("Real solar cells: the mean of several recipes", ["solar_recipe", "--mean"], "solar_cells"),
    "curves": ("What ImageNet weights are worth: learning curves", ["imagenet_curves"], None),
}
HEAD = """# Measurements

Every part was written by the command above it, on the machine that it names, and can be written again with it:
`make bench` for all, `python -m tests.bench PART` for one. What is measured, and how, stands at the head of each
file in `tests/bench/`. Intervals are 95 % intervals, by patient or block where there are some; those of parts dated
before 2026-11-29 are bootstrap intervals.
"""


def is_real(name: str) -> bool:
    """Whether real images of a data set are prepared."""
    folder = find_prepared(name)
    return folder is not None and read_about(folder).source == "real"


def machine() -> str:
    """Cores and memory of this computer, and the versions that matter, in words."""
    from importlib.metadata import version

    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "numpy"))
    return f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {versions}"


def parts_of(text: str) -> dict[str, str]:
    """Part -> its text in an earlier RESULTS.md."""
    return dict(re.findall(r"<!-- (\w+) -->\n(.*?)\n<!-- end -->", text, re.DOTALL))


def write(parts: dict[str, str], path: Path) -> None:
    """Write the parts in their order, aside first."""
    known = [f"<!-- {name} -->\n{parts[name]}\n<!-- end -->\n" for name in PARTS if name in parts]
    with atomic_write(path) as aside:
        aside.write_text("\n".join([HEAD, *known]), encoding="utf-8")


def main() -> int:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--raw", type=Path, metavar="FOLDER", help="prepare the real images below it first")
    args = parser.parse_args()
    unknown = [name for name in args.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    if args.raw:
        from helpers.course.run_notebooks import prepare_real

        raw = args.raw.expanduser()
        if not raw.is_dir():
            parser.error(f"--raw: {raw} is no folder")
        print("\n".join(prepare_real(raw)), flush=True)
    failed = []
    for name in args.parts or PARTS:
        title, arguments, needs = PARTS[name]
        if needs and not is_real(needs):
            print(f"{name}: left out, the real images of {needs} are not prepared", flush=True)
            continue
        command = ["-m", f"tests.bench.{arguments[0]}", *arguments[1:]]
        print(f"{name}: python {' '.join(command)}", flush=True)
        try:
            run = watched(command)
        except RuntimeError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            continue
        took = f"{run.seconds / 60:.1f} minutes, {run.peak_mb:,.0f} MB at most, {date.today()}. {machine()}."
        printed = run.output.strip()
        text = f"## {title}\n\n`python {' '.join(command)}`\n\n{took}\n\n{printed}"
        if image := draw(name, printed, RESULTS.with_name("figures")):
            text += f"\n\n{image}"
        known = parts_of(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
        write({**known, name: text}, RESULTS)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
