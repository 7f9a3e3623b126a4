"""Bundles in folders: where they are, and what to call them."""

from collections.abc import Sequence
from pathlib import Path

from helpers.deploy.bundle_checks import (
    ABOUT,
)


def find_bundles(folder: Path | str) -> list[Path]:
    """Folders of the bundles in a folder, and in the folders that it holds.

    Args:
        folder: holds bundles, or is one.

    Returns:
        Sorted by name; the folder itself where it is a bundle; empty where there is none.

    Example:
        >>> home = Path("bundles")
        >>> for name in ("small_cnn", "dense"):
        ...     (home / name).mkdir(parents=True)
        ...     _ = (home / name / "bundle.json").write_text("{}", encoding="utf-8")
        >>> [path.name for path in find_bundles(home)]
        ['dense', 'small_cnn']
    """
    folder = Path(folder)
    if (folder / ABOUT).is_file():
        return [folder]
    found = {path.parent for depth in ("*", "*/*") for path in folder.glob(f"{depth}/{ABOUT}")}
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def bundle_labels(folders: Sequence[Path]) -> list[str]:
    """What to call bundles so that no two have one name: the folder's name, with those above it where it takes them.

    Args:
        folders: of the bundles, each once.

    Example:
        >>> bundle_labels([Path("spring/cracks"), Path("autumn/cracks"), Path("autumn/rust")])
        ['spring/cracks', 'autumn/cracks', 'rust']
    """
    whole = [folder.absolute() for folder in folders]
    longest = max((len(folder.parts) for folder in whole), default=0)
    labels = {}
    for depth in range(1, longest + 1):
        waiting = [folder for folder in whole if folder not in labels]
        shorter = ["/".join(folder.parts[-depth:]) for folder in waiting]
        labels |= {f: name for f, name in zip(waiting, shorter, strict=True) if shorter.count(name) == 1}
    return [labels.get(folder, str(folder)) for folder in whole]
