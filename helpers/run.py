"""One run of a lesson: its profile, seed, device and data source. The only reader of the environment in helpers.

COURSE_PROFILE   quick or full (default full): how much data and how many epochs
COURSE_RESULTS   folder of the results store (default: results in the project)
COURSE_GRAPHS    full or always (default full): in which profile Keras compiles graphs; `make weekly` says always
COURSE_DATASET   a prepared data set that takes the place of the course's (default: none; read by data_prework.manifest)
"""

import os
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from data_prework.files import PROJECT, why_not_writable
from data_prework.manifest import (
    COURSE,
    OPTIONAL,
    SOURCES,
    default_source,
    find_prepared,
    read_about,
    stand_in,
    two_largest,
)
from helpers.cells import watch_cells


@dataclass(frozen=True)
class Run:
    """What a lesson asks instead of testing which profile it is in.

    Attributes:
        lesson: its number, such as "03".
        seed: of Python, NumPy and Keras.
        profile: "quick" or "full".
        source: "real", where real data are prepared, or "embedded", the drawn stand-ins.
        device: what computes, in words.
        results_folder: of the results store.
        dataset: what takes the place of the course's data sets, "" where nothing does.
        replaced: data set that isn't prepared -> the one that `data` gave in its place.

    Example:
        >>> run = Run("03", 7, "quick", "embedded", "2 CPU cores", Path("results"))
        >>> run.epochs(20), run.images(2000), run.trials(12), run.repeats(5)
        (1, 96, 2, 1)
        >>> run.pick(["grad_cam", "occlusion"], quick=["grad_cam"])
        ['grad_cam']
    """

    lesson: str
    seed: int
    profile: str
    source: str
    device: str
    results_folder: Path
    dataset: str = ""
    replaced: dict[str, str] = field(default_factory=dict, compare=False)

    def epochs(self, full: int) -> int:
        """`full` epochs, or 1 in the quick profile.

        Args:
            full: epochs of the full profile.

        Raises:
            ValueError: `full` is less than 1.
        """
        return self._number(full, 1, "epochs")

    def images(self, full: int) -> int:
        """`full` images, or at most 96 in the quick profile.

        Args:
            full: images of the full profile.

        Raises:
            ValueError: `full` is less than 1.
        """
        return self._number(full, 96, "images")

    def trials(self, full: int) -> int:
        """`full` trials of a search, or at most 2 in the quick profile.

        Args:
            full: trials of the full profile.

        Raises:
            ValueError: `full` is less than 1.
        """
        return self._number(full, 2, "trials")

    def repeats(self, full: int) -> int:
        """`full` repetitions with other seeds, or 1 in the quick profile.

        Args:
            full: repetitions of the full profile.

        Raises:
            ValueError: `full` is less than 1.
        """
        return self._number(full, 1, "repeats")

    def pick(self, full: Any, quick: Any) -> Any:
        """One of two values: for what the four numbers do not fit, such as a list of methods.

        Args:
            full: for the full profile.
            quick: for the quick profile.
        """
        return full if self.profile == "full" else quick

    def data(self, name: str, otherwise: str) -> str:
        """The data set to load: an optional one where it is prepared, else one of the course. One line says which.

        Args:
            name: of the optional data set, such as "solar_cells".
            otherwise: of a data set that is always there, such as "concrete_cracks".

        Raises:
            ValueError: `name` isn't one of the optional data sets.

        Example:
            >>> run = Run("11", 7, "quick", "embedded", "2 CPU cores", Path("results"), dataset="leaves")
            >>> run.data("solar_cells", otherwise="concrete_cracks")
            Data: leaves in place of solar_cells, which the text describes.
            'concrete_cracks'
        """
        if name not in OPTIONAL:
            raise ValueError(f"name: {name!r} is no optional data set; there is {', '.join(OPTIONAL)}")
        folder = None if self.dataset else find_prepared(name, self.source)
        if folder:
            from data_prework.catalogue import entry_for  # here, because it loads what downloads need

            about = read_about(folder)
            count = sum(sum(labels.values()) for labels in about.counts.values())
            print(f"Data: {name}, {count:,} images, {about.licence}: {entry_for(name).terms}.")
            return name
        self.replaced[name] = otherwise
        if self.dataset:
            print(f"Data: {self.dataset} in place of {name}, which the text describes.")
        else:
            print(f"Data: {otherwise} in place of {name}, which the text describes. To get {name}: {_way_to(name)}")
        return otherwise

    def claim(self, text: str, condition: bool | Callable[[], bool]) -> None:
        """State a claim of the lesson and check it against the numbers of this run.

        In `full` it prints "✔ text" or "✘ text". The lessons were written for the embedded data: there a claim that
        fails stops the run; on real data that's a finding, and the run goes on. In `quick`, where the trainings are
        too small to judge, it prints "· text (not judged in quick mode)".

        Args:
            text: the claim, which says no more than the condition.
            condition: one bool, or a function without arguments that returns one and is called in `full` only.

        Raises:
            TypeError: the condition is neither.
            AssertionError: in `full` on embedded data the condition is False.

        Example:
            >>> run = Run("03", 7, "quick", "embedded", "2 CPU cores", Path("results"))
            >>> run.claim("The CNN finds more cracks than the dense net", 0.93 > 0.88)
            · The CNN finds more cracks than the dense net (not judged in quick mode)
        """
        if not callable(condition):
            _check_bool(condition)
        if self.profile != "full":
            print(f"· {text} (not judged in quick mode)")
            return
        holds, real = _check_bool(condition() if callable(condition) else condition), self.uses_real_data
        print(f"✔ {text}" if holds else f"✘ {text}{' (not on these data)' if real else ''}")
        if not holds and not real:
            raise AssertionError(f"The numbers of this run do not support the claim: {text}")

    def source_of(self, dataset: str) -> str:
        """ "real" or "embedded": where the images of a prepared data set come from.

        Args:
            dataset: its name; one that is not prepared counts as embedded.
        """
        if self.dataset and dataset in COURSE:
            folder = find_prepared(self.dataset, "real")
        else:
            folder = find_prepared(dataset, self.source)
        return read_about(folder).source if folder else "embedded"

    @property
    def uses_real_data(self) -> bool:
        """Whether at least one data set of the course is a real one in this run, or another takes its place.

        It does, too, where `data` gave one of the course in place of an optional one.
        """
        if self.dataset or self.replaced:
            return True
        return self.source == "real" and any(self.source_of(name) == "real" for name in COURSE)

    def _number(self, full: int, quick: int, what: str) -> int:
        if full < 1:
            raise ValueError(f"{what} must be 1 or more, not {full}")
        return full if self.profile == "full" else min(full, quick)


