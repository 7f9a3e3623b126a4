"""Collect photos one by one, from Wikimedia Commons or from lists of addresses, with author and licence per file."""

import csv
import hashlib
import html
import json
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from filelock import FileLock
from tqdm import tqdm

from data_prework.files import atomic_write
from data_prework.sources.http import BadAnswerError, DownloadError, in_words, retry_after, user_agent, with_retries

COMMONS_API = "https://commons.wikimedia.org/w/api.php"
SOURCE_FIELDS = ("path", "source", "licence", "author")
DEAD_FIELDS = ("class", "address", "reason")
MAX_IMAGE_BYTES = 50 * 2**20
MAX_IMAGE_SECONDS = 300
SAVE_EVERY = 25  # files between two writings of sources.csv, so that a killed run loses little
IMAGE_HEADS = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"RIFF": ".webp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
}


def collect(
    categories: dict[str, str],
    folder: Path,
    *,
    api: str = COMMONS_API,
    per_class: int = 500,
    width: int = 500,
    pause: float = 0.2,
    retries: int = 3,
    timeout: float = 30,
    wait: float = 1.0,
) -> Path:
    """Fetch JPEG photos of Wikimedia Commons into `folder`/class and return `folder`.

    Files that are there are not fetched again; a lone file that cannot be had is listed in dead_links.csv.
    sources.csv holds path, page, short licence name and author of every file.

    Args:
        categories: class name -> category, or several with | between; sub-categories are not followed.
        per_class: photos at most.
        width: pixels of the scaled copy that is fetched; 500 is one of the widths that Commons keeps ready.
        pause: seconds before each request.
        retries: tries per request.
        timeout: seconds without a byte.
        wait: seconds before the second try, doubled for each further one.

    Raises:
        requests.RequestException: the server cannot be reached.
        DownloadError: a class has no photos.

    Source:
        https://www.mediawiki.org/wiki/API:Categorymembers and API:Imageinfo
    """
    folder = Path(folder)
    with _collection(folder, categories) as (sources, dead), _session() as session:
        get = partial(_get, session, pause=pause, retries=retries, timeout=timeout, wait=wait)
        for label, titles in categories.items():
            found = 0
            with tqdm(total=per_class, desc=label, unit="photo") as bar:
                for photo in _photos(get, api, titles.split("|"), width):
                    path = f"{label}/{photo['name']}"
                    if not (folder / path).exists():
                        try:
                            _save_photo(folder / path, get(photo["address"]))
                        except (requests.HTTPError, BadAnswerError) as error:
                            dead[photo["address"]] = (label, photo["address"], in_words(error))
                            continue
                    sources[path] = (path, photo["source"], photo["licence"], photo["author"])
                    found += 1
                    bar.update()
                    if found % SAVE_EVERY == 0:
                        _write_table(folder / "sources.csv", SOURCE_FIELDS, sources)
                    if found == per_class:
                        break
            if not found:
                raise DownloadError(f"{api}: no photo in category {titles}: look up how the category is called now")
    return folder


def collect_addresses(
    lists: dict[str, Path],
    folder: Path,
    *,
    pause: float = 0.1,
    retries: int = 2,
    timeout: float = 15,
    wait: float = 1.0,
) -> Path:
    """Fetch every image named in text files into `folder`/class and return `folder`.

    A dead link is never an error: it is listed in dead_links.csv with its reason and tried again by the next call.
    sources.csv holds path and address; licence and author are "unknown" and stay so until someone looks them up.

    Args:
        lists: class name -> text file with one address per line; blank lines and lines that begin with # are passed
            over.
        pause: seconds before each request.
        retries: tries per request.
        timeout: seconds without a byte.
        wait: seconds before the second try, doubled for each further one.

    Raises:
        DownloadError: not one image of all lists could be had.
        FileNotFoundError: a list is missing.
    """
    folder = Path(folder)
    wanted = {label: _addresses(Path(path)) for label, path in lists.items()}
    with _collection(folder, lists) as (sources, dead), _session() as session:
        get = partial(_get, session, pause=pause, retries=retries, timeout=timeout, wait=wait)
        for label, addresses in wanted.items():
            for number, address in enumerate(tqdm(addresses, desc=label, unit="image"), start=1):
                try:
                    stem = _stem(address)
                    there = next((folder / label).glob(f"{stem}.*"), None)
                    if there is None:
                        content = get(address)
                        there = folder / label / f"{stem}{_suffix(content)}"
                        _write_bytes(there, content)
                    path = f"{label}/{there.name}"
                    sources[path] = (path, address, "unknown", "unknown")
                except (requests.RequestException, BadAnswerError, ValueError) as error:
                    dead[address] = (label, address, in_words(error))
                if number % SAVE_EVERY == 0:
                    _write_table(folder / "sources.csv", SOURCE_FIELDS, sources)
        if not sources:
            reasons = sorted({reason for _, _, reason in dead.values()})
            raise DownloadError(
                f"none of {sum(map(len, wanted.values()))} addresses gave an image: {'; '.join(reasons)}"
            )
    return folder


@contextmanager
def _collection(folder: Path, labels: Iterable[str]) -> Iterator[tuple[dict, dict]]:
    """Hold a folder for one collector; hand out its two tables, and write them at the end, however it comes."""
    for label in labels:
        if not re.fullmatch(r"\w[\w .-]*", label):
            raise DownloadError(f"class name {label!r} cannot be a folder: use letters, digits, _ and -")
        (folder / label).mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".collect.lock"):
        sources, dead = _read_sources(folder), {}
        try:
            yield sources, dead
        finally:
            _write_table(folder / "sources.csv", SOURCE_FIELDS, sources)
            _write_table(folder / "dead_links.csv", DEAD_FIELDS, dead)


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = user_agent()
    return session


