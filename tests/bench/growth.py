"""What preparing a folder costs as it grows: seconds and memory of `python -m data_prework prepare`.

    python -m tests.bench.growth                        1,000 to 40,000 images; prints a Markdown table
    python -m tests.bench.growth --counts 1000 4000     a quick look

Everything is done that is done for any folder: reading and checking each file, hashes, exact and near duplicates, the
split, copies and the manifest.
"""

import argparse
import os
import tempfile
from pathlib import Path

from tests.bench.images import write_images
from tests.bench.watched import watched

COUNTS = (1_000, 4_000, 10_000, 40_000)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, JPEG files of 227x227\n")
    print("| images | seconds | ms an image | peak MB |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        raw = Path(place, "raw")
        for count in sorted(args.counts):
            write_images(raw, count)
            environment = {**os.environ, "COURSE_DATA": str(Path(place, str(count)))}
            run = watched(["-m", "data_prework", "prepare", "images", "--from", str(raw)], environment)
            print(
                f"| {count:,} | {run.seconds:.1f} | {1000 * run.seconds / count:.1f} | {run.peak_mb:,.0f} |", flush=True
            )


if __name__ == "__main__":
    main()