def start(
    lesson: str,
    seed: int = 7,
    source: str | None = None,
    verbose: bool = True,
    dataset: str | None = None,
    graphs: bool = False,
) -> Run:
    """Begin a lesson: set all seeds and the style of figures, and say in one line what it runs on.

    A second line says so where the results folder is read-only, or its disk full; results then go to the system's
    folder for temporary files.

    Args:
        lesson: its number, such as "03".
        seed: for Python, NumPy and Keras.
        source: "embedded" for a lesson that needs the drawn data, such as their masks; None: COURSE_SOURCE decides.
        verbose: print the line.
        dataset: a prepared data set, such as a folder of your own, that takes the place of the course's in all that
            this lesson loads; None: COURSE_DATASET decides.
        graphs: Keras compiles graphs in the quick profile, too, for a lesson on what compiling does.

    Returns:
        What the lesson asks for its numbers of epochs and images.

    Raises:
        ValueError: an environment variable, or `source`, has a value that is not known.
        FileNotFoundError: the data set that shall take the course's place is not prepared.
    """
    tf, keras = import_tensorflow()
    from helpers.plots.style import use_style

    profile = current_profile()
    if source not in (None, *SOURCES):
        raise ValueError(f"source: {source!r}; it must be {' or '.join(SOURCES)}")
    if dataset is not None:
        os.environ["COURSE_DATASET"] = dataset
    other = stand_in(COURSE[0]) if os.environ.get("COURSE_DATASET") else ""
    if other and find_prepared(other, "real") is None:
        raise FileNotFoundError(
            f"the data set {other!r} is not prepared: python -m data_prework prepare {other} --from FOLDER"
        )
    drawn_only = source == "embedded"
    source = source or default_source()
    results = Path(os.environ.get("COURSE_RESULTS") or PROJECT / "results").expanduser()
    if trouble := why_not_writable(results):
        results = Path(tempfile.gettempdir()) / "image-classification-results"
        print(f"Note: results can't be saved in {trouble}. They go to {results} instead.")
    keras.utils.set_random_seed(seed)
    # Keras 3.15 warns of its own default at every fit on tf.data, which is shuffled already
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    graphs = graphs or _choice("COURSE_GRAPHS", "full", ("full", "always")) == "always"
    tf.config.run_functions_eagerly(profile == "quick" and not graphs)
    warnings.filterwarnings("ignore", message="Even though the `tf.config.experimental_run_functions_eagerly`")
    if profile == "quick":  # a graph that runs for a few steps is not worth its building, nor its optimizing
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.get_logger().setLevel("ERROR")  # it warns of retracing wherever a lesson trains several small networks in a row
    use_style()
    run = Run(lesson, seed, profile, source, _device(tf), results, "" if drawn_only else other)
    if verbose:
        print(
            f"Lesson {lesson} · TensorFlow {tf.__version__} · Keras {keras.__version__} · {run.device} · "
            f"profile {profile} · data: {_sources(run)} · seed {seed}"
        )
        if other:
            print(_on_other_data(run, other))
    watch_cells(history=keras.callbacks.History, file=os.environ.get("JPY_SESSION_NAME", ""))  # set by Jupyter
    return run


