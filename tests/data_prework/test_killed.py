"""prepare dies hard at any moment, or runs twice at once: the prepared folder is the old one or the new one."""

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from data_prework.check import check
from data_prework.manifest import read_about, read_manifest
from tests.data_prework.conftest import quiet, two_classes

PROJECT = Path(__file__).resolve().parents[2]

# Runs prepare once to its end and lists all file-system events below the data home; then again and again in children
# that die just before one of these events: spread over the whole run, and right before and after the manifest's rename.
DRIVER = textwrap.dedent(
    """
    import os, shutil, sys
    from pathlib import Path
    import numpy as np
    from data_prework.prepare import Settings, prepare

    raw, old, place, wanted = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    EVENTS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir", "shutil.rmtree")

    def run(home, last):
        events = []
        def count(event, args):
            if event not in EVENTS:
                return
            if str(args[0]).startswith(str(home)) or (event in ("os.remove", "os.rmdir") and args[1] != -1):
                events.append(f"{event} {args[0]}")
                if len(events) == last:
                    os._exit(9)
        sys.addaudithook(count)
        prepare("leaves", raw, Settings(seed=8, near=20), data_dir=home, verbose=False)
        (place / "events.txt").write_text("\\n".join(events))
        os._exit(0)

    def child(last):
        home = place / f"home{last}"
        shutil.copytree(old, home)
        pid = os.fork()
        if pid == 0:
            try:
                run(home, last)
            finally:
                os._exit(1)
        print(last, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

    child(0)
    events = (place / "events.txt").read_text().splitlines()
    rename = next(i for i, event in enumerate(events, 1) if event.startswith("os.rename") and ".manifest-" in event)
    places = {rename, rename + 1}
    spread = np.linspace(1, len(events), wanted - 2).round().astype(int).tolist()
    for last in [*spread, *range(2, len(events))]:
        places |= {last} if len(places) < wanted else set()
    for last in sorted(places):
        child(last)
    """
)


def drive(raw: Path, old: Path, place: Path, wanted: int) -> list[int]:
    """Numbers of the events before which a child died; place/home<number> is what it left, home0 a whole run."""
    command = [sys.executable, "-c", DRIVER, raw, old, place, str(wanted)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    ended = dict(map(int, line.split()) for line in done.stdout.splitlines())
    assert ended.pop(0) == 0
    assert set(ended.values()) == {9} and len(ended) == wanted
    return list(ended)


def parts(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("packed, wanted", [(False, 10), (True, 5)], ids=["folder", "zip"])
def test_killed_anywhere_it_leaves_the_old_folder_or_the_new_one(tmp_path, packed, wanted):
    raw = two_classes(tmp_path / "raw", 10)
    old = tmp_path / "old"
    before = (quiet("leaves", raw, old) / "manifest.csv").read_bytes()
    if packed:
        with zipfile.ZipFile(tmp_path / "raw.zip", "w") as archive:
            for path in sorted(raw.rglob("*.jpg")):
                archive.write(path, path.relative_to(raw))
        raw = tmp_path / "raw.zip"
    places = drive(raw, old, tmp_path, wanted)
    after = (tmp_path / "home0" / "leaves" / "manifest.csv").read_bytes()

    outcomes = []
    for place in places:
        folder = tmp_path / f"home{place}" / "leaves"
        assert check(folder) == [], place
        assert len(read_manifest(folder)) == 20
        outcomes.append((folder / "manifest.csv").read_bytes())

        quiet("leaves", raw, folder.parent, seed=8, near=20)
        assert (folder / "manifest.csv").read_bytes() == after
        assert check(folder) == []
        assert len(parts(folder)) == 2 and parts(folder)[0].startswith("files-"), parts(folder)
        assert parts(folder.parent) == [".leaves.lock", "leaves"]
    first_new = outcomes.index(after)  # old up to the rename, new from there on, and both occur
    assert before != after and first_new > 0
    assert outcomes == [before] * first_new + [after] * (len(outcomes) - first_new)


def test_killed_at_the_first_preparation_it_leaves_nothing_or_a_sound_folder(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    old = tmp_path / "old"
    old.mkdir()
    for place in drive(raw, old, tmp_path, 4):
        home = tmp_path / f"home{place}"
        assert not (home / "leaves" / "manifest.csv").exists() or check(home / "leaves") == []
        folder = quiet("leaves", raw, home)
        assert check(folder) == [] and len(parts(folder)) == 2 and parts(home) == [".leaves.lock", "leaves"]


def test_two_at_once_with_different_settings_end_sound(tmp_path):
    raw, home = two_classes(tmp_path / "raw", 12), tmp_path / "home"
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from data_prework.prepare import Settings, prepare
        for seed in range(int(sys.argv[3]), 8, 2):
            prepare("leaves", Path(sys.argv[1]), Settings(seed=seed), data_dir=Path(sys.argv[2]))
        """
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program, raw, home, str(first)],
            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for first in (0, 1)
    ]  # fmt: skip
    for process in both:
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    folder = home / "leaves"
    assert check(folder) == []
    assert read_about(folder).settings["seed"] in (6, 7)
    assert len(parts(folder)) == 2 and parts(home) == [".leaves.lock", "leaves"]
