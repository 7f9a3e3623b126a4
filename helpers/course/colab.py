"""Makes a fetched copy of the course ready on Colab, Kaggle or another computer that has TensorFlow already.

The first cell of a notebook runs this file. It installs the packages that are missing, and holds every installed one
at its version, so that TensorFlow and NumPy stay as they are; then it draws the data and lets Python find the course.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

# this file is run by its path, before Python knows where the course is
PROJECT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
EXTRAS = ("app",)  # part 09 needs it


def missing(project: Path = PROJECT) -> list[str]:
    """Find the requirements of the course that are not installed here.

    Args:
        project: Folder of the course.

    Returns:
        The requirements as pip reads them.

    Raises:
        RuntimeError: One is installed in a version that is too old; the message names all of these.
    """
    from packaging.requirements import Requirement

    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*about["dependencies"], *(one for extra in EXTRAS for one in about["optional-dependencies"][extra])]
    absent, old = [], []
    for requirement in map(Requirement, wanted):
        if requirement.marker and not requirement.marker.evaluate():
            continue  # meant for another Python or another system
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            absent.append(str(requirement))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            old.append(f"{requirement} (here: {version})")
    if old:
        raise RuntimeError(
            f"This runtime is too old for the course: it needs {', '.join(old)}. Choose a newer runtime; the course "
            "leaves installed packages as they are."
        )
    return absent


def install(requirements: list[str]) -> None:
    """Install packages; none that is there already changes its version.

    Args:
        requirements: As pip reads them.

    Raises:
        subprocess.CalledProcessError: pip failed; what it said is shown.
    """
    held = sorted({f"{one.metadata['Name']}=={one.version}" for one in metadata.distributions() if one.version})
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(line for line in held if "+" not in line), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*command, "-c", str(constraints), *requirements], check=True)


def main() -> None:
    """Get everything ready and say in two lines what was done.

    Raises:
        SystemExit: It cannot be made ready; the message says why.
    """
    try:
        absent = missing()
        if absent:
            install(absent)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"pip could not install {', '.join(absent)} (exit status {error.returncode}).") from None
    except RuntimeError as error:
        raise SystemExit(str(error)) from None
    print("installed:", ", ".join(absent) if absent else "nothing, all is there")
    sys.path.insert(0, str(PROJECT))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    from data_prework.__main__ import main as data_prework
    from data_prework.manifest import COURSE, find_prepared

    for name in COURSE:
        if find_prepared(name) is None:
            data_prework(["prepare", name, "--embedded"])
    print("The course is ready.")


if __name__ == "__main__":
    main()