def _get(
    session: requests.Session,
    address: str,
    params: dict | None = None,
    *,
    pause: float,
    retries: int,
    timeout: float,
    wait: float,
) -> bytes:
    """Return a whole answer, asked for politely: a pause before, another try when the server is busy or breaks off."""

    def once() -> bytes:
        time.sleep(pause)
        with session.get(address, params=params, timeout=timeout, stream=True) as response:
            response.raise_for_status()
            content, until = bytearray(), time.monotonic() + MAX_IMAGE_SECONDS
            for chunk in response.iter_content(2**16):
                content += chunk
                if len(content) > MAX_IMAGE_BYTES:
                    raise BadAnswerError(f"more than {MAX_IMAGE_BYTES:,} bytes", may_pass=False)
                if time.monotonic() > until:
                    raise BadAnswerError(f"not finished after {MAX_IMAGE_SECONDS} s", may_pass=False)
        if params:
            _check_api(content, retry_after(response))
        return bytes(content)

    return with_retries(once, retries, wait)


def _check_api(content: bytes, seconds: float) -> None:
    """Raise BadAnswerError for a fault that the MediaWiki API reports inside an answer of status 200."""
    try:
        error = json.loads(content).get("error")
    except (ValueError, AttributeError):
        raise BadAnswerError("the answer is not the JSON of a MediaWiki API", may_pass=False) from None
    if error:
        busy = error.get("code") in ("maxlag", "ratelimited", "readonly")
        raise BadAnswerError(f"the API says: {error.get('info', error)}", may_pass=busy, retry_after=seconds)


def _photos(get, api: str, titles: list[str], width: int) -> Iterator[dict[str, str]]:
    """Yield name, address, source, licence and author of the JPEG files of the categories, each file once."""
    seen = set()
    for title in titles:
        title = title.strip().removeprefix("Category:")
        query = {
            "action": "query",
            "format": "json",
            "formatversion": "2",
            "maxlag": "5",
            "generator": "categorymembers",
            "gcmtitle": f"Category:{title}",
            "gcmtype": "file",
            "gcmlimit": "50",
            "prop": "imageinfo",
            "iiprop": "url|extmetadata|size|mime",
            "iiurlwidth": str(width),
        }
        more: dict[str, str] | None = {}
        while more is not None:
            answer = json.loads(get(api, query | more))
            for page in answer.get("query", {}).get("pages", []):
                # A continued answer repeats pages, first without their imageinfo.
                if page["pageid"] in seen or not page.get("imageinfo"):
                    continue
                seen.add(page["pageid"])
                if page["imageinfo"][0].get("mime") == "image/jpeg":
                    yield _photo(page)
            more = answer.get("continue")


def _photo(page: dict) -> dict[str, str]:
    info = page["imageinfo"][0]
    about = info.get("extmetadata") or {}
    title = page["title"].removeprefix("File:").rpartition(".")[0]
    return {
        "name": f"{_slug(title)[:80]}_{page['pageid']}.jpg",
        "address": info.get("thumburl") or info["url"],
        "source": info.get("descriptionurl", info["url"]),
        "licence": _plain(about.get("LicenseShortName", {}).get("value", "")) or "unknown",
        "author": _plain(about.get("Artist", {}).get("value", "")) or "unknown",
    }


def _plain(text: str) -> str:
    """Return the text of a piece of HTML on one line."""
    text = re.sub(r"(?is)<(style|script)\b.*?</\1>|<(br|/?p|/?div|/?li|/?t[dr])\b[^>]*>", " ", str(text))
    text = re.sub(r"<[^>]*>", "", text)
    return " ".join(html.unescape(text).split())


def _slug(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9-]+", "_", ascii_text).strip("_") or "photo"


def _stem(address: str) -> str:
    name = unquote(urlsplit(address).path).rpartition("/")[2].partition(".")[0]
    return f"{_slug(name)[:40]}_{hashlib.sha256(address.encode()).hexdigest()[:10]}"


def _suffix(content: bytes) -> str:
    """Return the file suffix that the first bytes of an image ask for."""
    for head, suffix in IMAGE_HEADS.items():
        if content.startswith(head):
            return suffix
    what = "a web page" if content.lstrip().startswith(b"<") else "nothing" if not content else "something else"
    raise BadAnswerError(f"{what} came instead of an image", may_pass=False)


def _addresses(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def _save_photo(path: Path, content: bytes) -> None:
    if _suffix(content) != ".jpg":
        raise BadAnswerError("not a JPEG file", may_pass=False)
    _write_bytes(path, content)


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_write(path) as aside:
        aside.write_bytes(content)


def _read_sources(folder: Path) -> dict[str, tuple]:
    table = folder / "sources.csv"
    if not table.exists():
        return {}
    with table.open(newline="", encoding="utf-8") as file:
        rows = [tuple(row[field] for field in SOURCE_FIELDS) for row in csv.DictReader(file)]
    return {row[0]: row for row in rows if (folder / row[0]).exists()}


def _write_table(path: Path, fields: tuple[str, ...], rows: dict[str, tuple]) -> None:
    with atomic_write(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(fields)
        writer.writerows(sorted(rows.values()))
