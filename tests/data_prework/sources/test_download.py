"""Downloads against a real server on this machine that drops, lies, refuses and recovers."""

import csv
import errno
import hashlib
import io
import json
import subprocess
import threading
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from data_prework.sources import publishers
from data_prework.sources.download import DownloadError, fetch
from data_prework.sources.http import in_words, retry_after, user_agent
from data_prework.sources.publishers import AddressList, Commons, Direct, Kaggle
from data_prework.sources.wikimedia import collect, collect_addresses

BODY = bytes(range(256)) * 2000
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()
PHOTO = b"\xff\xd8\xff\xe0" + bytes(500)
SILENCE = 5  # seconds, far above the timeout of the tests that wait for it


@contextmanager
def serving(answers):
    """Serve on a free port; answers(path, query, try_number) gives status, headers, body or a function.

    Yields (address, Counter of requests per path)."""
    asked = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            asked[parts.path] += 1
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = answers(parts.path, query, asked[parts.path])
            if callable(answer):
                return answer(self)
            status, headers, body = answer
            self.send_response(status)
            for key, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ok(body=BODY, **headers):
    return 200, headers, body


def dropped(handler):
    """Send half of the body that was promised, then hang up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[: len(BODY) // 2])


def silent(handler):
    time.sleep(SILENCE)


def direct(*urls: str, file: str = "set.bin", known_hash: str | None = MD5, size_mb: float = 0) -> Direct:
    return Direct(urls, file, "https://example.org/the-page", known_hash, size_mb)


def get(source, folder: Path, **options) -> Path:
    return fetch(source, "mydata", folder, **({"wait": 0.01, "timeout": 5} | options))


def fails(source, folder: Path, *words: str, **options) -> str:
    """Fetch, expect an error that holds `words` and the way by hand, and find no file left under any name."""
    with pytest.raises(DownloadError) as caught:
        get(source, folder, **options)
    message = str(caught.value)
    for word in ("mydata", "python -m data_prework prepare mydata --from", *words):
        assert word in message
    assert [path.name for path in folder.rglob("*") if path.is_file() and path.suffix not in (".lock", ".csv")] == []
    return message


def closed_port() -> str:
    with serving(lambda *_: ok()) as (address, _):
        return address


def test_a_file_is_fetched_once_and_then_found(tmp_path):
    with serving(lambda *_: ok()) as (address, asked):
        for _ in range(2):
            path = get(direct(f"{address}/a"), tmp_path / "raw")
            assert path == tmp_path / "raw" / "set.bin"
            assert path.read_bytes() == BODY
    assert asked["/a"] == 1
    assert not list((tmp_path / "raw").glob("*.part"))


@pytest.mark.parametrize("fault", [dropped, (500, {}, b""), (503, {}, b""), (429, {}, b""), ok(b"wrong")])
def test_a_fault_that_passes_is_tried_again_from_the_start(tmp_path, fault):
    with serving(lambda path, query, n: fault if n < 3 else ok()) as (address, asked):
        assert get(direct(f"{address}/a"), tmp_path).read_bytes() == BODY
    assert asked["/a"] == 3


def test_a_server_that_falls_silent_is_asked_again(tmp_path):
    with serving(lambda path, query, n: silent if n == 1 else ok()) as (address, asked):
        assert get(direct(f"{address}/a"), tmp_path, timeout=1).read_bytes() == BODY
    assert asked["/a"] == 2


@pytest.mark.parametrize(
    ("answer", "words", "tries"),
    [
        (dropped, "broke half-way", 3),
        (silent, "did not answer in time", 3),
        (ok(b"other bytes"), "wrong checksum", 3),
        ((500, {}, b""), "(500)", 3),
        ((429, {}, b""), "slow down (429)", 3),
        ((403, {}, b""), "accept the terms", 1),
        ((404, {}, b""), "moved", 1),
        ((418, {}, b""), "418", 1),
        (ok(b"<!DOCTYPE html><p>Sign in"), "a web page came", 1),
    ],
)
def test_a_fault_that_stays_is_told_in_words_with_the_way_by_hand(tmp_path, answer, words, tries):
    timeout = 0.3 if answer is silent else 5
    with serving(lambda *_: answer) as (address, asked):
        message = fails(direct(f"{address}/a"), tmp_path, words, f"{address}/a", "the-page", timeout=timeout)
    assert "PATH_TO_FILE" in message
    assert asked["/a"] == tries


def test_offline_is_told_as_offline(tmp_path):
    fails(direct(f"{closed_port()}/a"), tmp_path, "offline")


def test_the_next_address_is_tried_when_one_fails(tmp_path):
    with serving(lambda path, *_: ok() if path == "/good" else (404, {}, b"")) as (address, asked):
        source = direct(f"{closed_port()}/a", f"{address}/gone", f"{address}/good")
        assert get(source, tmp_path).read_bytes() == BODY
        message = fails(direct(f"{address}/gone", f"{address}/lost"), tmp_path / "other", "/gone: ", "/lost: ")
    assert message.count("(404)") == 2
    assert asked["/good"] == 1


@pytest.mark.parametrize("said", ["100", str(2 * len(BODY))])
def test_a_length_that_lies_is_found_out(tmp_path, said):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.png", BODY)
    lie = ok(packed.getvalue(), **{"Content-Length": said})
    with serving(lambda *_: lie) as (address, _):
        fails(direct(f"{address}/a", file="set.zip", known_hash=None), tmp_path, "/a: ")
        fails(direct(f"{address}/a", file="set.zip"), tmp_path, "/a: ")


def test_retry_after_is_respected(tmp_path):
    busy = (429, {"Retry-After": "1"}, b"")
    with serving(lambda path, query, n: busy if n == 1 else ok()) as (address, _):
        start = time.monotonic()
        get(direct(f"{address}/a"), tmp_path)
    assert time.monotonic() - start >= 1


def test_a_wrong_file_under_the_name_is_replaced_only_by_a_right_one(tmp_path):
    (tmp_path / "set.bin").write_bytes(b"old")
    with pytest.raises(DownloadError):
        get(direct(f"{closed_port()}/a"), tmp_path)
    assert (tmp_path / "set.bin").read_bytes() == b"old"
    with serving(lambda *_: ok()) as (address, _):
        assert get(direct(f"{address}/a"), tmp_path).read_bytes() == BODY


def test_what_a_killed_download_left_does_not_reach_the_file(tmp_path):
    (tmp_path / ".set.bin.part").write_bytes(BODY * 2)
    with serving(lambda *_: ok()) as (address, _):
        assert get(direct(f"{address}/a"), tmp_path).read_bytes() == BODY
    assert not (tmp_path / ".set.bin.part").exists()


def test_many_at_once_fetch_once_and_see_a_whole_file(tmp_path):
    with serving(lambda *_: ok()) as (address, asked), ThreadPoolExecutor(6) as pool:
        paths = list(pool.map(lambda _: get(direct(f"{address}/a"), tmp_path), range(6)))
    assert {path.read_bytes() for path in paths} == {BODY}
    assert asked["/a"] == 1


def test_a_full_disk_is_told(tmp_path):
    fails(direct("http://127.0.0.1:9/a", size_mb=1e12), tmp_path, "disk is full")
    assert "disk is full" in in_words(OSError(errno.ENOSPC, "No space left on device"))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(DownloadError, match="file"):
        get(direct("http://127.0.0.1:9/a"), tmp_path / "file" / "raw")


def test_the_course_sources_are_well_formed():
    sources = [publishers.CHEST_XRAY, publishers.CONCRETE_CRACKS, *publishers.PNEUMONIA_MNIST.values()]
    assert sorted(publishers.PNEUMONIA_MNIST) == [28, 64, 128, 224]
    for source in sources:
        assert all(url.startswith("https://") for url in (*source.urls, source.page))
        algorithm, _, digits = (source.known_hash or "none:").partition(":")
        assert len(digits) == {"md5": 32, "sha256": 64, "none": 0}[algorithm]


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """Send kagglehub's own client, without an account and with an empty cache, to a server of this test."""
    pytest.importorskip("kagglehub")
    for variable in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    return lambda address: monkeypatch.setenv("http_proxy", address)


