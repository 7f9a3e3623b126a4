"""Archives of others: what is unpacked, what is refused and in which words, and what a killed run leaves."""

import gzip
import io
import os
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import textwrap
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from data_prework.sources.archive_members import Member, UnpackError
from data_prework.sources.archives import _copy_members, npz_to_folders, unpack


def packed(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def refused(archive: Path, folder: Path, *words: str, **limits) -> str:
    """Unpack, expect a refusal that names the archive and says `words`, and find nothing left behind."""
    with pytest.raises(UnpackError) as caught:
        unpack(archive, folder, **limits)
    message = str(caught.value)
    assert archive.name in message
    for word in words:
        assert word in message
    assert not folder.exists()
    assert not list(folder.parent.glob(".*.unpacking"))
    return message


def lie_about_size(archive: Path, said: int) -> None:
    """Write `said` as the unpacked size of the first member into both of its headers."""
    data = bytearray(archive.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x03\x04") + 22, said)
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, said)
    archive.write_bytes(data)


def test_a_zip_is_unpacked_with_its_folders(tmp_path):
    archive = packed(tmp_path / "a.zip", {"set/cat/1.png": b"one", "set/dog/2.png": b"two", "set/empty/": b""})
    folder = unpack(archive, tmp_path / "raw" / "set")
    assert folder == tmp_path / "raw" / "set"
    assert (folder / "set/cat/1.png").read_bytes() == b"one"
    assert (folder / "set/dog/2.png").read_bytes() == b"two"


def test_litter_of_operating_systems_is_left_out(tmp_path):
    names = ["x/1.png", "__MACOSX/x/._1.png", "x/._1.png", "x/.DS_Store", "x/Thumbs.db", "x/__MACOSX/deep/2.png"]
    folder = unpack(packed(tmp_path / "a.zip", dict.fromkeys(names, b"data")), tmp_path / "out")
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == [str(Path("x/1.png"))]


def test_backslashes_of_old_windows_tools_are_separators(tmp_path):
    folder = unpack(packed(tmp_path / "a.zip", {"cat\\1.png": b"one"}), tmp_path / "out")
    assert (folder / "cat" / "1.png").read_bytes() == b"one"


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "\\evil", "C:\\evil", "c:evil", "a\\..\\..\\evil", "\\\\host\\evil"]
)
def test_a_member_that_would_land_outside_is_refused(tmp_path, name):
    archive = packed(tmp_path / "a.zip", {"good.png": b"x", name: b"evil"})
    refused(archive, tmp_path / "deep" / "out", "evil", "outside")
    assert [path.name for path in tmp_path.rglob("*evil*")] == []


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc")
        archive.writestr("link/passwd", "x")
    refused(tmp_path / "a.zip", tmp_path / "out", "link", "not a plain file")


def test_a_bomb_is_refused_from_its_headers(tmp_path):
    archive = packed(tmp_path / "a.zip", {"zeros.png": bytes(5 * 2**20)})
    refused(archive, tmp_path / "out", "zeros.png", "bomb")


def test_too_many_bytes_or_files_are_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", {f"{n}.png": os.urandom(500) for n in range(10)})
    refused(archive, tmp_path / "out", "4,999 bytes", max_bytes=4_999)
    refused(archive, tmp_path / "out", "limit of 9", max_files=9)
    assert unpack(archive, tmp_path / "out", max_bytes=5_000, max_files=10).is_dir()


def test_members_that_share_their_bytes_are_refused(tmp_path):
    """Overlapping members: each looks modest, all of them read the same bytes of the archive again."""
    archive = packed(tmp_path / "a.zip", {"a.png": os.urandom(2**14)})
    with zipfile.ZipFile(archive, "a") as opened:
        (first,) = opened.infolist()
        twin = zipfile.ZipInfo("b.png")
        for field in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
            setattr(twin, field, getattr(first, field))
        opened.filelist.append(twin)
        opened._didModify = True
    refused(archive, tmp_path / "out", "b.png", "damaged")


def test_limits_are_held_against_the_bytes_that_come_out_too(tmp_path):
    archive = packed(tmp_path / "a.zip", {"1.png": os.urandom(5_000), "2.png": bytes(2**21)})
    with zipfile.ZipFile(archive) as opened:
        one, two = (
            {PurePosixPath(info.filename): Member(info.filename, info.file_size, partial(opened.open, info))}
            for info in opened.infolist()
        )
        with pytest.raises(UnpackError, match="4,999 bytes"):
            _copy_members(archive, one, tmp_path, max_bytes=4_999, max_ratio=200)
        with pytest.raises(UnpackError, match="bomb"):
            _copy_members(archive, two, tmp_path, max_bytes=2**30, max_ratio=200)


