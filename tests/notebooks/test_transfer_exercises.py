"""The exercises of lessons 6.3 and 6.4: their solutions run and are right, and a wrong answer is told from them."""

import ast
from pathlib import Path
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from data_prework.files import PROJECT
from helpers.metrics import auc_of_draws, compare, evaluate
from tests.notebooks.shape import is_solution

pytestmark = pytest.mark.filterwarnings("ignore:Even though")  # of functions that run eagerly, by TensorFlow
LESSONS = PROJECT / "notebooks" / "06_transfer"


def solutions(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if is_solution(cell)]


def definitions(path: Path) -> str:
    """The functions of a lesson, without what it runs."""
    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and not is_solution(c)]
    trees = [ast.parse(source) for source in code]
    return "\n\n".join(ast.unparse(node) for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))


FEW, HEADS = LESSONS / "3_how_few_images.ipynb", LESSONS / "4_heads_of_the_projects.ipynb"


def run(code: str, **names) -> dict:
    exec(code, names)
    return names


@pytest.mark.parametrize("drawings, needed", [([0.93, 0.95, 0.96, 0.97], 200), ([0.90, 0.91, 0.92, 0.93], None)])
def test_the_first_size_that_reaches_the_goal_is_needed(drawings, needed):
    sizes = [50, 100, 200, 400]
    auc = pd.Series({("photographs", 50): 0.955, **{("drawings", n): v for n, v in zip(sizes, drawings, strict=True)}})
    found = run(solutions(FEW)[0], auc=auc, sizes=sizes)
    assert found["needed"] == needed
    last = solutions(FEW)[0].replace("reached[0]", "reached[-1]")
    assert needed is None or run(last, auc=auc, sizes=sizes)["needed"] != needed


def test_modules_give_a_wider_interval_than_their_cells():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 10)
    labels = np.repeat([0, 1], 60)
    better = labels + np.repeat(rng.normal(0, 1, 12), 10) + rng.normal(0, 0.5, 120)
    cell_prob = {("photographs", 50): [better], ("drawings", 50): [better + np.repeat(rng.normal(0, 1, 12), 10)]}
    names = {"cell_prob": cell_prob, "labels": labels, "groups": groups, "auc_of_draws": auc_of_draws}

    def wider(found):
        return found["by_module"].high - found["by_module"].low > 1.2 * (found["by_cell"].high - found["by_cell"].low)

    assert wider(run(solutions(FEW)[1], **names))
    forgotten = solutions(FEW)[1].replace(", groups, minus", ", minus")
    assert forgotten != solutions(FEW)[1] and not wider(run(forgotten, **names))


@pytest.fixture(scope="module")
def heads():
    """What the exercises of 6.4 start from, with maps of 2 x 2 places and 8 numbers."""
    rng = np.random.default_rng(0)
    part = {
        name: SimpleNamespace(labels=np.tile([0, 1], 30), groups=np.arange(60)) for name in ("train", "val", "test")
    }
    maps = {
        k: (p.labels[:, None, None, None] + rng.normal(0, 2, (60, 2, 2, 8))).astype("float32") for k, p in part.items()
    }
    part["val"].labels = rng.integers(0, 2, 60)  # not to be learned: the last epoch is not the best
    names = {
        **part,
        "keras": keras,
        "layers": keras.layers,
        "np": np,
        "evaluate": evaluate,
        "compare": compare,
        "roc_auc_score": roc_auc_score,
        "run": SimpleNamespace(seed=7, epochs=lambda full: 12),
        "stop": keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True),
        "lite": SimpleNamespace(name="lite"),
        "maps": {"lite": maps},
    }
    exec(definitions(HEADS), names)
    tf.config.run_functions_eagerly(True)  # graphs cost more than so few steps
    yield names
    tf.config.run_functions_eagerly(False)


def test_averages_in_place_of_flattened_maps_leave_few_weights(heads):
    wanted = 8 * 512 + 512 + 512 + 1
    assert run(solutions(HEADS)[0], **heads)["weights"] == wanted
    flat = solutions(HEADS)[0].replace("GlobalAveragePooling2D", "Flatten")
    assert run(flat, **heads)["weights"] == wanted + 3 * 8 * 512


def test_the_cost_of_the_last_weights_is_that_of_two_trainings_which_differ_in_the_callback_only(heads):
    def cost(code):
        names = dict(heads)
        exec(definitions(HEADS), names)  # functions see the names that the solution sets
        names["HEADS"] = {"S0-M5, M6": names["s1_m6"]}
        names["fitted"] = {("lite", "S0-M5, M6"): names["fit"](names["HEADS"]["S0-M5, M6"], names["maps"]["lite"])}
        exec(code, names)
        return names["cost"].value, names

    value, names = cost(solutions(HEADS)[1])
    known = names["maps"]["lite"]["val"]
    best, last = (names[key].predict(known, verbose=0)[:, 0] for key in ("best", "last"))
    assert value == pytest.approx(roc_auc_score(names["val"].labels, best) - roc_auc_score(names["val"].labels, last))
    assert not np.array_equal(best, last)
    restored = solutions(HEADS)[1].replace("patience=5)", "patience=5, restore_best_weights=True)")
    assert cost(restored)[0] == 0
