"""The app: upload images, see what one bundle or two say about them, and tell it the truth.

    python -m helpers.deploy app FOLDER_OF_BUNDLES [--feedback FILE] [--port 8501]

It runs on this computer only, sends nothing anywhere, and keeps no image.
"""

import argparse
import hashlib
import io
import re
import sys
from pathlib import Path

import pandas as pd
import streamlit as st
from PIL import Image
from streamlit import runtime
from streamlit.web import cli

from data_prework.image_files import MAX_BYTES, read_image
from helpers.deploy.bundle import Bundle, find_bundles, load_bundle
from helpers.deploy.bundle_checks import ASK, CANNOT_JUDGE, CANNOT_READ, BundleError, one_line
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.decision import MORE_CLASSES, decide, limit_of
from helpers.deploy.feedback import read_feedback, save_feedback
from helpers.deploy.model_card import WARNING
from helpers.deploy.predict import predict
from helpers.deploy.rule import shares
from helpers.plots.overlays import overlay

FLAGS = {
    "browser.gatherUsageStats": "false",
    "server.address": "localhost",
    "server.showEmailPrompt": "false",
    "server.maxUploadSize": str(MAX_BYTES // 2**20),
    "server.fileWatcherType": "none",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
}
NOBODY = "none"
WORDS = {"miss": "a miss", "false_alarm": "a false alarm", "ask": "a person's look"}
KINDS = "JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP, PNM or JPEG 2000, and HEIC and DICOM where their readers are installed"


def show(folder: Path | str, feedback: Path | str) -> None:
    """Draw the page of the app.

    Args:
        folder: holds bundles, or is one.
        feedback: SQLite file, made when the first feedback is kept.
    """
    feedback = Path(feedback)
    st.set_page_config(page_title="Judge images")
    st.title("Judge images")
    st.warning(f"{WARNING} Do not upload images of real patients.")
    bundles = _choose(find_bundles(folder), Path(folder))
    files = st.file_uploader("Images", accept_multiple_files=True, help=KINDS)
    tables = [_one_file(number, file, bundles, feedback) for number, file in enumerate(files)]
    if tables:
        _whole_table(pd.concat(tables, ignore_index=True), bundles)
    _kept(feedback)


def _choose(folders: list[Path], place: Path) -> list[tuple[Bundle, dict]]:
    """The chosen bundles, each with its limit and the prevalence that was set; the page ends where there is none."""
    if not folders:
        st.error(f"No bundle in {_plain(place)}. Run lesson 9.1, which saves one, or give another folder.")
        st.stop()
    names = [folder.name for folder in folders]
    first = st.selectbox("Bundle", names)
    second = st.selectbox("Compare with", [NOBODY, *(name for name in names if name != first)])
    bundles = []
    for name in (first, second):
        if name == NOBODY:
            continue
        try:
            folder = folders[names.index(name)]
            bundle = _load(str(folder), (folder / "bundle.json").stat().st_mtime_ns)
        except (BundleError, OSError) as error:
            st.error(_plain(error))
            continue
        bundles.append((bundle, _settings(bundle)))
    if not bundles:
        st.stop()
    if len({bundle.classes for bundle, _ in bundles}) > 1:
        st.error("These two bundles answer different questions; the second is left out.")
    return [(bundle, chosen) for bundle, chosen in bundles if bundle.classes == bundles[0][0].classes]


def _settings(bundle: Bundle) -> dict:
    """What the user sets for a bundle: its limit, and the prevalence where the bundle can correct for it."""
    name, positive = _plain(bundle.name), _plain(one_line(bundle.classes[1]))
    two, limit, known = len(bundle.classes) == 2, float(limit_of(bundle)), bundle.rule.prevalence
    words = f"{positive} from this probability on" if two else "ask a person below"
    value = st.slider(f"{name}: {words}", 0.0, 1.0, limit, 0.001, "%.3f", key=f"limit {bundle.key}")
    chosen = {"threshold" if two else "abstain": value}
    if two and known is not None:
        known = float(shares(known, 2)[1])
        label = f"{name}: share of {positive} where the images come from"
        help_ = f"The bundle was calibrated at {known:.3f}. Its probabilities are corrected for the share that you set."
        value = st.slider(label, 0.001, 0.999, known, 0.001, "%.3f", help=help_, key=f"prevalence {bundle.key}")
        chosen["prevalence"] = None if value == known else value
    if bundle.rule.costs:
        costs = ", ".join(f"{cost:g} for {WORDS[name]}" for name, cost in bundle.rule.costs.items())
        st.caption(f"{name} decides by costs: {costs}.")
    return chosen


@st.cache_resource(max_entries=4, show_spinner="Loading the bundle")
def _load(folder: str, changed: int) -> Bundle:
    return load_bundle(folder)


@st.cache_data(max_entries=200, show_spinner="Looking")
def _judged(key: str, digest: str, name: str, prevalence: float | None, _bundle: Bundle, _data: bytes) -> pd.DataFrame:
    """One row of `predict` with its heatmap, kept for the bundle, the image and the prevalence."""
    return predict({name: _data}, _bundle, heatmap=True, prevalence=prevalence)


@st.cache_data(max_entries=200, show_spinner=False)
def _small(digest: str, bits: int, _data: bytes) -> bytes:
    image = Image.fromarray(read_image(_data, bits=bits))
    image.thumbnail((320, 320))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def _one_file(number: int, file, bundles: list[tuple[Bundle, dict]], feedback: Path) -> pd.DataFrame:
    """Draw one uploaded file; returns its rows, one a bundle."""
    data = file.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    judged = [_judged(b.key, digest, file.name, chosen.get("prevalence"), b, data) for b, chosen in bundles]
    limits = [{name: value for name, value in chosen.items() if name != "prevalence"} for _, chosen in bundles]
    frames = [decide(frame, b, **limit) for frame, (b, _), limit in zip(judged, bundles, limits, strict=True)]
    rows = [frame.iloc[0] for frame in frames]
    with st.container(border=True):
        st.text(file.name)
        if rows[0]["decision"] == CANNOT_READ:
            st.error(f"This file cannot be used: {_plain(rows[0]['note'])}.")
        else:
            first, *others = st.columns(1 + len(rows))
            first.image(_small(digest, bundles[0][0].bits, data), caption="the image")
            for column, row, (bundle, _) in zip(others, rows, bundles, strict=True):
                with column:
                    _answer(row, bundle)
            _ask(f"{number} {digest}", data, rows, bundles, feedback)
    plain = [frame.drop(columns=["image", "map"]) for frame in frames]
    parts = zip(plain, bundles, strict=True)
    return pd.concat([frame.assign(bundle=bundle.name, **chosen) for frame, (bundle, chosen) in parts])


def _answer(row: pd.Series, bundle: Bundle) -> None:
    st.caption(_plain(bundle.name))
    st.header(_plain(one_line(row["decision"])), anchor=False)
    if row["decision"] == CANNOT_JUDGE:
        st.warning(f"The image is {_plain(row['note'])}. Its probability means nothing.")
    if row["decision"] == ASK:
        st.info(f"The model can't decide this well enough: {row['note']}.")
    if len(bundle.classes) == 2:
        explained = bundle.classes[1]
        kind = "calibrated probability" if bundle.rule.calibrated else "probability"
        st.text(f"{kind} of {one_line(explained)}: {row['probability']:.3f}")
    else:
        explained = row["class"]
        for name, probability in zip(MORE_CLASSES[::2], MORE_CLASSES[1::2], strict=True):
            st.text(f"{row[probability]:.3f}  {one_line(row[name])}")
    words = "bright: what speaks for" if row["map"].any() else "nothing here speaks for"
    st.image(overlay(row["image"], row["map"]), caption=f"{words} {_plain(one_line(explained))}")


def _ask(key: str, data: bytes, rows: list[pd.Series], bundles: list[tuple[Bundle, dict]], feedback: Path) -> None:
    words, classes = "What is it really?", bundles[0][0].classes
    if len(classes) == 2:
        label = st.radio(words, classes, None, lambda name: _plain(one_line(name)), f"truth {key}", horizontal=True)
    else:
        label = st.selectbox(words, classes, None, key=f"truth {key}", placeholder="a class")
    if st.button("Keep this", key=f"keep {key}", disabled=label is None):
        try:
            for row, (bundle, chosen) in zip(rows, bundles, strict=True):
                limit = chosen.get("threshold", chosen.get("abstain"))
                save_feedback(feedback, data, bundle.key, float(row["probability"]), limit, row["decision"], label)
            st.success("Kept, without the image and its name.")
        except ValueError as error:
            st.error(_plain(error))


def _whole_table(table: pd.DataFrame, bundles: list[tuple[Bundle, dict]]) -> None:
    st.subheader("All answers")
    if len(bundles) == 2:
        a, b = (table[table["bundle"] == bundle.name]["decision"].to_numpy() for bundle, _ in bundles)
        st.text(f"The two bundles agree on {(a == b).sum()} of {len(a)} files.")
    answers = [*MORE_CLASSES, "abstain"] if "class" in table else ["probability", "threshold"]
    answers += ["prevalence"] if "prevalence" in table and table["prevalence"].notna().any() else []
    shown = table[["file", "bundle", "decision", *answers, "unlike", "note"]]
    st.dataframe(shown, hide_index=True)
    st.download_button("Answers as CSV", for_spreadsheet(shown).to_csv(index=False), "answers.csv", "text/csv")


def _kept(feedback: Path) -> None:
    try:
        rows = read_feedback(feedback)
    except ValueError as error:
        st.error(_plain(error))
        return
    if len(rows):
        with st.expander(f"Feedback so far: {len(rows)}"):
            st.dataframe(rows, hide_index=True)
            table = for_spreadsheet(rows).to_csv(index=False)
            st.download_button("Feedback as CSV", table, "feedback.csv", "text/csv")


def _plain(text: object) -> str:
    """Text as it is where Streamlit would read Markdown: a file's name must not become a link or an image."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$])", r"\\\1", str(text))


def main(argv: list[str] | None = None) -> None:
    """Draw the page where Streamlit runs this file; otherwise start Streamlit with it."""
    parser = argparse.ArgumentParser(prog="python -m helpers.deploy app", description=__doc__.splitlines()[0])
    parser.add_argument("bundles", type=Path, help="folder with bundles, such as results/bundles")
    parser.add_argument("--feedback", type=Path, help="SQLite file (default: feedback.sqlite beside the bundles)")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--headless", action="store_true", help="open no browser")
    args = parser.parse_args(argv)
    feedback = args.feedback or args.bundles / "feedback.sqlite"
    if runtime.exists():
        show(args.bundles, feedback)
        return
    flags = FLAGS | {"server.port": str(args.port), "server.headless": str(args.headless).lower()}
    options = [f"--{name}={value}" for name, value in flags.items()]
    ours = [str(args.bundles.resolve()), "--feedback", str(feedback.resolve())]
    cli.main(["run", str(Path(__file__).resolve()), *options, "--", *ours], prog_name="streamlit")


if __name__ == "__main__":
    main(sys.argv[1:])
