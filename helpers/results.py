"""The results store and the leaderboard: one JSON file for each lesson and data set.

Lessons are judged on validation images and on the lesson test; who saves scores of the sealed test opens it, and a
list beside the results keeps count of that.

A `run` is what `helpers.start` returns, or anything with the attributes lesson, profile, seed, results_folder and the
method source_of(dataset) -> "embedded" or "real".
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from data_prework.files import atomic_write
from data_prework.manifest import COURSE
from helpers.metrics import LOWER_IS_BETTER, METRICS, MULTICLASS_METRICS, Scores, metric_name
from helpers.metrics.scores import with_interval

VERSION = 1
RESULT_SPLITS = ("train", "val", "lesson_test", "test")
OPENED = "opened-tests.jsonl"  # one line for each result of a sealed test that was saved
KEY = ("model", "dataset", "split", "seed", "profile", "source")  # saving a result with the same key replaces it
COLUMNS = (
    "model",
    "lesson",
    "dataset",
    "source",
    "split",
    "profile",
    "seed",
    "n",
    "n_groups",
    "n_classes",
    "prevalence",
    "threshold",
    "few_groups",
)
MEASURED = METRICS | MULTICLASS_METRICS
TWO_CLASSES, MORE_CLASSES = ("recall", "specificity", "roc_auc"), ("accuracy", "f1", "roc_auc")  # of the leaderboard
COSTS = ("parameters", "seconds", "date")


def save_result(
    run: Any,
    model: str,
    dataset: str,
    scores: Scores,
    split: str = "test",
    parameters: int | None = None,
    seconds: float | None = None,
    seed: int | None = None,
    folder: Path | str | None = None,
) -> Path:
    """Keep the scores of one model on one split of one data set.

    A result with the same model, data set, split, seed, profile and source is replaced. The file is written aside and
    renamed, by one process at a time.

    Args:
        run: the lesson's run.
        model: a short name, such as "dense".
        dataset: name of the data set.
        scores: what `helpers.metrics.evaluate` returned.
        split: "train", "val", "lesson_test" or "test", the sealed one: that it was opened is kept, see `opened_tests`.
        parameters: number of trainable and fixed weights.
        seconds: of the training.
        seed: None: that of the run.
        folder: None: `run.results_folder`.

    Returns:
        The results file. Where it can't be written, because the disk is full for example, a line says so, the file
        stays as it was, and the lesson goes on: a model that was trained isn't lost for that.

    Raises:
        ValueError: an argument is wrong; the message names it.
        TimeoutError: another process has been writing to the file for a minute.
    """
    if not isinstance(scores, Scores):
        raise ValueError(f"scores: {type(scores).__name__} given, expected what evaluate(y_true, y_prob) returns.")
    if not isinstance(model, str) or not model.strip():
        raise ValueError(f"model: {model!r} is no name; give the model a short one, for example 'dense'.")
    _check_split(split)
    path = _path(run, dataset, folder)
    if parameters is not None and (not _is_number(parameters) or parameters < 0 or parameters != int(parameters)):
        raise ValueError(f"parameters: {parameters!r} is not a count; model.count_params() gives it.")
    if seconds is not None and (not _is_number(seconds) or not np.isfinite(seconds) or seconds < 0):
        raise ValueError(f"seconds: {seconds!r} is not a duration in seconds.")
    record = {
        "model": model.strip(),
        "dataset": dataset,
        "source": run.source_of(dataset),
        "split": split,
        "n": scores.n,
        "scores": scores.to_dict(),
        "parameters": None if parameters is None else int(parameters),
        "seconds": None if seconds is None else float(seconds),
        "seed": int(run.seed if seed is None else seed),
        "profile": run.profile,
        "lesson": str(run.lesson),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=60):
            kept = _read(path) if path.exists() else []
            kept = [old for old in kept if any(old[name] != record[name] for name in KEY)]
            _write(path, [*kept, record])
            if split == "test":
                _note_opening(path.with_name(OPENED), record)
    except Timeout as error:
        raise TimeoutError(f"{path}: another notebook has been writing to it for 60 s; stop that one first.") from error
    except OSError as error:  # the training is over: the lesson goes on with its model
        print(f"Note: the scores of {model} are not saved in {path} ({error.strerror or error}). The lesson goes on.")
    return path


def load_results(
    run: Any,
    dataset: str | None = None,
    split: str = "test",
    lesson: str | None = None,
    folder: Path | str | None = None,
) -> pd.DataFrame:
    """The saved results of this run's profile and data source.

    Quick results never mix with full ones, nor embedded data with real.

    Args:
        run: the lesson's run.
        dataset, lesson: None: all. Where a data set takes the place of the course's, its results are meant.
        split: "train", "val", "lesson_test" or "test", the sealed one.
        folder: None: `run.results_folder`.

    Returns:
        One row for each model, seed and lesson; empty where there are none yet. Columns: model, lesson, dataset,
        source, split, profile, seed, n, n_groups, n_classes, prevalence, threshold, few_groups (such as "2 of crack",
        else ""), every metric with <metric>_low and <metric>_high, parameters, seconds, date. NaN where a metric is one
        of two classes only, or of more, or has no interval.

    Raises:
        ValueError: a file can't be read; the message names it.
    """
    _check_split(split)
    if dataset in COURSE and getattr(run, "dataset", ""):
        dataset = run.dataset
    place = Path(run.results_folder if folder is None else folder)
    records = [record for path in sorted(place.glob("*.json")) for record in _read(path)]
    sources = {name: run.source_of(name) for name in {record["dataset"] for record in records}}
    rows = [
        _row(record)
        for record in records
        if record["profile"] == run.profile
        and record["split"] == split
        and (dataset is None or record["dataset"] == dataset)
        and (lesson is None or record["lesson"] == str(lesson))
        and record["source"] == sources[record["dataset"]]
    ]
    measured = [column for name in MEASURED for column in (name, f"{name}_low", f"{name}_high")]
    frame = pd.DataFrame(rows, columns=[*COLUMNS, *measured, *COSTS])
    if split == "test":
        times = opened_tests(run, folder).set_index(["dataset", "source", "lesson"])["times"]
        keys = zip(frame["dataset"], frame["source"], frame["lesson"], strict=True)
        frame["test_openings"] = [int(times.get(key, 0)) for key in keys]
    return frame.astype({"parameters": "Int64", "seconds": float})


def opened_tests(run: Any, folder: Path | str | None = None) -> pd.DataFrame:
    """Who opened which sealed test, and how often: every result of one that was saved counts, replaced ones, too.

    A test that is looked at again and again, and chosen by, turns into validation images (see Recht and others 2019,
    "Do ImageNet classifiers generalize to ImageNet?", https://arxiv.org/abs/1902.10811).

    Args:
        run: the lesson's run; openings of its profile are meant.
        folder: None: `run.results_folder`.

    Returns:
        One row for each data set, source and lesson: models, times, first, last; empty where no test was opened.

    Raises:
        ValueError: the list can't be read; the message names the file.
    """
    path = Path(run.results_folder if folder is None else folder) / OPENED
    by = ["dataset", "source", "lesson"]
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    try:
        rows = [json.loads(line) for line in lines]
        opened = pd.DataFrame(rows, columns=[*by, "model", "profile", "date"])
    except ValueError as error:
        raise ValueError(f"{path}: this list of opened tests cannot be read ({error}). Mend or delete it.") from None
    opened = opened[opened["profile"] == run.profile]
    counts = opened.groupby(by).agg(
        models=("model", "nunique"), times=("model", "size"), first=("date", "min"), last=("date", "max")
    )
    return counts.reset_index()


def leaderboard(frame: pd.DataFrame, metric: str = "balanced_accuracy", top: int | None = None) -> pd.DataFrame:
    """The best models first, as strings: the metric with its interval, then recall, specificity, ROC AUC and costs.

    Of more than two classes, accuracy, macro F1 and macro ROC AUC stand beside the metric. Where a class has too few
    groups to say something about new groups, a column says so. The intervals are those of single models: which of two
    is better, `helpers.metrics.compare` tells, and for more than three comparisons `holm`.

    Args:
        frame: from `load_results`, unchanged or filtered by rows.
        metric: that ranks; of the false-negative rate the smallest is best.
        top: number of rows; None: all.

    Returns:
        One row for each model; lesson, data set and seed are shown where they differ.

    Raises:
        ValueError: another frame, a metric that is unknown or wasn't measured, or a number of rows that is none.
    """
    name = metric_name(metric)
    if not isinstance(frame, pd.DataFrame) or not {"model", name, f"{name}_low", "parameters"} <= set(frame.columns):
        raise ValueError("frame: not a table of load_results(run); pass that one unchanged or filtered by rows.")
    if top is not None and (not isinstance(top, int) or top < 1):
        raise ValueError(f"top: {top!r} is not a number of rows; None keeps all.")
    if len(frame) and frame[name].isna().all():
        raise ValueError(f"metric: {name!r} was measured for no model of the frame, for the number of its classes.")
    two = frame.empty or "n_classes" not in frame or (frame["n_classes"] == 2).any()
    words, others = (MEASURED | METRICS, TWO_CLASSES) if two else (MEASURED | MULTICLASS_METRICS, MORE_CLASSES)
    ordered = frame.sort_values(name, ascending=name in LOWER_IS_BETTER, kind="stable").head(top or len(frame))
    shown = pd.DataFrame(index=pd.Index(ordered["model"], name="model"))
    for column in ("lesson", "dataset", "seed"):
        if frame[column].nunique() > 1:
            shown[column] = ordered[column].astype(str).to_numpy()
    for other in dict.fromkeys((name, *others)):
        ends = zip(ordered[other], ordered[f"{other}_low"], ordered[f"{other}_high"], strict=True)
        shown[words[other]] = ["" if pd.isna(value) else with_interval(value, low, high) for value, low, high in ends]
    if "few_groups" in ordered and (ordered["few_groups"] != "").any():
        shown["few groups"] = ordered["few_groups"].to_numpy()
    if "test_openings" in frame:
        shown["test openings"] = ordered["test_openings"].astype(str).to_numpy()
    shown["parameters"] = ["" if pd.isna(count) else f"{count:,}" for count in ordered["parameters"]]
    shown["seconds"] = ["" if pd.isna(spent) else f"{spent:,.0f}" for spent in ordered["seconds"]]
    return shown


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _check_split(split: str) -> None:
    if split not in RESULT_SPLITS:
        raise ValueError(f"split: {split!r} is not one of {', '.join(RESULT_SPLITS)}.")


def _path(run: Any, dataset: str, folder: Path | str | None) -> Path:
    for name, value in (("lesson", str(run.lesson)), ("dataset", dataset)):
        if not isinstance(value, str) or not re.fullmatch(r"\w[\w.-]*", value):
            raise ValueError(f"{name}: {value!r} cannot name a file; use letters, digits, '_' and '-'.")
    return Path(run.results_folder if folder is None else folder) / f"{run.lesson}--{dataset}.json"


def _read(path: Path) -> list[dict]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, results = content["version"], content["results"]
        if version == VERSION:
            for record in results:
                Scores.from_dict(record["scores"])
                _ = [record[name] for name in (*KEY, *COSTS, "lesson", "n")]
            return results
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: this results file cannot be read ({type(error).__name__}: {error}). "
            "Delete it and run its lesson again."
        ) from error
    raise ValueError(
        f"{path}: written by another version of the course (results version {version}, expected {VERSION}). "
        "Delete it and run its lesson again."
    )


def _note_opening(path: Path, record: dict) -> None:
    with path.open("a", encoding="utf-8") as file:
        names = ("dataset", "source", "lesson", "model", "profile", "date")
        file.write(json.dumps({name: record[name] for name in names}) + "\n")


def _write(path: Path, results: list[dict]) -> None:
    with atomic_write(path) as aside, aside.open("w", encoding="utf-8") as file:
        json.dump({"version": VERSION, "results": results}, file, indent=1, allow_nan=False)


def _row(record: dict) -> dict:
    scores = Scores.from_dict(record["scores"])
    row = {**record, "n_groups": scores.n_groups, "n_classes": scores.n_classes}
    row["few_groups"] = ", ".join(f"{count} of {name}" for name, count in scores.few_groups.items())
    row |= {name: getattr(scores, name, np.nan) for name in ("prevalence", "threshold")}
    for name in scores.metrics:
        low, high = scores.interval(name)
        row |= {name: getattr(scores, name), f"{name}_low": low, f"{name}_high": high}
    return row
