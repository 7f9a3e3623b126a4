"""The card of a bundle: what the model is for, what it learnt from, how good it is and where it fails, to be read."""

import re
from collections.abc import Mapping
from math import isnan

from helpers.deploy.bundle_checks import ASK, listed, one_line
from helpers.deploy.out_of_distribution import refusal_range
from helpers.deploy.rule import shares
from helpers.metrics import METRICS, BinaryScores, MulticlassScores, Scores, markdown

WARNING = "For teaching, not for diagnosis."
SHOWN = 10  # classes that are written out


def doubt(about: Mapping) -> str:
    """Why nobody should rely on the answers of a model, in a sentence.

    Args:
        about: what bundle.json holds.

    Returns:
        "" where the run and the scores give no such reason.
    """
    if about.get("training", {}).get("profile") == "quick":
        return "This model comes from a quick run, too short to learn: its answers mean nothing."
    scores = Scores.from_dict(about["scores"])
    for name, chance in (("roc_auc", 0.5), ("balanced_accuracy", 1 / scores.n_classes)):
        low, _ = scores.interval(name)
        if (getattr(scores, name) if isnan(low) else low) <= chance:
            value = f"{scores.metrics[name]} {scores.text(name)}"
            return f"This model is no better than chance: its {value} doesn't exclude {chance:.3g}."
    return ""


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
    images = f" License of the images: {data['licence']}" if data.get("licence") else ""
    chosen = f"{about['rule']['images']:,} chose its decision rule, " if about["rule"]["images"] else ""
    low, high = refusal_range(data["val"], about["unlike"]["refuse"])
    grouped = f" of {scores.n_groups:,} groups" if scores.grouped else ""
    run = f"{training['profile']} profile, " if training.get("profile") else ""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"# Model card: {about['name']}",
        f"**{WARNING}** Nobody has examined this model for use on people or on structures.",
        *([f"**{unreliable}**"] if (unreliable := doubt(about)) else []),
        "## Intended use",
        f"{about['use']} {words['answers']}",
        "## Data",
        f"{data['name']} ({data['source']} data). {data['train']:,} images trained it, {chosen}{data['val']:,} set "
        f"its limit for images unlike these.{images}",
        "## Model",
        f"Keras network of {training['parameters']:,} parameters, seed {training['seed']}, {run}saved "
        f"{about['created']}. Input: {shape['color_mode']}, stretched to {shape['width']} x {shape['height']} pixels, "
        f"from 0 to 255; the scaling is inside. {versions}.",
        "## Decision",
        f"{words['rule']} No decision where an image is further from the training images than nearly all of the "
        f"{data['val']:,} that set the limit: {100 * about['unlike']['refuse']:g} % of ordinary images are to be "
        f"refused, and with so few it may be {100 * low:.1f} to {100 * high:.1f} %, more where they come in groups.",
        "## How good it is",
        f"On {scores.n:,} images{grouped} of the {data['split']} split, {words['mistakes']} The refusals are not in "
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
    rule = about["rule"]
    words = [*_calibration(rule), f"*{positive}* where the probability is at least {_value(rule, 'threshold')}."]
    if costs := rule["costs"]:
        cheapest = costs["false_alarm"] / (costs["false_alarm"] + costs["miss"])
        verb = "follows from" if abs(rule["threshold"] - cheapest) < 1e-6 else "was chosen on images for"
        words.append(f"This {verb} costs of {costs['miss']:g} for a miss and {costs['false_alarm']:g} for a ")
        words[-1] += f"false alarm{', and ' + format(costs['ask'], 'g') + ' for a look' if 'ask' in costs else ''}."
    if rule["ask"]:
        low, high = rule["ask"]
        words.append(
            f"*{ASK}* where it is from **{low:.3f}** to **{high:.3f}**, as for {100 * rule['asked']:.1f} % of the "
            "images that set the limit for images unlike them."
        )
    words += _prevalence(rule, [positive])
    return {
        "answers": f"It answers *{positive}* or *{negative}* for one image, "
        f"{f'*{ASK}*, ' if rule['ask'] else ''}or that it cannot judge.",
        "rule": " ".join(words),
        "mistakes": f"{100 * scores.prevalence:.0f} % *{positive}*: {scores.fn:,} of {scores.tp + scores.fn:,} "
        f"*{positive}* were missed, {scores.fp:,} of {scores.fp + scores.tn:,} *{negative}* were false alarms.",
        "classes": [],
        "warnings": [scores.warning] if scores.warning else [],
        "shares": "share of positives above",
    }