def test_a_kaggle_dataset_is_fetched_and_unpacked(tmp_path, kaggle):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("train/NORMAL/1.jpeg", PHOTO)

    def answers(path, *_):
        if path.endswith("/GetDataset"):
            return ok(json.dumps({"currentVersionNumber": 2}).encode(), **{"Content-Type": "application/json"})
        return ok(packed.getvalue(), **{"Content-Type": "application/zip"})

    with serving(answers) as (address, _):
        kaggle(address)
        folder = get(Kaggle("some-owner/some-set"), tmp_path / "raw")
    assert (folder / "train/NORMAL/1.jpeg").read_bytes() == PHOTO


@pytest.mark.parametrize(
    ("status", "words"), [(403, "Generate New Token"), (401, "access_token"), (404, "moved"), (500, "later")]
)
def test_a_refusal_of_kaggle_is_told_in_words(tmp_path, kaggle, status, words):
    with serving(lambda *_: (status, {"Content-Type": "application/json"}, b"{}")) as (address, _):
        kaggle(address)
        fails(Kaggle("some-owner/some-set"), tmp_path / "raw", words, "kaggle.com/datasets/some-owner/some-set")


def test_kaggle_offline_is_told_as_offline(tmp_path, kaggle):
    kaggle(closed_port())
    fails(Kaggle("some-owner/some-set"), tmp_path / "raw", "offline")


