"""The command lines of `python -m helpers.deploy`, read and checked before TensorFlow is loaded, which takes seconds.

In what they return, `fail` says what is wrong, with the usage, and ends with the exit status 2.
"""

import argparse
import socket
from pathlib import Path

PREDICT_ENDS = """\
exit status:
  0  at least one image was judged; with --strict: all of them
  1  no image was judged; with --strict: at least one file could not be read
  2  the command was wrong: no such bundle, image or folder, or a value that doesn't fit. Nothing was written

Names and answers that a spreadsheet would run as a formula get an apostrophe in CSV. JSON lines hold them as they are.

examples:
  python -m helpers.deploy predict results/bundles/cracks ~/Photos --csv answers.csv
  python -m helpers.deploy predict results/bundles/cracks north/*.jpg south/ --excel --csv answers.csv
  python -m helpers.deploy predict results/bundles/cracks "scans/**/*.png" --format jsonl > answers.jsonl
  find scans -newer yesterday -print0 | python -m helpers.deploy predict results/bundles/cracks - --csv new.csv
  python -m helpers.deploy predict results/bundles/cracks scans --csv answers.csv --heatmaps maps
"""
APP_ENDS = """\
examples:
  python -m helpers.deploy app results/bundles
  python -m helpers.deploy app spring/cracks autumn/cracks --port 8502     two bundles, to be compared
"""
SERVE_ENDS = """\
examples:
  python -m helpers.deploy serve results/bundles/cracks
  curl http://127.0.0.1:8000/health
  curl -F files=@a.jpg -F files=@b.jpg "http://127.0.0.1:8000/predict/files?prevalence=0.1"
"""
LABELS_ENDS = """\
exit status: 0, or 1 where no file of --images has a label, or 2 where the command was wrong

examples:
  python -m helpers.deploy labels results/bundles/feedback.sqlite --csv labels.csv
  python -m helpers.deploy labels results/bundles/feedback.sqlite --csv labels.csv --images ~/Photos
  python -m data_prework prepare second_round --from ~/Photos --labels labels.csv
"""


def predict_arguments(argv: list[str]) -> argparse.Namespace:
    """What `python -m helpers.deploy predict` was asked for.

    Args:
        argv: words behind the command's name.

    Raises:
        SystemExit: --help, or a wrong command (2).
    """
    parser = _parser("predict", "Classify images with a bundle; a file that can't be read gets a row with a reason.")
    parser.epilog = PREDICT_ENDS
    parser.add_argument("bundle", type=Path, help="folder with model.keras and bundle.json")
    parser.add_argument(
        "images",
        nargs="+",
        help="files; folders, with all files below them; patterns in quotes, such as 'scans/**/*.png'; "
        "- for a list of paths on the standard input",
    )
    parser.add_argument(
        "--csv",
        "--out",
        dest="out",
        default="-",
        metavar="FILE",
        help="where the table goes (default: standard output)",
    )
    parser.add_argument(
        "--format", choices=("csv", "jsonl"), help="jsonl: one JSON object a line (default: by FILE's ending, else csv)"
    )
    parser.add_argument(
        "--excel", action="store_true", help="CSV that Excel reads with all its letters (UTF-8 with BOM)"
    )
    parser.add_argument("--strict", action="store_true", help="exit status 1 where any file could not be read")
    parser.add_argument(
        "--threshold", type=float, help="of two classes, positive from this probability on (default: the bundle's)"
    )
    parser.add_argument(
        "--abstain",
        type=float,
        help="of more, ask a person where the largest probability is below (default: the bundle's)",
    )
    parser.add_argument(
        "--prevalence", type=float, help="of two classes, share of the positive one where the images come from"
    )
    parser.add_argument("--heatmaps", type=Path, metavar="FOLDER", help="for an image with its heatmap for each file")
    parser.add_argument(
        "--target", help="class that the heatmaps explain (default: the positive one; of more than two, the answer)"
    )
    args = parser.parse_args(argv)
    args.fail = parser.error
    args.format = args.format or ("jsonl" if args.out.lower().endswith((".jsonl", ".ndjson")) else "csv")
    _check_predict(args)
    return args


