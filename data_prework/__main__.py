"""The command line: python -m data_prework {download,synthesize,prepare,check,weights} ..."""

import argparse
import shutil
import sys
from dataclasses import fields
from pathlib import Path

from data_prework.catalogue import CATALOGUE, entry_for
from data_prework.check import check
from data_prework.errors import CourseError
from data_prework.manifest import default_data_dir, find_prepared, prepared_folder, read_manifest
from data_prework.prepare import Settings, prepare
from data_prework.sources.archives import ARCHIVE_SUFFIXES
from data_prework.sources.download import PNEUMONIA_MNIST, AddressList, Commons, DownloadError, fetch
from data_prework.sources.packages import Package
from data_prework.sources.weights import PACKAGED, WEIGHTS, PackagedWeightsError, fetch_weights, find_packaged
from data_prework.synthetic import DRAWN, synthesize

EXAMPLES = """examples:
  python -m data_prework prepare chest_xray                      the drawn stand-in, offline
  python -m data_prework download chest_xray                     the real images, about 1.2 GB
  python -m data_prework prepare chest_xray --from ~/Downloads/chest_xray.zip
  python -m data_prework prepare leaves --from ~/Pictures/leaves  your own: one sub-folder per class
  python -m data_prework check leaves
  python -m data_prework prepare solar_cells                     out of the package elpv-dataset, see make solar
  python -m data_prework weights MobileNetV2 VGG16               ImageNet weights, to have them offline later
"""


def raw_folder(name: str, embedded: bool) -> Path:
    """Where downloads and drawn raw folders lie."""
    return default_data_dir() / "raw" / "embedded" / name if embedded else default_data_dir() / "raw" / name


def prepare_command(args: argparse.Namespace) -> int:
    """Prepare what --from names, else what was downloaded, else the drawn stand-in."""
    given = {field.name: getattr(args, field.name) for field in fields(Settings)}
    given["leave_out"] = tuple(args.leave_out)
    raw = args.source
    if raw is None:
        raw = (None if args.embedded else _downloaded(args.name)) or _drawn(args.name)
    prepare(args.name, raw, Settings(**given))
    return 0


def _downloaded(name: str) -> Path | None:
    folder = raw_folder(name, embedded=False)
    for source in entry_for(name).sources:
        if isinstance(source, Package):  # nothing is downloaded: it is sorted where it isn't yet
            return fetch(source, name, folder)
    there = sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
    if not there:
        return None  # never tried, or a download that failed and left nothing but its lock
    archives = [p for p in there if p.suffix.lower() in (*ARCHIVE_SUFFIXES, ".npz")]
    return archives[0] if len(archives) == 1 and not any(p.is_dir() for p in there) else folder


def _drawn(name: str) -> Path:
    if name not in DRAWN and name in CATALOGUE:
        raise ValueError(f"{name!r} has no drawn stand-in; get the real images: python -m data_prework download {name}")
    if name not in DRAWN:
        raise ValueError(f"{name!r} is not a data set of the course; say where your images are: --from FOLDER")
    folder = raw_folder(name, embedded=True)
    if not folder.is_dir():
        _report(name, synthesize(name, folder))
    return folder


def _report(name: str, counts: dict[str, int]) -> None:
    print(f"drawn       {name}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))


def synthesize_command(args: argparse.Namespace) -> int:
    """Draw a raw folder; prints where."""
    folder = args.to or raw_folder(args.name, embedded=True)
    if args.force and folder.is_dir():
        if not folder.with_name(folder.name + "_truth").is_dir():
            raise FileExistsError(f"{folder}: was not drawn by this command, so --force does not remove it")
        shutil.rmtree(folder)
    _report(args.name, synthesize(args.name, folder, args.seed, args.count, args.difficulty))
    print(f"raw folder  {folder}")
    return 0


def download_command(args: argparse.Namespace) -> int:
    """Fetch the real images into the folder of raw data; tries the sources of the catalogue in order."""
    entry = entry_for(args.name)
    sources = entry.sources
    if args.size:
        if args.name != "pneumonia_mnist" or args.size not in PNEUMONIA_MNIST:
            raise ValueError(f"--size is for pneumonia_mnist: {', '.join(map(str, PNEUMONIA_MNIST))}")
        sources = (PNEUMONIA_MNIST[args.size],)
    if args.list:
        sources = (AddressList(dict(_class_and_file(text) for text in args.list)),)
    if args.category:
        sources = (Commons(dict(_class_and_category(text) for text in args.category)),)
    if not sources:
        raise ValueError(
            f"{args.name!r} has no known download; prepare your own folder with --from, or say where its images are "
            "with --category or --list"
        )
    folder = args.to or raw_folder(args.name, embedded=False)
    failed = []
    for source in sources:
        if guessed := getattr(source, "unconfirmed", ()):
            print(
                f"note        not confirmed: {', '.join(guessed)}; if one is wrong, give yours: --category CLASS=NAME"
            )
        try:
            got = fetch(source, args.name, folder)
            print(f"downloaded  {got}")
            place = "" if got == folder or got.parent == folder else f' --from "{got}"'
            print(f"next        python -m data_prework prepare {args.name}{place}")
            return 0
        except DownloadError as error:
            failed.append(str(error))
    raise DownloadError("\n\n".join(failed))


def _class_and_file(text: str) -> tuple[str, Path]:
    label, _, file = text.partition("=")
    if not label or not Path(file).is_file():
        raise ValueError(f"--list {text}: give CLASS=FILE, where FILE is a text file with one image address per line")
    return label, Path(file)


def _class_and_category(text: str) -> tuple[str, str]:
    label, _, category = text.partition("=")
    if not label or not category.strip():
        raise ValueError(f"--category {text}: give CLASS=CATEGORY, the name of a category of Wikimedia Commons")
    return label, category.strip()


def check_command(args: argparse.Namespace) -> int:
    """Verify a prepared data set; exit status 1 and the reasons if it is not sound."""
    folder = find_prepared(args.name, "embedded" if args.embedded else "real")
    if folder is None:
        raise FileNotFoundError(
            f"{prepared_folder(args.name, args.embedded)}: not prepared; python -m data_prework prepare {args.name}"
        )
    faults = check(folder)
    for fault in faults:
        print(f"FAULT       {fault}")
    frame = read_manifest(folder)
    print(f"{'not sound' if faults else 'sound    '}   {folder}: {len(frame)} images, {len(faults)} fault(s)")
    return 1 if faults else 0


def weights_command(args: argparse.Namespace) -> int:
    """Fetch ImageNet weights; a file that fails does not keep the others from coming."""
    known = {name.lower(): name for name in (*WEIGHTS, *PACKAGED)}
    wanted = list(WEIGHTS) if "all" in args.names else [known.get(name.lower(), name) for name in args.names]
    unknown = [name for name in wanted if name not in known.values()]
    if unknown:
        names = ", ".join(known.values())
        raise ValueError(f"weights {', '.join(unknown)}: not known; give one or more of {names}, or all")
    failed = []
    for name in dict.fromkeys(wanted):
        try:
            if name in PACKAGED:
                print(f"weights     {find_packaged(name)} (from the package {PACKAGED[name].package})")
            else:
                print(f"weights     {fetch_weights(name, args.to)}")
        except PackagedWeightsError as error:
            failed.append(f"the ImageNet weights of {name}: {error}")
        except DownloadError as error:
            failed.append(str(error))
    if failed:
        raise DownloadError("\n\n".join(failed))
    return 0


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