def _way_to(name: str) -> str:
    """What to run for an optional data set: in a terminal, or in a cell where make has made no environment."""
    if (PROJECT / ".venv").is_dir():
        return OPTIONAL[name]
    from data_prework.catalogue import entry_for

    return f"!{entry_for(name).sources[0].install} && python -m data_prework prepare {name}"


def _check_bool(condition: Any) -> bool:
    if not isinstance(condition, bool | np.bool_):
        raise TypeError(
            f"condition: {type(condition).__name__} given, expected one bool; "
            "compare single numbers, or say .all() or .any() of an array."
        )
    return bool(condition)


def import_tensorflow() -> tuple[ModuleType, ModuleType]:
    """TensorFlow and Keras, imported without the log that they write while they load.

    Some of it passes by TF_CPP_MIN_LOG_LEVEL, so standard error leads nowhere meanwhile.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras
        import tensorflow
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
    return tensorflow, keras


def current_profile() -> str:
    """The profile of this process, "quick" or "full", for what is kept without a run: a bundle.

    Raises:
        ValueError: the environment variable has another value.
    """
    return _choice("COURSE_PROFILE", "full", ("quick", "full"))


def _choice(variable: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(variable) or default
    if value not in allowed:
        raise ValueError(f"the environment variable {variable} is {value!r}; it must be {' or '.join(allowed)}")
    return value


def _device(tf) -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"{os.cpu_count()} CPU cores"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    return f"{len(gpus)} x {name}" if len(gpus) > 1 else name


def _on_other_data(run: Run, other: str) -> str:
    if not run.dataset:
        return f"This lesson needs what only the drawn images have, such as masks: it runs on them, not on {other}."
    about = read_about(find_prepared(other, "real"))
    words = f"The text describes the course's images, the numbers are those of {other}."
    if len(about.classes) > 2:
        two = " and ".join(two_largest(about))
        words += f" Of its {len(about.classes)} classes the two with most images are used: {two}."
    return words


def _sources(run: Run) -> str:
    if run.dataset:
        return f"{run.dataset} in place of the course's"
    if run.source == "embedded":
        return "embedded"
    real = [name for name in COURSE if run.source_of(name) == "real"]
    rest = " (others embedded)" if 0 < len(real) < len(COURSE) else ""
    return f"real {', '.join(real)}{rest}" if real else "embedded"
