"""The command line of a deployed model: python -m helpers.deploy {predict,app,labels,serve} ..."""

import argparse
import io
import sys
from importlib import import_module
from importlib.util import find_spec

from helpers.deploy.arguments import app_arguments, labels_arguments, predict_arguments, serve_arguments

COMMANDS = {
    "predict": "judge the images of files and folders with a bundle; a table as CSV or JSON lines, maps as images",
    "app": "open the app on this computer: upload images, see what one bundle or two say",
    "labels": "what users said in the app, as labels for a next training",
    "serve": "answer other programs on this computer: JSON in and out",
}
ARGUMENTS = {"predict": predict_arguments, "app": app_arguments, "labels": labels_arguments, "serve": serve_arguments}


def main(argv: list[str] | None = None) -> int:
    """Read the command line, then load what the command needs; the exit status is its own."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print("usage: python -m helpers.deploy COMMAND ...      (COMMAND --help says more)\n")
        print("\n".join(f"  {name:10} {what}" for name, what in COMMANDS.items()))
        return 0
    if words[0] not in COMMANDS:
        print(f"{words[0]}: no such command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    args = ARGUMENTS[words[0]](words[1:])
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may have letters that this terminal lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    if words[0] != "labels":
        from helpers.run import import_tensorflow

        tensorflow, _ = import_tensorflow()  # a command writes its answer, not TensorFlow's log
        tensorflow.get_logger().setLevel("ERROR")
    if words[0] == "app":
        _quiet_streamlit(args)
    try:
        return import_module(f"helpers.deploy.{words[0]}").run(args) or 0
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _quiet_streamlit(args: argparse.Namespace) -> None:
    """Before a module with a cache is imported, about which Streamlit would warn."""
    if find_spec("streamlit") is None:
        args.fail("streamlit is not installed; it comes with the extra `app`: python -m pip install streamlit")
    from streamlit.logger import set_log_level

    set_log_level("ERROR")


if __name__ == "__main__":
    sys.exit(main())