def test_a_damaged_archive_and_a_wrong_name_of_kaggle_are_told(tmp_path, kaggle):
    def answers(path, *_):
        version = json.dumps({"currentVersionNumber": 2}).encode()
        return ok(version if path.endswith("/GetDataset") else b"PK no zip")

    with serving(answers) as (address, _):
        kaggle(address)
        with pytest.raises(DownloadError, match="damaged"):
            get(Kaggle("some-owner/some-set"), tmp_path / "raw")
    fails(Kaggle("no-slash"), tmp_path / "raw", "no-slash")


def page(number: int, address: str, **changed) -> dict:
    info = {
        "url": f"{address}/full/{number}.jpg",
        "thumburl": f"{address}/thumb/{number}.jpg",
        "descriptionurl": f"https://commons.example/File:{number}.jpg",
        "mime": "image/jpeg",
        "extmetadata": {
            "LicenseShortName": {"value": "CC BY-SA 4.0"},
            "Artist": {"value": '<a href="//x">Ana &amp; Bo</a>, <b>Rio</b>'},
        },
    }
    return {"pageid": number, "title": f"File:Cristo / né {number}.jpg", "imageinfo": [info | changed]}


def wiki(pages_of_category: dict[str, list[dict]], photos=lambda n: ok(PHOTO), per_answer: int = 2):
    """Answer like a MediaWiki with these categories, `per_answer` pages at a time."""

    def answers(path, query, n):
        if path != "/api":
            return photos(n)
        pages = pages_of_category.get(query["gcmtitle"].removeprefix("Category:"), [])
        start = int(query.get("gcmcontinue", 0))
        answer = {"query": {"pages": pages[start : start + per_answer]}}
        if start + per_answer < len(pages):
            answer["continue"] = {"gcmcontinue": str(start + per_answer), "continue": "gcmcontinue||"}
        return ok(json.dumps(answer).encode())

    return answers


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


QUICK = {"pause": 0, "wait": 0.01, "timeout": 5}


def test_photos_of_commons_come_with_page_licence_and_author(tmp_path):
    pages: dict[str, list[dict]] = {}
    with serving(wiki(pages)) as (address, asked):
        pages["Rio"] = [page(n, address) for n in range(1, 6)]
        pages["Old"] = [page(5, address), page(6, address), page(7, address, mime="image/svg+xml")]
        pages["Lisbon"] = [page(8, address, extmetadata={})]
        classes = {"redentor": "Rio|Old|Nothing", "rei": "Category:Lisbon"}
        folder = get(Commons(classes, f"{address}/api", 6, pause=0), tmp_path / "raw")
        assert [path.read_bytes() for path in (folder / "redentor").glob("*.jpg")] == [PHOTO] * 6
        before = asked.copy()
        collect(classes, folder, api=f"{address}/api", **QUICK)
    assert {path for path in asked if asked[path] > before[path]} == {"/api"}
    rows = table(folder / "sources.csv")
    assert rows[-2] == {
        "path": "redentor/Cristo_ne_6_6.jpg",
        "source": "https://commons.example/File:6.jpg",
        "licence": "CC BY-SA 4.0",
        "author": "Ana & Bo, Rio",
    }
    assert (rows[-1]["licence"], rows[-1]["author"]) == ("unknown", "unknown")
    assert sorted(row["path"] for row in rows) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")
    )