def _calibration(rule: Mapping) -> list[str]:
    """What was done to the model's probabilities."""
    if rule["temperature"] == 1 and not rule["intercept"]:
        return []
    added = f" and an intercept of {_value(rule, 'intercept')}" if rule["intercept"] else ""
    return [f"The probabilities are calibrated with a temperature of {_value(rule, 'temperature')}{added}."]


def _prevalence(rule: Mapping, names: list[str]) -> list[str]:
    """At which shares of the classes it was calibrated; of many classes only that it is known."""
    if rule["prevalence"] is None:
        return []
    if len(names) > 1:
        return ["The shares of the classes at which it was calibrated are in bundle.json."]
    value = shares(rule["prevalence"], 2)[1]
    return [
        f"It was calibrated where {100 * value:.1f} % were *{names[0]}*; give the prevalence of another place when you "
        "use it there."
    ]


def _value(rule: Mapping, name: str) -> str:
    """A number with its interval where it is known."""
    ends = rule["intervals"].get(name)
    return f"**{rule[name]:.3f}**" + ("" if ends is None else f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})")


def _more_classes(about: Mapping, scores: MulticlassScores) -> dict:
    names, found = about["classes"], about["rule"]
    many = len(names) > SHOWN
    rule = [f"The class with the largest of the {len(names):,} probabilities.", *_calibration(found)]
    if found["abstain"]:
        rule.append(
            f"*{ASK}* where the largest is below {_value(found, 'abstain')}, as for {100 * found['asked']:.1f} % of "
            "the images that set the limit."
        )
    rule += _prevalence(found, names)
    wrong = scores.confusions(None)["images"].sum()
    confused = "; ".join(
        f"{_name(row.true)} taken for {_name(row.predicted)} ({row.images:,} of {round(row.images / row.share):,})"
        for row in scores.confusions(3).itertuples()
    )
    table = scores.class_table(worst=SHOWN if many else None)
    table.index = [_name(name) for name in table.index]
    return {
        "answers": f"It answers one of {len(names):,} classes ({_plain(listed(names, SHOWN))}"
        f"{'; all are in bundle.json' if many else ''}) for one image, "
        f"{f'*{ASK}*, ' if found['abstain'] else ''}or that it cannot judge.",
        "rule": " ".join(rule),
        "mistakes": f"{wrong:,} were answered wrongly.{f' Most often: {confused}.' if confused else ''}",
        "classes": [
            f"The {SHOWN} classes with the lowest F1:" if many else "Each class against the rest:",
            markdown(table.rename_axis("class")),
        ],
        "warnings": [_plain(text) for text in (scores.warning, scores.note) if text],
        "shares": "shares of the classes in these images",
    }


def _name(text: str) -> str:
    return _plain(one_line(text))


def _plain(text: str) -> str:
    """Text as it is where Markdown would make a link, an image or a heading of it."""
    return re.sub(r"([\\`*\[\]<>~$]|(?<!\w)_|_(?!\w)|^[#+-])", r"\\\1", text)


def _always(shares: str) -> list[str]:
    return [
        "Images from another source may be answered wrongly and surely. The test of unlikeness sees "
        "gross differences only.",
        f"{METRICS['precision']} and {METRICS['accuracy']} hold for the {shares}, not for another.",
        "The hashes show damage and mix-ups. They do not prove who made this bundle: load bundles only from people "
        "whom you trust.",
    ]
