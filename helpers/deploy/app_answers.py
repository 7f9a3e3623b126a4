"""What the app shows of uploaded images: a table, a card for each image, and the user's word on what it really is."""

import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from data_prework.image_files import read_image
from data_prework.names import printable
from helpers.deploy.bundle import Bundle
from helpers.deploy.bundle_checks import ASK, CANNOT_JUDGE, CANNOT_READ, one_line
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.decision import MORE_CLASSES, at_prevalence, decide, summary
from helpers.deploy.feedback import remove_feedback, save_feedback
from helpers.deploy.predict import explain, predict
from helpers.plots.overlays import overlay

AT_ONCE = 16  # images judged between two steps of the progress bar
PAGE = 8  # cards on a page
ALL = "all"


@dataclass(frozen=True)
class Chosen:
    """A bundle with what the user set for it.

    Attributes:
        label: its name on the page.
        bundle: the one that judges.
        limits: `threshold` or `abstain` for `decide`.
        prevalence: where the images come from; None: as in the bundle.
    """

    label: str
    bundle: Bundle
    limits: dict[str, float]
    prevalence: float | None = None


@dataclass
class Upload:
    """One uploaded content, under all the names that it has.

    Attributes:
        digest: sha256 of the content.
        file: Streamlit's, whose `getvalue` gives the content.
        names: of the files.
    """

    digest: str
    file: Any
    names: list[str] = field(default_factory=list)


def show_answers(files: list, chosen: list[Chosen], feedback: Path) -> None:
    """Draw the answers about uploaded files: the table first where there are several, then a page of cards.

    Args:
        files: from `st.file_uploader`.
        chosen: one bundle or two, of the same classes.
        feedback: SQLite file.
    """
    uploads = _uploads(files)
    frames = [_answers(uploads, one) for one in chosen]
    several = len(files) > 1
    if several:
        _table(uploads, frames, chosen)
    for number in _page(frames[0]):
        _card(list(uploads.values())[number], [frame.iloc[number] for frame in frames], chosen, feedback)
    if not several:
        _table(uploads, frames, chosen)


def _uploads(files: list) -> dict[str, Upload]:
    """Contents by their sha256, in the order of the files; a content that was hashed once is not hashed again."""
    digests, found = st.session_state.setdefault("digests", {}), {}
    for file in files:
        if file.file_id not in digests:
            digests[file.file_id] = hashlib.sha256(file.getvalue()).hexdigest()
        digest = digests[file.file_id]
        found.setdefault(digest, Upload(digest, file)).names.append(printable(file.name))
    return found


def _answers(uploads: dict[str, Upload], one: Chosen) -> pd.DataFrame:
    """A row of `predict` for each content; only those that this bundle has not seen are judged."""
    rows = st.session_state.setdefault("judged", {}).setdefault(one.bundle.identity, {})
    new = [upload for digest, upload in uploads.items() if digest not in rows]
    bar = st.progress(0.0, f"{plain(one.label)} is classifying {len(new):,} images") if len(new) > AT_ONCE else None
    for start in range(0, len(new), AT_ONCE):
        part = {upload.digest: upload.file.getvalue() for upload in new[start : start + AT_ONCE]}
        frame = predict(part, one.bundle)
        rows |= dict(zip(part, frame.to_dict("records"), strict=True))
        if bar:
            done = min(start + AT_ONCE, len(new))
            bar.progress(done / len(new), f"{plain(one.label)} has classified {done:,} of {len(new):,} images")
    if bar:
        bar.empty()
    frame = pd.DataFrame([rows[digest] | {"file": ", ".join(upload.names)} for digest, upload in uploads.items()])
    if one.prevalence is not None:
        frame = at_prevalence(frame, one.bundle, one.prevalence)
    return decide(frame, one.bundle, **one.limits)