def test_no_more_photos_than_asked_for(tmp_path):
    pages: dict[str, list[dict]] = {}
    with serving(wiki(pages)) as (address, asked):
        pages["Rio"] = [page(n, address) for n in range(1, 10)]
        collect({"redentor": "Rio"}, tmp_path, api=f"{address}/api", per_class=3, **QUICK)
    assert len(list(tmp_path.rglob("*.jpg"))) == 3
    assert asked["/api"] == 2


def test_a_busy_commons_is_asked_again_and_a_lost_photo_is_listed(tmp_path):
    busy = {"error": {"code": "maxlag", "info": "Waiting for a database server"}}
    pages: dict[str, list[dict]] = {}
    calm = wiki(pages)

    def answers(path, query, n):
        if path == "/api" and n == 1:
            return ok(json.dumps(busy).encode(), **{"Retry-After": "0"})
        if path == "/thumb/1.jpg":
            return 404, {}, b""
        if path == "/thumb/2.jpg":
            return ok(b"<html>")
        if path == "/thumb/3.jpg" and n == 1:
            return 429, {"Retry-After": "0"}, b""
        return calm(path, query, n)

    with serving(answers) as (address, asked):
        pages["Rio"] = [page(n, address) for n in range(1, 5)]
        collect({"redentor": "Rio"}, tmp_path, api=f"{address}/api", **QUICK)
    assert asked["/thumb/3.jpg"] == 2
    assert [row["path"][-6:] for row in table(tmp_path / "sources.csv")] == ["_3.jpg", "_4.jpg"]
    assert ["404" in row["reason"] or "web page" in row["reason"] for row in table(tmp_path / "dead_links.csv")] == [
        True,
        True,
    ]


def test_commons_failures_are_told_in_words(tmp_path):
    fails(Commons({"a": "Rio"}, f"{closed_port()}/api", pause=0), tmp_path / "1", "offline", "Category:Rio", "/api")
    with serving(wiki({})) as (address, _):
        fails(Commons({"a": "Rio"}, f"{address}/api", pause=0), tmp_path / "2", "no photo in category Rio")
        fails(Commons({"../a": "Rio"}, f"{address}/api", pause=0), tmp_path / "3", "cannot be a folder")
    with serving(lambda *_: ok(b"<html>")) as (address, _):
        fails(Commons({"a": "Rio"}, f"{address}/api", pause=0), tmp_path / "4", "not the JSON")


def test_commons_is_told_who_asks(tmp_path, monkeypatch):
    agents = []

    def answers(*_):
        def refuse(handler):
            agents.append(handler.headers["User-Agent"])
            handler.send_error(403)

        return refuse

    monkeypatch.setenv("COURSE_CONTACT", "ana@example.org")
    with serving(answers) as (address, _):
        fails(Commons({"a": "Rio"}, f"{address}/api", pause=0), tmp_path / "raw", "(403)", "COURSE_CONTACT")
    assert agents and all("ana@example.org" in agent for agent in agents)


