"""The card of a bundle: what the model is for, what it learnt from, how good it is and where it fails, to be read."""

from collections.abc import Mapping

from helpers.metrics import METRICS, Scores, markdown

WARNING = "For teaching, not for diagnosis."


def model_card(about: Mapping) -> str:
    """The text of MODEL_CARD.md.

    Args:
        about: what bundle.json holds, besides the hashes.

    Raises:
        KeyError: an entry is missing.

    Source:
        The parts follow Mitchell et al., Model Cards for Model Reporting, arXiv 1810.03993.
    """
    scores = Scores.from_dict(about["scores"])
    data, shape, training = about["data"], about["input"], about["training"]
    negative, positive = about["classes"]
    grouped = f" of {scores.n_groups:,} groups" if scores.grouped else ""
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    lines = [
        f"# Model card: {about['name']}",
        f"**{WARNING}** Nobody has examined this model for use on people or on structures.",
        "## Intended use",
        f"{about['use']} It answers *{positive}* or *{negative}* for one picture, or that it cannot judge.",
        "## Data",
        f"{data['name']} ({data['source']} data). {data['train']:,} pictures trained it, {data['val']:,} chose its "
        f"threshold and its limit for pictures unlike these.",
        "## Model",
        f"Keras network of {training['parameters']:,} parameters, seed {training['seed']}, saved {about['created']}. "
        f"Input: {shape['color_mode']}, stretched to {shape['width']} x {shape['height']} pixels, from 0 to 255; "
        f"the scaling is inside. {versions}.",
        "## Decision",
        f"*{positive}* where the probability is at least **{about['threshold']:.3f}**, a limit chosen on validation "
        f"pictures. No decision where a picture is further from the training pictures than "
        f"{100 * (1 - about['unlike']['refuse']):g} % of the validation pictures.",
        "## How good it is",
        f"On {scores.n:,} pictures{grouped} of the {data['split']} split, "
        f"{100 * scores.prevalence:.0f} % *{positive}*: {scores.fn:,} of {scores.tp + scores.fn:,} *{positive}* were "
        f"missed, {scores.fp:,} of {scores.fp + scores.tn:,} *{negative}* were false alarms. The refusals are not in "
        "these numbers.",
        markdown(scores.table().rename_axis("metric")),
        "## Limits",
        "\n".join(f"- {text}" for text in (*about["limits"], *_always(scores))),
        "## Licence",
        about["licence"],
    ]
    return "\n\n".join(lines) + "\n"


def _always(scores: Scores) -> list[str]:
    said = [
        "Pictures from another source may be answered wrongly and surely. The test of unlikeness sees "
        "gross differences only.",
        f"{METRICS['precision']} and {METRICS['accuracy']} hold for the share of positives above, not for another.",
        "The hashes show damage and mix-ups. They do not prove who made this bundle: load bundles only from people "
        "whom you trust.",
    ]
    return [scores.warning, *said] if scores.warning else said
