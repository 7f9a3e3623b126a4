"""The command line of a deployed model: python -m helpers.deploy {predict,app} ..."""

import io
import sys
from importlib import import_module

from helpers.run import import_tensorflow

COMMANDS = {
    "predict": "judge the images of files and folders with a bundle; a table as CSV, maps as images",
    "app": "open the app on this computer: upload images, see what one bundle or two say",
}


def main(argv: list[str] | None = None) -> int:
    """Pass the rest of the command line to the command's module; the exit status is its own."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help"):
        print("usage: python -m helpers.deploy COMMAND ...      (COMMAND --help says more)\n")
        print("\n".join(f"  {name:10} {what}" for name, what in COMMANDS.items()))
        return 0
    if words[0] not in COMMANDS:
        print(f"{words[0]}: no such command; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name may have letters that this terminal lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    import_tensorflow()  # a command writes its answer, not TensorFlow's log
    return import_module(f"helpers.deploy.{words[0]}").main(words[1:]) or 0


if __name__ == "__main__":
    sys.exit(main())
