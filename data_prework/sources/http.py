"""Manners and words for the web: when to try again, how long to wait, and what a failure means to a reader."""

import errno
import os
import re
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

import requests
from urllib3.exceptions import InvalidHeader, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from data_prework.errors import CourseError
from data_prework.files import PROJECT

LONGEST_WAIT = 120.0  # seconds, however long a server asks for
Result = TypeVar("Result")


def user_agent() -> str:
    """How the course names itself to servers: with a contact, without which Wikimedia refuses.

    The contact is the environment variable COURSE_CONTACT, an address of mail or of a page; where it isn't set, the
    project's page, which is its git remote.

    Source:
        https://foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy
    """
    contact = os.environ.get("COURSE_CONTACT") or _page()
    about = f"teaching notebooks; {contact}" if contact else "teaching notebooks"
    return f"image-classification-course/2 ({about}) python-requests/{requests.__version__}"


def _page() -> str:
    """The git remote as an address of the web, "" where there is none."""
    try:
        command = ["git", "-C", str(PROJECT), "remote", "get-url", "origin"]
        remote = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
    remote = re.sub(r"^(ssh://)?git@([^:/]+)[:/]", r"https://\2/", remote)
    return remote.removesuffix(".git") if re.fullmatch(r"https?://[^@\s]+", remote) else ""


class DownloadError(CourseError, RuntimeError):
    """A download that failed for good; from `fetch`, the message names dataset, address, fault and the way by hand."""


class BadAnswerError(CourseError):
    """An answer that arrived and is not what was asked for: other bytes, a web page, a server too busy to answer.

    may_pass: another try can help. retry_after: seconds that the server asks to wait.
    """

    def __init__(self, words: str, *, may_pass: bool, retry_after: float = 0.0) -> None:
        super().__init__(words)
        self.may_pass, self.retry_after = may_pass, retry_after


def in_words(error: Exception) -> str:
    """Say what went wrong in words that name a cause; status codes of servers are kept in brackets."""
    inner = error.args[0] if error.args else None
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _status_in_words(error.response.status_code)
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate was not accepted: check this computer's clock, or the proxy of your network"
    if isinstance(error, requests.Timeout) or isinstance(inner, ReadTimeoutError):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or isinstance(inner, ProtocolError):
        return "the connection broke half-way"
    if isinstance(error, requests.ConnectionError):
        return "no connection to the server: this computer is offline, or the address no longer exists"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full: make room, or set another data folder"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return str(error)


def with_retries(call: Callable[[], Result], retries: int, wait: float) -> Result:
    """Return call(), tried up to `retries` times as long as its error is one that may pass.

    urllib3's Retry, mounted on a session, would not do: it sees neither a body that breaks off, a wrong checksum or a
    busy API, nor the requests of pooch and kagglehub.

    Args:
        call: raises an exception of requests, or BadAnswerError, where it fails.
        retries: 1 or more.
        wait: seconds before the second try, doubled for each further one; what a server asks for goes before.

    Raises:
        Exception: that of the last try.
    """
    for attempt in range(1, retries + 1):
        try:
            return call()
        except (requests.RequestException, BadAnswerError) as error:
            if attempt >= retries or not _may_pass(error):
                raise
            time.sleep(min(LONGEST_WAIT, max(wait * 2 ** (attempt - 1), _asked_to_wait(error))))
    raise ValueError(f"retries must be 1 or more, not {retries}")


def _status_in_words(status: int) -> str:
    if status in (401, 403):
        return f"the server refused ({status}): open the page in a browser and accept the terms, or sign in"
    if status in (404, 410):
        return f"nothing is there any more ({status}): the address has moved, look for the file on the page"
    if status == 429:
        return "the server asks to slow down (429): try again in an hour"
    if status >= 500:
        return f"the server has a fault of its own ({status}): try again later"
    return f"the server answered with status {status}"


def _may_pass(error: Exception) -> bool:
    if isinstance(error, BadAnswerError):
        return error.may_pass
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    if isinstance(error, requests.exceptions.SSLError):
        return False
    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    return isinstance(error, passing)


def _asked_to_wait(error: Exception) -> float:
    """Seconds to wait that came with an error."""
    if isinstance(error, BadAnswerError):
        return error.retry_after
    response = getattr(error, "response", None)
    return 0.0 if response is None else retry_after(response)


def retry_after(response: requests.Response) -> float:
    """Seconds that the server asks to wait (header Retry-After: seconds or a date); 0 where it doesn't."""
    try:
        return Retry().get_retry_after(response) or 0.0
    except InvalidHeader:
        return 0.0