def _page(frame: pd.DataFrame) -> list[int]:
    """Which contents have a card on this page."""
    numbers = list(range(len(frame)))
    if len(numbers) <= PAGE:
        return numbers
    left, right = st.columns(2)
    decisions = list(dict.fromkeys(frame["decision"]))
    wanted = left.selectbox("Show", [ALL, *decisions], format_func=lambda name: plain(one_line(name)))
    numbers = [i for i in numbers if wanted == ALL or frame["decision"].iloc[i] == wanted]
    pages = -(-len(numbers) // PAGE)
    page = right.number_input(f"Page of {pages}", 1, pages, key=f"page {wanted} {pages}") if pages > 1 else 1
    return numbers[(page - 1) * PAGE : page * PAGE]


def _card(upload: Upload, rows: list[pd.Series], chosen: list[Chosen], feedback: Path) -> None:
    with st.container(border=True):
        st.text(rows[0]["file"])
        if rows[0]["decision"] == CANNOT_READ:
            st.error(f"This file cannot be used: {plain(rows[0]['note'])}.")
            return
        first, *others = st.columns(1 + len(rows))
        first.image(_small(upload.digest, chosen[0].bundle.bits, upload.file.getvalue()), caption="the image")
        for column, row, one in zip(others, rows, chosen, strict=True):
            with column:
                _answer(upload, row, one)
        _ask(upload, rows, chosen, feedback)


@st.cache_data(max_entries=200, show_spinner=False)
def _small(digest: str, bits: int, _data: bytes) -> bytes:
    image = Image.fromarray(read_image(_data, bits=bits))
    image.thumbnail((320, 320))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@st.cache_data(max_entries=200, show_spinner="Computing the heatmap")
def _explained(identity: str, digest: str, target: str, _bundle: Bundle, _data: bytes) -> tuple[np.ndarray, np.ndarray]:
    return explain(_data, _bundle, target)


def _answer(upload: Upload, row: pd.Series, one: Chosen) -> None:
    bundle, decision = one.bundle, plain(one_line(row["decision"]))
    st.caption(plain(one.label))
    if bundle.doubt:
        st.header("Don't rely on this answer", anchor=False)
        st.markdown(f"Answer: {decision}")
    else:
        st.header(decision, anchor=False)
    if row["decision"] == CANNOT_JUDGE:
        st.warning(f"The image is {plain(row['note'])}. Its probability means nothing.")
    if row["decision"] == ASK:
        st.info(f"The model isn't sure enough to decide: {row['note']}.")
    if len(bundle.classes) == 2:
        explained = bundle.classes[1]
        kind = "calibrated probability" if bundle.rule.calibrated else "probability"
        st.text(f"{kind} of {one_line(explained)}: {row['probability']:.3f}")
        limit = f"; {plain(one_line(explained))} is the answer from {one.limits['threshold']:.3f} on"
    else:
        explained, limit = row["class"], ""
        for name, probability in zip(MORE_CLASSES[::2], MORE_CLASSES[1::2], strict=True):
            st.text(f"{row[probability]:.3f}  {one_line(row[name])}")
    image, heat = _explained(bundle.identity, upload.digest, explained, bundle, upload.file.getvalue())
    words = "bright: evidence for" if heat.any() else "no evidence here for"
    st.image(overlay(image, heat), caption=f"{words} {plain(one_line(explained))}{limit}")


def _ask(upload: Upload, rows: list[pd.Series], chosen: list[Chosen], feedback: Path) -> None:
    """The question what the image really is, with its button, and the way back."""
    words, classes = "What does the image really show?", chosen[0].bundle.classes
    key = f"{upload.digest} {hashlib.sha256(repr(classes).encode()).hexdigest()[:12]}"
    said, kept = (st.session_state.setdefault(name, {}) for name in ("said", "kept"))
    if key in said and f"truth {key}" not in st.session_state:  # it was on another page meanwhile
        st.session_state[f"truth {key}"] = said[key]
    if len(classes) == 2:
        label = st.radio(words, classes, None, lambda name: plain(one_line(name)), f"truth {key}", horizontal=True)
    else:
        label = st.selectbox(words, classes, None, key=f"truth {key}", placeholder="a class")
    said |= {key: label} if label is not None else {}
    answers = {
        one.bundle.key: (float(row["probability"]), _limit(one), row["decision"])
        for row, one in zip(rows, chosen, strict=True)
    }
    done = key in kept and kept[key]["answers"] == (label, tuple(answers))
    arguments = (key, upload.file.getvalue(), answers, label, feedback)
    st.button("Keep this", f"keep {key}", disabled=label is None or done, on_click=_keep, args=arguments)
    if trouble := st.session_state.pop(f"trouble {key}", ""):
        st.error(plain(trouble))
    elif done:
        st.success("Kept, without the image and its name.")
        st.button("Take it back", f"undo {key}", on_click=_take_back, args=(key, feedback))


def _limit(one: Chosen) -> float:
    return next(iter(one.limits.values()))


def _keep(key: str, data: bytes, answers: dict[str, tuple], label: str, feedback: Path) -> None:
    """Store one answer, once however often the button is clicked; a changed answer takes the place of the old one."""
    kept = st.session_state["kept"]
    if key in kept and kept[key]["answers"] == (label, tuple(answers)):
        return
    try:
        rows = [save_feedback(feedback, data, bundle, *answer, label) for bundle, answer in answers.items()]
        remove_feedback(feedback, kept.pop(key, {"rows": []})["rows"])
        kept[key] = {"answers": (label, tuple(answers)), "rows": rows}
    except ValueError as error:
        st.session_state[f"trouble {key}"] = str(error)


def _take_back(key: str, feedback: Path) -> None:
    kept = st.session_state["kept"]
    try:
        remove_feedback(feedback, kept.pop(key, {"rows": []})["rows"])
    except ValueError as error:
        st.session_state[f"trouble {key}"] = str(error)


def _table(uploads: dict[str, Upload], frames: list[pd.DataFrame], chosen: list[Chosen]) -> None:
    """All answers, a row a file and bundle; nothing in it, nor in what is downloaded, is a formula."""
    st.subheader("All answers")
    st.markdown(plain(f"{chosen[0].label}: {summary(frames[0])}"))
    if len(frames) == 2:
        a, b = (frame["decision"].to_numpy() for frame in frames)
        st.markdown(f"The two bundles agree on {(a == b).sum()} of {len(a)} images.")
    corrected = any(one.prevalence is not None for one in chosen)
    parts = [
        frame.assign(bundle=one.label, **one.limits, **({"prevalence": _share(one)} if corrected else {}))
        for frame, one in zip(frames, chosen, strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    answers = [*(MORE_CLASSES if "class" in table else ["probability"]), next(iter(chosen[0].limits))]
    answers += ["prevalence"] if corrected else []
    shown = for_spreadsheet(table[["file", "bundle", "decision", *answers, "unlike", "note"]])
    st.dataframe(shown, hide_index=True)
    content = shown.to_csv(index=False).encode("utf-8-sig")
    st.download_button("Answers as CSV", content, "answers.csv", "text/csv")


def _share(one: Chosen) -> float:
    return np.nan if one.prevalence is None else one.prevalence


def plain(text: object) -> str:
    """Text as it is where Streamlit would read Markdown: a file's name must not become a link or an image.

    Args:
        text: of a stranger.

    Example:
        >>> plain("![x](http://example.org)")
        '\\\\!\\\\[x\\\\]\\\\(http://example.org\\\\)'
    """
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$])", r"\\\1", str(text))
