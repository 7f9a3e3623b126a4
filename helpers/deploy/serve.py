"""A bundle at an address of this computer: other programs send images and get the rows of `predict` as JSON.

    python -m helpers.deploy serve BUNDLE [--port 8000]

GET  /health         which bundle answers, and whether anything speaks against relying on it
POST /predict        {"images": [{"name": "a.png", "content": BASE64}], "prevalence": 0.1}
POST /predict/files  the same images as a form of files (multipart)

It has no login and no encryption, so it listens on this computer only, unless --address
says otherwise. Names of files are not logged.
"""

import argparse
import base64
import binascii
import json
import sys
from importlib.util import find_spec
from threading import Lock
from typing import Annotated, Any

from data_prework.names import printable
from helpers.deploy.bundle import Bundle, load_bundle
from helpers.deploy.decision import limit_of
from helpers.deploy.predict import predict

NEEDED = ("fastapi", "uvicorn", "python-multipart")
MANY = 1000  # images that one request may bring at most, whatever is asked for


def create_service(bundle: Bundle, max_bytes: int = 50 * 2**20, max_images: int = 64, **limits: float | None) -> Any:
    """The service as an ASGI application, for `uvicorn` or another server.

    Args:
        bundle: the one that judges.
        max_bytes: of a request; a larger one is refused with the status 413 before it is read.
        max_images: of a request; more are refused with the status 413.
        limits: `threshold` or `abstain`, as for `predict`.

    Returns:
        A FastAPI application. A wrong request gets the status 400 or 422 and {"detail": ...}, which says what is
        wrong; a bad image is a row with the decision "cannot read" and the reason.

    Raises:
        ImportError: FastAPI is not installed.
        ValueError: a limit doesn't fit the bundle.
    """
    from fastapi import FastAPI, File, HTTPException, Query, UploadFile
    from pydantic import BaseModel, Field

    class OneImage(BaseModel):
        name: str = Field(default="image", max_length=1000)
        content: str

    class Images(BaseModel):
        images: Annotated[list[OneImage], Field(min_length=1, max_length=MANY)]
        prevalence: Annotated[float | None, Field(gt=0, lt=1)] = None

    limit_of(bundle, **limits)
    service, turn = FastAPI(title=f"Bundle {bundle.name}", docs_url=None, redoc_url=None), Lock()
    service.add_middleware(_LimitedBody, max_bytes=max_bytes)

    def answers(named: list[tuple[str, bytes]], prevalence: float | None) -> dict:
        if len(named) > max_images:
            raise HTTPException(413, f"{len(named)} images, over the limit of {max_images}; send them in parts")
        try:
            with turn:  # one request after the other uses the network
                table = predict(
                    {str(i): data for i, (_, data) in enumerate(named)}, bundle, prevalence=prevalence, **limits
                )
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        rows = json.loads(table.assign(file=[printable(name) for name, _ in named]).to_json(orient="records"))
        return {"bundle": bundle.key, "doubt": bundle.doubt, "answers": rows}

    @service.get("/health")
    def health() -> dict:
        return {"status": "ok", "bundle": bundle.key, "classes": bundle.classes, "doubt": bundle.doubt}

    @service.post("/predict")
    def predict_json(request: Images) -> dict:
        named = []
        for number, image in enumerate(request.images):
            try:
                named.append((image.name, base64.b64decode(image.content, validate=True)))
            except (binascii.Error, ValueError) as error:
                raise HTTPException(422, f"images[{number}].content: not base64 ({error})") from error
        return answers(named, request.prevalence)

    @service.post("/predict/files")
    def predict_files(
        files: Annotated[list[UploadFile], File()], prevalence: Annotated[float | None, Query(gt=0, lt=1)] = None
    ) -> dict:
        return answers([(file.filename or "image", file.file.read()) for file in files], prevalence)

    return service


class _LimitedBody:
    """ASGI middleware: a request says how long it is, and is refused unread where that is too long."""

    def __init__(self, app: Any, max_bytes: int):
        self.app, self.max_bytes = app, max_bytes

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit():
            await _refuse(send, 411, "a request must say its length (Content-Length)")
        elif int(length) > self.max_bytes:
            await _refuse(send, 413, f"{int(length):,} bytes, over the limit of {self.max_bytes:,}; send fewer images")
        else:
            await self.app(scope, receive, send)


async def _refuse(send: Any, status: int, detail: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": detail}).encode()})


def run(args: argparse.Namespace) -> int:
    """Serve the bundle that the command line names until it is stopped.

    Args:
        args: from `serve_arguments`.

    Returns:
        The exit status.

    Raises:
        SystemExit: the command is wrong, the port is taken, or FastAPI is not installed (2).
    """
    if missing := [name for name in NEEDED if find_spec(name.replace("-", "_")) is None]:
        args.fail(f"{', '.join(missing)}: not installed; python -m pip install {' '.join(NEEDED)}")
    import uvicorn

    try:
        bundle = load_bundle(args.bundle)
        limits = {"threshold": args.threshold, "abstain": args.abstain}
        service = create_service(bundle, args.max_mb * 2**20, args.max_images, **limits)
    except ValueError as error:
        args.fail(str(error))
    if bundle.doubt:
        print(f"Note: {bundle.doubt}", file=sys.stderr)
    print(f"{bundle.key} answers at http://{args.address}:{args.port}/predict until Ctrl+C", flush=True)
    uvicorn.run(service, host=args.address, port=args.port, log_level="warning", access_log=False)
    return 0
