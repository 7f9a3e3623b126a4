"""The app: upload images, see what one bundle or two say about them, and tell it the truth.

    python -m helpers.deploy app FOLDER_OF_BUNDLES [--feedback FILE] [--port 8501]

It answers this computer only (unless --address says otherwise), sends nothing anywhere, and keeps no image.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit import runtime
from streamlit.web import cli

from data_prework.image_files import MAX_BYTES
from helpers.deploy.app_answers import Chosen, plain, show_answers
from helpers.deploy.arguments import app_arguments, port_is_taken
from helpers.deploy.bundle import Bundle, bundle_labels, find_bundles, load_bundle
from helpers.deploy.bundle_checks import ABOUT, MODEL, REFERENCE, BundleError, one_line
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.decision import limit_of
from helpers.deploy.feedback import compare_feedback, read_feedback
from helpers.deploy.labels import latest_labels
from helpers.deploy.model_card import WARNING
from helpers.deploy.rule import shares

FLAGS = {
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": "localhost",
    "server.showEmailPrompt": "false",
    "server.maxUploadSize": str(MAX_BYTES // 2**20),
    "server.fileWatcherType": "none",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "logger.level": "error",
}
NOBODY = "none"
WORDS = {"miss": "a miss", "false_alarm": "a false alarm", "ask": "a person's look"}
KINDS = "JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP, PNM or JPEG 2000, and HEIC and DICOM where their readers are installed"


def show(folders: Path | str | Sequence[Path | str], feedback: Path | str) -> None:
    """Draw the page of the app.

    Args:
        folders: that hold bundles, or are one; one of them or several.
        feedback: SQLite file, made when the first feedback is kept.
    """
    feedback = Path(feedback)
    places = [Path(folders)] if isinstance(folders, str | Path) else [Path(folder) for folder in folders]
    st.set_page_config(page_title="Classify images")
    st.title("Classify images")
    st.warning(f"{WARNING} Do not upload images of real patients.")
    chosen = _choose(places)
    if files := st.file_uploader("Images", accept_multiple_files=True, help=KINDS):
        show_answers(files, chosen, feedback)
    _kept(feedback, chosen)


def _choose(places: list[Path]) -> list[Chosen]:
    """The chosen bundles with what was set for each; the page ends where there is none."""
    folders = list(dict.fromkeys(folder.absolute() for place in places for folder in find_bundles(place)))
    if not folders:
        st.error(f"No bundle in {plain(', '.join(map(str, places)))}. Run lesson 9.1, or give another folder.")
        st.stop()
    by_label = dict(zip(bundle_labels(folders), folders, strict=True))
    first = st.selectbox("Bundle", list(by_label))
    second = st.selectbox("Compare with", [NOBODY, *(label for label in by_label if label != first)])
    chosen = []
    for label in (first, second):
        if label not in by_label:
            continue
        try:
            folder = by_label[label]
            changed = tuple((folder / name).stat().st_mtime_ns for name in (ABOUT, MODEL, REFERENCE))
            bundle = _load(str(folder), changed)
        except (BundleError, OSError) as error:
            st.error(plain(error))
            continue
        chosen.append(_settings(label, bundle))
        _about(label, bundle)
    if not chosen:
        st.stop()
    if len({one.bundle.classes for one in chosen}) > 1:
        st.error("These two bundles answer different questions; the second one is left out.")
    return [one for one in chosen if one.bundle.classes == chosen[0].bundle.classes]


@st.cache_resource(max_entries=4, show_spinner="Loading the bundle")
def _load(folder: str, changed: tuple[int, ...]) -> Bundle:
    return load_bundle(folder)


def _settings(label: str, bundle: Bundle) -> Chosen:
    """What the user sets for a bundle: its limit, and the prevalence where the bundle can correct for it."""
    if bundle.doubt:
        st.error(f"{plain(label)}: {plain(bundle.doubt)}")
    name, positive = plain(label), plain(one_line(bundle.classes[1]))
    two, limit, known = len(bundle.classes) == 2, float(limit_of(bundle)), bundle.rule.prevalence
    words, key = f"{positive} from this probability on" if two else "ask a person below", f"{label} {bundle.identity}"
    value = st.slider(f"{name}: {words}", 0.0, 1.0, limit, 0.001, "%.3f", key=f"limit {key}")
    limits, prevalence = {"threshold" if two else "abstain": value}, None
    if two and known is not None:
        known = float(shares(known, 2)[1])
        words = f"{name}: share of {positive} where the images come from"
        help_ = f"The bundle was calibrated at {known:.3f}. Its probabilities are corrected for the share that you set."
        share = st.slider(words, 0.001, 0.999, known, 0.001, "%.3f", help=help_, key=f"prevalence {key}")
        prevalence = None if share == known else share
    if bundle.rule.costs:
        costs = ", ".join(f"{cost:g} for {WORDS[name]}" for name, cost in bundle.rule.costs.items())
        st.caption(f"{name} bases its decisions on these costs: {costs}.")
    return Chosen(label, bundle, limits, prevalence)


def _about(label: str, bundle: Bundle) -> None:
    """What the card says: data, profile, scores with their intervals, limits."""
    about, scores = bundle.about, bundle.scores
    data, profile = about["data"], about.get("training", {}).get("profile") or "unknown"
    with st.expander(f"About {plain(label)}, with its scores"):
        st.markdown(plain(about["use"]))
        images = f"Trained on {data['train']:,} images" if isinstance(data.get("train"), int) else "Trained"
        st.markdown(
            plain(f"Data: {data.get('name')} ({data.get('source')}). {images}, in the {profile} profile. ")
            + plain(f"Measured on {scores.n:,} images of the {data.get('split')} split:")
        )
        st.table(scores.table())
        for sentence in (*about["limits"], scores.warning):
            if sentence:
                st.markdown(f"- {plain(one_line(sentence, 400))}")
        st.markdown(f"The whole card is MODEL\\_CARD.md in {plain(bundle.folder)}.")


def _kept(feedback: Path, chosen: list[Chosen]) -> None:
    try:
        rows = read_feedback(feedback)
    except ValueError as error:
        st.error(plain(error))
        return
    if len(rows):
        with st.expander(f"Feedback so far: {len(rows)}"):
            st.dataframe(for_spreadsheet(rows), hide_index=True)
            if len(chosen) == 2:
                st.markdown(plain(_compared(rows, *chosen)))
            table = for_spreadsheet(rows).to_csv(index=False).encode("utf-8-sig")
            st.download_button("Feedback as CSV", table, "feedback.csv", "text/csv")
            labels = for_spreadsheet(latest_labels(rows)).to_csv(index=False).encode()
            st.download_button("Labels for training as CSV", labels, "labels.csv", "text/csv")


def _compared(rows, first: Chosen, second: Chosen) -> str:
    names = f"A is {first.label}, B is {second.label}. "
    try:
        return names + compare_feedback(rows, first.bundle.key, second.bundle.key, first.bundle.classes)
    except ValueError:
        return f"{names}Both contain the same model and rule, so there is nothing to compare."


def main(argv: list[str] | None = None) -> None:
    """Draw the page where Streamlit runs this file; otherwise start Streamlit with it."""
    run(app_arguments(sys.argv[1:] if argv is None else argv))


def run(args: argparse.Namespace) -> None:
    """Draw the page, or start Streamlit.

    Args:
        args: from `app_arguments`.

    Raises:
        SystemExit: a folder is missing, or the port is taken (2); or Streamlit has ended.
    """
    first = args.bundles[0]
    feedback = args.feedback or (first.parent if (first / ABOUT).is_file() else first) / "feedback.sqlite"
    if runtime.exists():
        show(args.bundles, feedback)
        return
    if missing := [folder for folder in args.bundles if not folder.is_dir()]:
        args.fail(f"{missing[0]}: no such folder; run lesson 9.1, which fills results/bundles, or give another")
    if port_is_taken(args.port):
        args.fail(
            f"--port: {args.port} is taken, perhaps by this app in another terminal: open http://localhost:{args.port} "
            f"in a browser, or give another port: make app PORT={args.port + 1}"
        )
    flags = FLAGS | {"server.address": args.address, "server.port": str(args.port)}
    flags |= {"server.headless": str(args.headless).lower()}
    options = [f"--{name}={value}" for name, value in flags.items()]
    ours = [*(str(folder.resolve()) for folder in args.bundles), "--feedback", str(feedback.resolve())]
    cli.main(["run", str(Path(__file__).resolve()), *options, "--", *ours], prog_name="streamlit")


if __name__ == "__main__":
    main()