@pytest.mark.parametrize("said", [10, 100_000])
def test_a_header_that_lies_about_the_size_is_found_out(tmp_path, said):
    archive = packed(tmp_path / "a.zip", {"1.png": os.urandom(50_000)})
    lie_about_size(archive, said)
    refused(archive, tmp_path / "out", "1.png", "damaged")


def test_an_encrypted_member_is_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", {"1.png": b"secret"})
    data = bytearray(archive.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    refused(archive, tmp_path / "out", "1.png", "encrypted", "--from")


def test_a_truncated_archive_is_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", {"1.png": os.urandom(5_000)})
    archive.write_bytes(archive.read_bytes()[:3_000])
    refused(archive, tmp_path / "out", "not complete", "download it again")


def test_a_member_with_changed_bytes_is_refused(tmp_path):
    archive = packed(tmp_path / "a.zip", {"0.png": b"fine", "1.png": b"A" * 5_000}, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace(b"AAAA", b"AAAB", 1))
    refused(archive, tmp_path / "out", "1.png", "damaged")


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"Rar!\x1a\x07\x01\x00", ("rar archive", "unar", "--from")),
        (b"7z\xbc\xaf\x27\x1c", ("7z archive", "--from")),
        (b"\x1f\x8b\x08", ("damaged or incomplete tar",)),
        (gzip.compress(b"a text" * 900, mtime=0), ("damaged or incomplete tar",)),
        (bytes(257) + b"ustar", ("damaged or incomplete tar",)),
        (b"<!DOCTYPE html><p>Sign in", ("web page", "browser")),
        (b"", ("empty",)),
        (b"hello", ("not a zip file",)),
    ],
)
def test_what_is_not_a_zip_is_called_by_its_name(tmp_path, head, words):
    archive = tmp_path / "a.zip"
    archive.write_bytes(head)
    refused(archive, tmp_path / "out", *words)


def tarred(path: Path, files: dict[str, bytes], mode: str = "w:gz", **fields) -> Path:
    """A tar file; `fields` are set in the header of its last member."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name == list(files)[-1]:
                for field, value in fields.items():
                    setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    ("mode", "name"), [("w", "a.tar"), ("w:gz", "A.TGZ"), ("w:bz2", "a.tar.bz2"), ("w:xz", "a"), ("w:gz", "a.zip")]
)
def test_a_tar_file_is_unpacked_whatever_its_compression_and_name(tmp_path, mode, name):
    files = {"set/cat/1.png": b"one", "set/dog/2.png": b"two" * 900, "set/._2.png": b"litter"}
    folder = unpack(tarred(tmp_path / name, files, mode), tmp_path / "out")
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == dict(list(files.items())[:2])


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("../evil.png", {}, "outside"),
        ("/evil.png", {}, "outside"),
        ("evil.png", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0}, "a link"),
        ("evil.png", {"type": tarfile.LNKTYPE, "linkname": "1.png", "size": 0}, "a link"),
        ("evil.png", {"type": tarfile.FIFOTYPE, "size": 0}, "a special file"),
    ],
)
def test_a_tar_file_that_reaches_outside_or_links_is_refused(tmp_path, name, fields, words):
    archive = tarred(tmp_path / "a.tgz", {"1.png": b"one", name: b"evil"}, **fields)
    refused(archive, tmp_path / "out", "evil.png", words)


def test_a_tar_file_that_grows_too_much_or_ends_too_early_is_refused(tmp_path):
    refused(tarred(tmp_path / "bomb.tgz", {"0.png": bytes(5 * 2**20)}), tmp_path / "out", "bomb")
    whole = tarred(tmp_path / "cut.tgz", {f"{n}.png": os.urandom(9000) for n in range(9)}).read_bytes()
    (tmp_path / "cut.tgz").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "cut.tgz", tmp_path / "out", "damaged or incomplete tar")


def test_control_characters_in_names_are_replaced_and_icons_of_macos_left_out(tmp_path):
    archive = packed(tmp_path / "a.zip", {"set/Icon\r": b"", "set/new\nline.png": b"x"})
    folder = unpack(archive, tmp_path / "out")
    assert [path.name for path in (folder / "set").iterdir()] == ["new_line.png"]


def test_an_archive_in_an_archive_is_named(tmp_path):
    archive = packed(tmp_path / "a.zip", {"Concrete Crack Images.rar": b"Rar!"})
    refused(archive, tmp_path / "out", "Concrete Crack Images.rar", "another archive")


def test_an_empty_archive_and_a_name_given_twice_are_refused(tmp_path):
    refused(packed(tmp_path / "empty.zip", {}), tmp_path / "out", "holds no files")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("1.png", "a")
        archive.writestr("1.png", "b")
    refused(tmp_path / "twice.zip", tmp_path / "out", "1.png", "twice")


def test_a_folder_that_holds_something_is_never_touched(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    archive = packed(tmp_path / "a.zip", {"1.png": b"x"})
    with pytest.raises(UnpackError, match="already there"):
        unpack(archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_killed_unpack_leaves_no_folder_and_the_next_one_succeeds(tmp_path):
    archive = packed(tmp_path / "a.zip", {f"{n}.png": os.urandom(1000) for n in range(50)})
    code = f"""
        import time
        from pathlib import Path, PurePosixPath
        from data_prework.sources import archives as module
        check = module.check_total
        def slow(*args):
            time.sleep(0.05)
            check(*args)
        module.check_total = slow
        module.unpack(Path({str(archive)!r}), Path({str(tmp_path / "out")!r}))
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stderr=subprocess.DEVNULL)
    aside = tmp_path / ".out.unpacking"
    give_up = time.monotonic() + 30
    while not (aside.exists() and len(list(aside.iterdir())) > 3) and time.monotonic() < give_up:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    child.wait()
    assert 3 < len(list(aside.iterdir())) < 50
    assert not (tmp_path / "out").exists()
    assert len(list(unpack(archive, tmp_path / "out").iterdir())) == 50
    assert not aside.exists()


