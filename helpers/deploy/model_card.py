"""The card of a bundle: what the model is for, what it learnt from, how good it is and where it fails, to be read."""

import re
from collections.abc import Mapping

from helpers.deploy.bundle_checks import listed, one_line
from helpers.metrics import METRICS, BinaryScores, MulticlassScores, Scores, markdown

WARNING = "For teaching, not for diagnosis."
SHOWN = 10  # classes that are written out


def model_card(about: Mapping) -> str:
    """The text of MODEL_CARD.md; with hundreds of classes no longer than with ten.

    Args:
        about: what bundle.json holds, besides the hashes.

    Raises:
        KeyError: an entry is missing.

    Source:
        The parts follow Mitchell et al., Model Cards for Model Reporting, arXiv 1810.03993.
    """
    scores = Scores.from_dict(about["scores"])
    data, shape, training = about["data"], about["input"], about["training"]
    words = _two_classes(about, scores) if isinstance(scores, BinaryScores) else _more_classes(about, scores)
    images = f" Licence of the pictures: {data['licence']}" if data.get("licence") else ""
    grouped = f" of {scores.n_groups:,} groups" if scores.grouped else ""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"# Model card: {about['name']}",
        f"**{WARNING}** Nobody has examined this model for use on people or on structures.",
        "## Intended use",
        f"{about['use']} {words['answers']}",
        "## Data",
        f"{data['name']} ({data['source']} data). {data['train']:,} pictures trained it, {data['val']:,} chose its "
        f"{words['chosen']}limit for pictures unlike these.{images}",
        "## Model",
        f"Keras network of {training['parameters']:,} parameters, seed {training['seed']}, saved {about['created']}. "
        f"Input: {shape['color_mode']}, stretched to {shape['width']} x {shape['height']} pixels, from 0 to 255; "
        f"the scaling is inside. {versions}.",
        "## Decision",
        f"{words['rule']} No decision where a picture is further from the training pictures than "
        f"{100 * (1 - about['unlike']['refuse']):g} % of the validation pictures.",
        "## How good it is",
        f"On {scores.n:,} pictures{grouped} of the {data['split']} split, {words['mistakes']} The refusals are not in "
        "these numbers.",
        markdown(scores.table().rename_axis("metric")),
        *words["classes"],
        "## Limits",
        "\n".join(f"- {text}" for text in (*about["limits"], *words["warnings"], *_always(words["shares"]))),
        "## Licence",
        about["licence"],
    ]
    return "\n\n".join(lines) + "\n"


def _two_classes(about: Mapping, scores: BinaryScores) -> dict:
    negative, positive = map(_name, about["classes"])
    return {
        "answers": f"It answers *{positive}* or *{negative}* for one picture, or that it cannot judge.",
        "chosen": "threshold and its ",
        "rule": f"*{positive}* where the probability is at least **{about['threshold']:.3f}**, a limit chosen on "
        "validation pictures.",
        "mistakes": f"{100 * scores.prevalence:.0f} % *{positive}*: {scores.fn:,} of {scores.tp + scores.fn:,} "
        f"*{positive}* were missed, {scores.fp:,} of {scores.fp + scores.tn:,} *{negative}* were false alarms.",
        "classes": [],
        "warnings": [scores.warning] if scores.warning else [],
        "shares": "share of positives above",
    }


def _more_classes(about: Mapping, scores: MulticlassScores) -> dict:
    names, temperature, abstain = about["classes"], about["temperature"], about["abstain"]
    many = len(names) > SHOWN
    rule = [f"The class with the largest of the {len(names):,} probabilities."]
    if temperature != 1:
        rule.append(f"They are calibrated with a temperature of **{temperature:.3f}**.")
    if abstain:
        rule.append(
            f"*Not sure* where the largest is below **{abstain:.3f}**, as for {100 * about['unsure']:.1f} % of the "
            "validation pictures."
        )
    wrong = scores.confusions(None)["images"].sum()
    confused = "; ".join(
        f"{_name(row.true)} taken for {_name(row.predicted)} ({row.images:,} of {round(row.images / row.share):,})"
        for row in scores.confusions(3).itertuples()
    )
    table = scores.class_table(worst=SHOWN if many else None)
    table.index = [_name(name) for name in table.index]
    return {
        "answers": f"It answers one of {len(names):,} classes ({_plain(listed(names, SHOWN))}"
        f"{'; all are in bundle.json' if many else ''}) for one picture, "
        f"{'that it is not sure, ' if abstain else ''}or that it cannot judge.",
        "chosen": "temperature and its " if temperature != 1 else "",
        "rule": " ".join(rule),
        "mistakes": f"{wrong:,} were answered wrongly.{f' Most often: {confused}.' if confused else ''}",
        "classes": [
            f"The {SHOWN} classes with the lowest F1:" if many else "Each class against the rest:",
            markdown(table.rename_axis("class")),
        ],
        "warnings": [_plain(text) for text in (scores.warning, scores.note) if text],
        "shares": "shares of the classes in these pictures",
    }


def _name(text: str) -> str:
    return _plain(one_line(text))


def _plain(text: str) -> str:
    """Text as it is where Markdown would make a link, an image or a heading of it."""
    return re.sub(r"([\\`*\[\]<>~$]|(?<!\w)_|_(?!\w)|^[#+-])", r"\\\1", text)


def _always(shares: str) -> list[str]:
    return [
        "Pictures from another source may be answered wrongly and surely. The test of unlikeness sees "
        "gross differences only.",
        f"{METRICS['precision']} and {METRICS['accuracy']} hold for the {shares}, not for another.",
        "The hashes show damage and mix-ups. They do not prove who made this bundle: load bundles only from people "
        "whom you trust.",
    ]
