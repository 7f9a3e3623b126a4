"""The commands of `python -m data_prework`: each takes the words of the command line and returns an exit status."""

import argparse
import shutil
from dataclasses import fields
from pathlib import Path

from data_prework.catalogue import CATALOGUE, entry_for
from data_prework.check import check
from data_prework.manifest import default_data_dir, find_prepared, prepared_folder, read_manifest
from data_prework.prepare import Settings, prepare
from data_prework.sources.archive_members import ARCHIVE_SUFFIXES
from data_prework.sources.download import DownloadError, fetch
from data_prework.sources.packages import Package
from data_prework.sources.publishers import PNEUMONIA_MNIST, AddressList, Commons
from data_prework.sources.weights import PACKAGED, WEIGHTS, PackagedWeightsError, fetch_weights, find_packaged
from data_prework.synthetic import DRAWN, synthesize


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