def test_of_two_at_once_one_unpacks_and_the_other_is_told(tmp_path):
    archive = packed(tmp_path / "a.zip", {f"{n}.png": os.urandom(1000) for n in range(200)})

    def attempt(_) -> str:
        try:
            return str(len(list(unpack(archive, tmp_path / "out").iterdir())))
        except UnpackError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(attempt, range(4)))
    assert sum(text == "200" for text in told) == 1
    assert sum("already there" in text for text in told) == 3


def medmnist(path: Path, **changed) -> Path:
    random = np.random.default_rng(7)
    arrays = {}
    for split, n in (("train", 6), ("val", 2), ("test", 3)):
        arrays[f"{split}_images"] = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % 2)[:, None]
    np.savez_compressed(path, **{key: value for key, value in (arrays | changed).items() if value is not None})
    return path


def test_a_medmnist_file_becomes_folders_of_png_files(tmp_path):
    npz = medmnist(tmp_path / "pneumoniamnist.npz")
    folder = npz_to_folders(npz, tmp_path / "out", ["normal", "pneumonia"])
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    assert len(files) == 11
    assert "train/normal/pneumoniamnist_00000.png" in files
    assert "val/pneumonia/pneumoniamnist_00007.png" in files
    with np.load(npz) as arrays, Image.open(folder / "test/normal/pneumoniamnist_00010.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), arrays["test_images"][2])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"val_labels": None}, "no array val_labels"),
        ({"train_images": np.zeros((6, 28, 28), np.float32)}, "float32"),
        ({"train_images": np.zeros((5, 28, 28), np.uint8)}, "for 5 images"),
        ({"test_labels": np.full((3, 1), 2)}, "only 2 classes"),
        ({"test_labels": np.array([[None]] * 3, dtype=object)}, "pickle"),
    ],
)
def test_a_wrong_medmnist_file_is_refused_and_nothing_stays(tmp_path, changed, words):
    npz = medmnist(tmp_path / "set.npz", **changed)
    with pytest.raises(UnpackError, match=words):
        npz_to_folders(npz, tmp_path / "out", ["normal", "pneumonia"])
    assert not (tmp_path / "out").exists()
    (tmp_path / "web.npz").write_bytes(b"<html>")
    with pytest.raises(UnpackError, match="not a readable"):
        npz_to_folders(tmp_path / "web.npz", tmp_path / "out", ["normal", "pneumonia"])


def test_classes_of_a_medmnist_file_that_have_no_names_are_called_by_their_numbers(tmp_path):
    labels = np.arange(6)[:, None] * 2  # 0 to 10
    folder = npz_to_folders(medmnist(tmp_path / "set.npz", train_labels=labels), tmp_path / "out", [])
    assert sorted(path.name for path in (folder / "train").iterdir()) == [f"{k:02d}" for k in range(11)]
    with pytest.raises(UnpackError, match="3 labels for each image"):
        npz_to_folders(medmnist(tmp_path / "many.npz", train_labels=np.zeros((6, 3), int)), tmp_path / "two", [])
