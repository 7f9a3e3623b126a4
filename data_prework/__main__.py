"""The command line: python -m data_prework {download,synthesize,prepare,check,weights} ..."""

import argparse
import sys
from pathlib import Path

from data_prework.catalogue import CATALOGUE
from data_prework.commands import check_command, download_command, prepare_command, synthesize_command, weights_command
from data_prework.errors import CourseError
from data_prework.prepare import Settings
from data_prework.sources.weights import PACKAGED, WEIGHTS
from data_prework.synthetic import DRAWN

EXAMPLES = """examples:
  python -m data_prework prepare chest_xray                      the drawn stand-in, offline
  python -m data_prework download chest_xray                     the real images, about 1.2 GB
  python -m data_prework prepare chest_xray --from ~/Downloads/chest_xray.zip
  python -m data_prework prepare leaves --from ~/Pictures/leaves  your own: one sub-folder per class
  python -m data_prework check leaves
  python -m data_prework prepare solar_cells                     out of the package elpv-dataset, see make solar
  python -m data_prework weights MobileNetV2 VGG16               ImageNet weights, to have them offline later
"""


def parser() -> argparse.ArgumentParser:
    """The command line's words."""
    top = argparse.ArgumentParser(
        prog="python -m data_prework",
        description="From a folder of images to a prepared data set: checked, without duplicates, grouped, split.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    known = ", ".join(CATALOGUE)

    _add_prepare(commands, known)

    one = commands.add_parser("synthesize", help="draw a course data set as a raw folder, with planted faults")
    one.add_argument("name", choices=DRAWN)
    one.add_argument("--seed", type=int, default=7)
    one.add_argument("--count", type=int, help="usable images (default: as in the course)")
    one.add_argument("--difficulty", type=float, default=1.0, help="0.2 (easy) to 3 (hard), default 1")
    one.add_argument("--to", type=Path, metavar="FOLDER", help="where (default: the course's data folder)")
    one.add_argument("--force", action="store_true", help="draw again over an earlier drawing")
    one.set_defaults(run=synthesize_command)

    one = commands.add_parser("download", help="fetch the real images of a course data set")
    one.add_argument("name", help=f"one of {known}")
    one.add_argument("--to", type=Path, metavar="FOLDER", help="where (default: the course's data folder)")
    one.add_argument("--size", type=int, metavar="PIXELS", help="of pneumonia_mnist: 28 (default), 64, 128 or 224")
    one.add_argument(
        "--list", action="append", metavar="CLASS=FILE", help="text file of image addresses for a class; repeat it"
    )
    one.add_argument(
        "--category", action="append", metavar="CLASS=CATEGORY",
        help="category of Wikimedia Commons for a class, or several with | between; repeat it",
    )  # fmt: skip
    one.set_defaults(run=download_command)

    one = commands.add_parser("check", help="verify hashes, counts, groups and balance of a prepared data set")
    one.add_argument("name")
    one.add_argument("--embedded", action="store_true", help="use the drawn stand-in, even if the real set is prepared")
    one.set_defaults(run=check_command)

    one = commands.add_parser("weights", help="fetch ImageNet weights of pretrained networks, for later offline use")
    sizes = ", ".join(f"{name} ({source.size_mb:.0f} MB)" for name, source in WEIGHTS.items())
    names = f"one or more of {sizes}, or all; {', '.join(PACKAGED)} is installed with the course"
    one.add_argument("names", nargs="+", metavar="NAME", help=names)
    one.add_argument("--to", type=Path, metavar="FOLDER", help="where (default: weights in the course's data folder)")
    one.set_defaults(run=weights_command)
    return top


def _add_prepare(commands: argparse._SubParsersAction, known: str) -> None:
    one = commands.add_parser("prepare", help="turn a raw folder or archive into a prepared data set with a manifest")
    one.add_argument("name", help=f"one of {known}, or a name for your own images")
    one.add_argument(
        "--from", dest="source", type=Path, metavar="FOLDER_OR_ARCHIVE",
        help="raw images: one folder per class, or train/ and test/ with these; it is only read, never changed "
        "(default: what was downloaded, else the drawn stand-in)",
    )  # fmt: skip
    _layout_options(one)
    one.add_argument("--embedded", action="store_true", help="use the drawn stand-in, even if there is a download")
    one.add_argument("--test", type=float, default=0.2, help="share of the test split (default 0.2)")
    one.add_argument("--val", type=float, default=0.15, help="share of the validation split (default 0.15)")
    one.add_argument("--seed", type=int, default=7, help="decides which groups go where (default 7)")
    one.add_argument(
        "--random-split", action="store_true", help="ignore groups; leaks, and is here to show by how much"
    )
    one.add_argument(
        "--group-pattern", default="", metavar="REGEX",
        help="pattern of file names, with parentheses around the part that identifies the group: '(patient[0-9]+)_'",
    )  # fmt: skip
    one.add_argument(
        "--near", type=int, default=Settings.near, metavar="BITS",
        help=f"perceptual hashes (256 bits) this far apart are near-duplicates (default {Settings.near})",
    )  # fmt: skip
    one.add_argument("--min-side", type=int, default=Settings.min_side, metavar="PIXELS", help="reject smaller images")
    one.add_argument("--max-pixels", type=int, default=Settings.max_pixels, metavar="N", help="reject larger images")
    one.add_argument(
        "--bits", type=int, default=Settings.bits, metavar="N",
        help="depth of 16-bit gray images, 8 to 16 (default: 8, 10, 12, 14 or 16, by the largest value of all images)",
    )  # fmt: skip
    one.set_defaults(run=prepare_command)


def _layout_options(prepare: argparse.ArgumentParser) -> None:
    group = prepare.add_argument_group("where the labels and splits are, if folders do not show them")
    group.add_argument(
        "--depth", type=int, default=0, metavar="N", help="class folders are N levels below (default: 1)"
    )
    group.add_argument("--leave-out", action="append", default=[], metavar="FOLDER", help="a folder's name; repeat it")
    group.add_argument("--no-splits", action="store_true", help="folders called train, val or test are classes")
    group.add_argument(
        "--no-published-splits", action="store_true", help="split all images anew, whatever split they come in"
    )
    group.add_argument(
        "--labels", default="", metavar="TABLE", help="a .csv or .tsv with columns of files, labels and perhaps splits"
    )
    for what in ("file", "label", "split"):
        group.add_argument(f"--{what}-column", default="", metavar="NAME", help=f"the table's column of the {what}s")
    group.add_argument(
        "--label-pattern", default="", metavar="REGEX", help="the label is a part of the file's name: '^([a-z]+)_'"
    )
    group.add_argument("--positive", default="", metavar="CLASS", help="of two classes, the positive one")


def main(argv: list[str] | None = None) -> int:
    """Run one command; bad input gives one clear message and exit status 1."""
    args = parser().parse_args(argv)
    try:
        return args.run(args)
    except (CourseError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what was prepared before is unchanged", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
