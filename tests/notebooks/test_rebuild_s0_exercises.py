"""The exercises of the rebuild lab on cracks: the solutions are right, and wrong answers are not."""

import nbformat
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, recall_score

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran

LAB = PROJECT / "notebooks" / "rebuild" / "s0_cracks.ipynb"
TRUTH, PROB = np.array([0, 0, 1, 1, 1]), np.array([0.1, 0.5, 0.4, 0.5, 0.9])


def cells():
    return nbformat.read(LAB, as_version=4).cells


def solution(number):
    return [cell.source for cell in cells() if "solution" in cell.metadata.get("tags", [])][number - 1]


def printed_code(words):
    """The code block that the text of an exercise prints."""
    text = next(cell.source for cell in cells() if cell.cell_type == "markdown" and words in cell.source)
    return text.split("```python\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def scores_of():
    return ran(solution(1), np=np, truth=TRUTH, tested={"M5": PROB})[0]["scores_of"]


def test_the_scores_need_nothing_but_their_arguments(scores_of):
    assert scores_of(TRUTH, PROB) == (3 / 5, 2 / 3)
    assert scores_of(TRUTH, PROB, threshold=0.3) == (4 / 5, 1)


def test_the_function_with_the_bugs_fails_alone_and_answers_for_other_labels_without_an_error():
    class Model:
        def predict(self, images):
            return images[:, None]

    code = printed_code("def scores_of(model)")
    with pytest.raises(NameError):
        ran(code)[0]["scores_of"](Model())
    given = {"np": np, "accuracy_score": accuracy_score, "recall_score": recall_score, "test_data": PROB}
    right = ran(code, y_true=TRUTH, **given)[0]["scores_of"](Model())
    changed = ran(code, y_true=1 - TRUTH, **given)[0]["scores_of"](Model())
    assert right != changed


def test_half_counts_as_a_crack_and_np_round_says_no(scores_of):
    assert scores_of([1], [0.5])[1] == 1 and np.round(0.5) == 0


@pytest.fixture(scope="module")
def s0_log():
    return ran(solution(2), np=np)[0]


def test_the_kept_epochs_are_those_of_the_report(s0_log):
    loss, accuracy, kept = (s0_log[name] for name in ("loss", "accuracy", "kept"))
    assert len(loss) == len(accuracy) == 18
    assert kept(loss, "min") == 13 and kept(accuracy, "max") == 12
    assert round(accuracy[11] - accuracy[-1], 4) == 0.0158
    assert printed_code("which epoch was tested?").count(",") >= 34


@pytest.mark.parametrize(
    "right, wrong",
    [("+ 1", ""), ('mode == "min"', 'mode == "max"')],
    ids=["counted from 0", "the worst epoch"],
)
def test_another_epoch_is_wrong(right, wrong, s0_log):
    source = solution(2)
    assert right in source
    wrong = ran(source.replace(right, wrong), np=np)[0]["kept"]
    assert wrong(s0_log["loss"], "min") != 13


def test_of_equal_epochs_the_first_is_kept(s0_log):
    accuracy = s0_log["accuracy"]
    last_of_equals = len(accuracy) - int(np.argmax(accuracy[::-1]))
    assert accuracy[11] == accuracy[12] and last_of_equals == 13 != s0_log["kept"](accuracy, "max")
