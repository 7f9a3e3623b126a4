"""A page to grade open questions on, one submission after the other; it keeps the points in manual.csv.

    python -m helpers.course review --out build/grades

It runs on this computer only, at an address with a secret in it, and sends nothing anywhere. Each submission's answers
stand beside their question and its rubric. Points are kept at once; `make grade` adds them and writes the feedback.
"""

import argparse
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading.assignments.release import assignments
from helpers.course.grading.marks.manual import fault, read_manual, write_manual
from helpers.course.grading.marks.review_page import page, questions
from helpers.errors import CourseError

LARGEST = 200_000  # bytes of a form
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Review:
    """The open answers of a class, and the points that are given to them.

    Attributes:
        out: Folder of the grades, with manual.csv and the course that was graded.
        most: Assignment -> task -> its points.
        about: (assignment, task) -> text of the question, and of the model answer with its rubric.
    """

    def __init__(self, out: Path, most: dict[str, dict[str, float]]):
        self.out, self.most = out, most
        self.about = questions(out / "course" / "source", list(most))
        self._lock = threading.Lock()

    def submissions(self) -> dict[tuple[str, str], list[dict[str, str]]]:
        """Return (assignment, student) -> their rows of manual.csv, by assignment and student.

        Raises:
            ValueError: manual.csv is not clear.
        """
        found: dict[tuple[str, str], list[dict[str, str]]] = {}
        for (student, name, _), row in read_manual(self.out / "manual.csv", self.most).items():
            found.setdefault((name, student), []).append(row)
        return dict(sorted(found.items()))

    def keep(self, assignment: str, student: str, given: dict[str, str]) -> str:
        """Write points and comments of one submission into manual.csv.

        Args:
            assignment: Its name.
            student: Whose it is.
            given: "points TASK" and "comment TASK" -> what was typed.

        Returns:
            What is wrong with it, so that nothing was written; "" where it was kept.
        """
        path = self.out / "manual.csv"
        with self._lock:
            try:
                manual = read_manual(path, self.most)
                for (who, name, task), row in manual.items():
                    if (who, name) == (student, assignment):
                        for column in ("points", "comment"):
                            row[column] = given.get(f"{column} {task}", row[column]).strip()
                        if wrong := fault(row, self.most):
                            return f"{task}: {wrong}"
                write_manual(path, manual.values())
            except (OSError, ValueError) as error:
                return str(error)
        return ""


def handler(review: Review, secret: str) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers a browser.

    Args:
        review: What it shows and keeps.
        secret: First part of each address; whoever does not know it gets nothing.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self._answer(lambda number, _: self._show(number))

        def do_POST(self):
            self._answer(self._keep)

        def log_message(self, *words):
            """Say nothing on the terminal."""

        def _answer(self, act: Callable) -> None:
            address = urlsplit(self.path)
            host = self.headers.get("Host", "").rsplit(":", 1)[0]
            if host not in ("127.0.0.1", "localhost") or not secrets.compare_digest(address.path, f"/{secret}"):
                self._send(404, "not found")
                return
            asked = parse_qs(address.query).get("n", ["0"])[0]
            try:
                act(int(asked) if asked.isdecimal() else 0, review.submissions())
            except (CourseError, ValueError, OSError) as error:
                self._send(500, page(review, {}, 0, said=str(error)))

        def _show(self, number: int, said: str = "", typed: dict[str, str] | None = None) -> None:
            self._send(400 if said else 200, page(review, review.submissions(), number, said, typed))

        def _keep(self, number: int, there: dict) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > LARGEST:
                self._send(413, "too large")
                return
            form = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"), keep_blank_values=True)
            given = {name: values[-1].replace("\r\n", "\n") for name, values in form.items()}
            key = (given.get("assignment", ""), given.get("student", ""))
            said = review.keep(*key, given) if key in there else "this submission is not in manual.csv any more"
            if said:
                self._show(number, said, given)
                return
            self.send_response(303)
            self.send_header("Location", f"/{secret}?n={number + 1}")
            self.end_headers()

        def _send(self, status: int, text: str) -> None:
            body = text.encode("utf-8", "replace")
            self.send_response(status)
            for name, value in (HEADERS | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main(argv: list[str] | None = None) -> int:
    """Serve the page until Ctrl+C.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course review", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/grades"), help="holds manual.csv")
    parser.add_argument("--port", type=int, default=8502)
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        settings = read_settings(args.settings)
        names = assignments(settings, args.settings)
        review = Review(args.out, {name: settings[name]["points"] for name in names})
        if not review.submissions():
            raise FileNotFoundError(f"{args.out / 'manual.csv'} has no open answers: run make grade first")
        secret = secrets.token_urlsafe(16)
        server = ThreadingHTTPServer(("127.0.0.1", args.port), handler(review, secret))
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    address = f"http://127.0.0.1:{server.server_port}/{secret}"
    print(f"open questions  {address}     (Ctrl+C ends it; then make grade again)", flush=True)
    webbrowser.open(address)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0