@pytest.mark.parametrize(
    ("remote", "contact"),
    [
        ("git@example.org:ana/course.git", "; https://example.org/ana/course)"),
        ("https://example.org/ana/course", "; https://example.org/ana/course)"),
        ("https://token@example.org/ana/course", "(teaching notebooks)"),
        ("/home/ana/course", "(teaching notebooks)"),
    ],
)
def test_the_contact_is_the_projects_page_and_never_a_secret(tmp_path, monkeypatch, remote, contact):
    monkeypatch.delenv("COURSE_CONTACT", raising=False)
    monkeypatch.setattr("data_prework.sources.http.PROJECT", tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    assert contact in user_agent()


def test_an_interrupted_collection_keeps_its_sources_and_goes_on(tmp_path):
    pages: dict[str, list[dict]] = {}
    broken = threading.Event()
    broken.set()
    calm = wiki(pages)

    def answers(path, query, n):
        return dropped if path == "/thumb/3.jpg" and broken.is_set() else calm(path, query, n)

    with serving(answers) as (address, asked):
        pages["Rio"] = [page(n, address) for n in range(1, 5)]
        source = Commons({"redentor": "Rio"}, f"{address}/api", pause=0)
        with pytest.raises(DownloadError, match="half-way"):
            get(source, tmp_path)
        assert len(table(tmp_path / "sources.csv")) == len(list(tmp_path.rglob("*.jpg"))) == 2
        with pytest.raises(DownloadError, match="offline"):
            get(Commons({"redentor": "Rio"}, f"{closed_port()}/api", pause=0), tmp_path)
        assert len(table(tmp_path / "sources.csv")) == 2
        broken.clear()
        get(source, tmp_path)
    assert len(table(tmp_path / "sources.csv")) == len(list(tmp_path.rglob("*.jpg"))) == 4
    assert asked["/thumb/1.jpg"] == 1


def test_dead_links_of_a_list_are_listed_with_their_reason(tmp_path):
    def answers(path, *_):
        return {"/1.jpg": ok(PHOTO), "/2": ok(b"\x89PNG" + PHOTO), "/web": ok(b"<html>")}.get(path, (404, {}, b""))

    offline = closed_port()
    with serving(answers) as (address, asked):
        lines = ["# photos", "", f"{address}/1.jpg", f"{address}/1.jpg", f"{address}/2", f"{address}/web"]
        lines += [f"{address}/gone", f"{offline}/x.jpg", "no address", "http://[::1", "ftp://x.org/a.jpg"]
        (tmp_path / "list.txt").write_text("\n".join(lines), encoding="utf-8")
        source = AddressList({"statue": tmp_path / "list.txt"}, pause=0)
        folder = get(source, tmp_path / "raw")
        get(source, tmp_path / "raw")
    assert asked["/1.jpg"] == asked["/2"] == 1
    rows = table(folder / "sources.csv")
    assert {(folder / row["path"]).read_bytes() for row in rows} == {PHOTO, b"\x89PNG" + PHOTO}
    assert sorted(Path(row["path"]).suffix for row in rows) == [".jpg", ".png"]
    assert {(row["licence"], row["author"]) for row in rows} == {("unknown", "unknown")}
    assert {row["source"] for row in rows} == {f"{address}/1.jpg", f"{address}/2"}
    dead = {row["address"]: row["reason"] for row in table(folder / "dead_links.csv")}
    assert "404" in dead[f"{address}/gone"]
    assert "web page" in dead[f"{address}/web"]
    assert "offline" in dead[f"{offline}/x.jpg"]
    assert len(dead) == 6
    assert all(dead.values())


def test_a_list_without_one_living_link_is_an_error(tmp_path):
    (tmp_path / "list.txt").write_text(f"{closed_port()}/a.jpg\n", encoding="utf-8")
    fails(AddressList({"statue": tmp_path / "list.txt"}, pause=0), tmp_path / "raw", "none of 1 addresses", "offline")
    with pytest.raises(DownloadError, match=r"missing\.txt"):
        get(AddressList({"statue": tmp_path / "missing.txt"}), tmp_path / "raw")
    with pytest.raises(FileNotFoundError):
        collect_addresses({"statue": tmp_path / "missing.txt"}, tmp_path / "raw")


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        (None, 0, 0),
        ("soon", 0, 0),
        ("in an hour", 3000, 3601),
        ("-3", 0, 0),
    ],
)
def test_the_wish_of_a_server_is_read_as_seconds_or_as_a_date(header, low, high):
    if header == "in an hour":  # made here: a test must be called the same in each of two processes
        header = formatdate(time.time() + 3600, usegmt=True)
    response = requests.Response()
    response.headers.update({} if header is None else {"Retry-After": header})
    assert low <= retry_after(response) <= high