def _check_predict(args: argparse.Namespace) -> None:
    for name, value in (("--threshold", args.threshold), ("--abstain", args.abstain)):
        if value is not None and not 0 <= value <= 1:
            args.fail(f"{name}: {value} is not a probability from 0 to 1")
    if args.target is not None and args.heatmaps is None:
        args.fail("--target: says what heatmaps explain; give --heatmaps FOLDER too")
    if args.excel and (args.format != "csv" or args.out == "-"):
        args.fail("--excel: is for a CSV file; give --csv FILE too, and no --format jsonl")
    if args.out != "-" and not Path(args.out).parent.is_dir():
        args.fail(f"--csv: the folder {Path(args.out).parent} is not there; make it, or give another")


def app_arguments(argv: list[str]) -> argparse.Namespace:
    """What `python -m helpers.deploy app` was asked for.

    Args:
        argv: words behind the command's name.

    Raises:
        SystemExit: --help, or a wrong command (2).
    """
    parser = _parser("app", "Open the app on this computer: upload images, see what one bundle or two say about them.")
    parser.epilog = APP_ENDS
    parser.add_argument("bundles", type=Path, nargs="+", help="bundles, and folders that hold some: results/bundles")
    parser.add_argument("--feedback", type=Path, help="SQLite file (default: feedback.sqlite beside the bundles)")
    parser.add_argument("--port", type=int, default=8501, help="of the page's address (default: 8501)")
    parser.add_argument("--headless", action="store_true", help="open no browser")
    _add_address(parser, "localhost")
    args = parser.parse_args(argv)
    args.fail = parser.error
    _check_port(args)
    return args


def serve_arguments(argv: list[str]) -> argparse.Namespace:
    """What `python -m helpers.deploy serve` was asked for.

    Args:
        argv: words behind the command's name.

    Raises:
        SystemExit: --help, or a wrong command (2).
    """
    parser = _parser("serve", "Answer other programs on this computer: JSON in and out, or a form of files.")
    parser.epilog = SERVE_ENDS
    parser.add_argument("bundle", type=Path, help="folder with model.keras and bundle.json")
    parser.add_argument("--port", type=int, default=8000, help="of the address (default: 8000)")
    _add_address(parser, "127.0.0.1")
    parser.add_argument("--max-mb", type=int, default=50, help="refuse a request of more megabytes (default: 50)")
    parser.add_argument("--max-images", type=int, default=64, help="refuse a request of more images (default: 64)")
    parser.add_argument("--threshold", type=float, help="as for predict")
    parser.add_argument("--abstain", type=float, help="as for predict")
    args = parser.parse_args(argv)
    args.fail = parser.error
    for name, value in (("--max-mb", args.max_mb), ("--max-images", args.max_images)):
        if value < 1:
            args.fail(f"{name}: {value}; give 1 or more")
    _check_port(args)
    if port_is_taken(args.port):
        args.fail(f"--port: {args.port} is taken by another program; give another port, such as {args.port + 1}")
    return args


def _add_address(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--address",
        default=default,
        help=f"that is listened at (default: {default}, so this computer alone can ask); "
        "inside a container 0.0.0.0, with its port published to 127.0.0.1, because there is no login",
    )


def _check_port(args: argparse.Namespace) -> None:
    if not 1 <= args.port <= 65535:
        args.fail(f"--port: {args.port} is no port from 1 to 65535")


def port_is_taken(port: int) -> bool:
    """Whether a program listens at this port of this computer already.

    Args:
        port: from 1 to 65535.
    """
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def labels_arguments(argv: list[str]) -> argparse.Namespace:
    """What `python -m helpers.deploy labels` was asked for.

    Args:
        argv: words behind the command's name.

    Raises:
        SystemExit: --help, or a wrong command (2).
    """
    parser = _parser("labels", "Write what users said in the app as labels for a next training: sha256, label.")
    parser.epilog = LABELS_ENDS
    parser.add_argument("feedback", type=Path, help="SQLite file of the app")
    parser.add_argument(
        "--csv",
        "--out",
        dest="out",
        default="-",
        metavar="FILE",
        help="where the table goes (default: standard output)",
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="name the files in it that have a label")
    args = parser.parse_args(argv)
    args.fail = parser.error
    if not args.feedback.is_file():
        args.fail(f"{args.feedback}: no such file; the app makes it when the first answer is kept")
    if args.images is not None and not args.images.is_dir():
        args.fail(f"--images: {args.images} is no folder")
    return args


def _parser(command: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"python -m helpers.deploy {command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
