"""The exercises of part 4's first lessons: the solutions give what the text says, and a wrong answer doesn't."""

import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, regularizers

from data_prework.files import PROJECT
from helpers.plots import plot_images
from helpers.run import Run
from tests.notebooks.lesson_cells import ran

FOLDER = PROJECT / "notebooks" / "04_regularization"
STOP, BRAKES, CHANGES = "1_early_stopping.ipynb", "2_weight_penalties.ipynb", "3_augmentation.ipynb"
QUICK = Run("4.1", 7, "quick", "embedded", "2 CPU cores", PROJECT / "results")


def cells(name):
    return nbformat.read(FOLDER / name, as_version=4).cells


def solutions(name):
    return [cell.source for cell in cells(name) if "solution" in cell.metadata.get("tags", [])]


def cell(name, ident):
    return next(cell.source for cell in cells(name) if cell.id == ident)


@pytest.fixture(scope="module")
def stop_early():
    return ran(cell(STOP, "stop-by-hand"))[0]["stop_early"]


@pytest.mark.parametrize(
    "losses, patience, expected",
    [
        ([3, 2, 1], 2, (3, 3)),  # better to the end
        ([1, 2, 3, 0], 2, (1, 3)),  # what comes later is never seen
        ([1, 2, 3, 0], 3, (4, 4)),
        ([2, 1, 1, 1], 2, (2, 4)),  # as good isn't better
    ],
)
def test_the_rule_of_the_lesson_is_that_of_keras(stop_early, losses, patience, expected):
    callback = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    callback.set_model(model)
    callback.on_train_begin()
    trained = 0
    for epoch, loss in enumerate(losses):
        trained = epoch + 1
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    assert stop_early(losses, patience) == expected == (callback.best_epoch + 1, trained)


HISTORY = {"val_accuracy": [0.7, 0.7, 0.8, 0.8, 0.6, 0.9], "val_loss": [0.6, 0.5, 0.4, 0.3, 0.2, 0.1]}


@pytest.fixture(scope="module")
def by_accuracy(stop_early):
    return ran(solutions(STOP)[0], stop_early=stop_early, history=HISTORY, np=np)[0]["stop_by_accuracy"]


def test_accuracy_should_be_high_and_the_first_of_equals_is_kept(by_accuracy):
    assert by_accuracy(HISTORY["val_accuracy"], 2) == (3, 5)
    assert by_accuracy(HISTORY["val_accuracy"], 3) == (6, 6)


def test_the_rule_for_losses_is_wrong_for_accuracies(stop_early, by_accuracy):
    assert stop_early(HISTORY["val_accuracy"], 2) != by_accuracy(HISTORY["val_accuracy"], 2)


@pytest.fixture(scope="module")
def curves():
    rng = np.random.default_rng(7)
    loss = rng.gamma(2, 0.2, (2, 30, 40)) + np.linspace(0, 0.5, 30)[:, None]
    return {"loss": loss, "on_test": loss.mean(axis=2) + 1, "val": range(40), "network_no": range(2)}


def chosen(source, name, given):
    return ran(source, np=np, run=QUICK, **given)[0][name]


def test_the_late_epochs_are_chosen_as_if_there_were_no_others(curves):
    chosen_by = chosen(cell(STOP, "stop-chosen-by"), "chosen_by", curves)
    late = {**curves, "loss": curves["loss"][:, -10:], "on_test": curves["on_test"][:, -10:]}
    wanted = chosen(cell(STOP, "stop-chosen-by"), "chosen_by", late)(16)
    chosen_late = ran(solutions(STOP)[1], np=np, run=QUICK, chosen_by=chosen_by, **curves)[0]["chosen_late"]
    assert np.allclose(chosen_late(16), wanted) and not np.allclose(chosen_by(16), wanted)


def test_a_late_epoch_must_not_be_looked_up_among_all(curves):
    given = {"chosen_by": chosen(cell(STOP, "stop-chosen-by"), "chosen_by", curves), **curves}
    right, wrong = (
        ran(source, np=np, run=QUICK, **given)[0]["chosen_late"](16)
        for source in (solutions(STOP)[1], solutions(STOP)[1].replace("on_test[i, -10:]", "on_test[i]"))
    )
    assert right[0] == wrong[0] and right[1] != wrong[1]


@pytest.fixture(scope="module")
def brakes():
    given = {"keras": keras, "layers": layers, "regularizers": regularizers, "np": np, "run": QUICK}
    return given | {"network": ran(cell(BRAKES, "brake-network"), **given)[0]["network"]}


def penalty(source, brakes):
    names, said = ran(source, **brakes)
    return names["l1_start"], names["by_keras"], said


def test_the_penalty_by_hand_is_that_of_keras_and_many_times_the_loss_of_a_coin(brakes):
    by_hand, by_keras, said = penalty(solutions(BRAKES)[0], brakes)
    assert by_hand == pytest.approx(by_keras, rel=1e-4) and by_hand > 20 * np.log(2)
    assert f"{by_hand / np.log(2):.0f} times" in said


@pytest.mark.parametrize(
    "right, wrong",
    [("kernels[1:-1]", "kernels"), (".sum() for", ".mean() for"), ("np.abs(kernel)", "np.square(kernel)")],
    ids=["all layers", "means", "squares"],
)
def test_another_sum_is_not(right, wrong, brakes):
    source = solutions(BRAKES)[0]
    assert right in source
    by_hand, by_keras, _ = penalty(source.replace(right, wrong), brakes)
    assert by_hand != pytest.approx(by_keras, rel=1e-3)


PUBLISHED = 23_981_249


def test_s4_m4_has_the_published_parameters_with_its_dropouts_and_without(brakes):
    source = solutions(BRAKES)[1]
    names, said = ran(source, **brakes)
    assert names["s4_m4"].count_params() == PUBLISHED and f"{PUBLISHED:,}" in said
    assert [x.rate for x in names["s4_m4"].layers if isinstance(x, layers.Dropout)] == [0.25, 0.25, 0.5]
    plain = source.replace("layers.Dropout(0.25)", "layers.Dropout(0)").replace("layers.Dropout(0.5)", "layers.ReLU()")
    assert ran(plain, **brakes)[0]["s4_m4"].count_params() == PUBLISHED
    assert round(names["s4_m4"].layers[-3].count_params() / PUBLISHED, 3) == 0.996  # as the answer says


@pytest.mark.parametrize(
    "right, wrong",
    [('activation="relu"))\n    s4_m4', 'padding="same"))\n    s4_m4'), ("(224, 224, 3)", "(224, 224, 1)")],
    ids=["padding", "gray"],
)
def test_another_s4_m4_has_not(right, wrong, brakes):
    source = solutions(BRAKES)[1]
    assert right in source
    assert ran(source.replace(right, wrong), **brakes)[0]["s4_m4"].count_params() != PUBLISHED


def test_a_cache_behind_the_changes_freezes_them():
    turn = layers.RandomRotation(0.2, seed=7)
    images = np.random.default_rng(7).integers(0, 255, (6, 8, 8, 1)).astype("float32")
    given = {
        "np": np,
        "batches": tf.data.Dataset.from_tensor_slices(images).batch(3),
        "change": lambda batch: turn(batch, training=True),
    }
    _, said = ran(solutions(CHANGES)[0], **given)
    assert said.splitlines() == ["early: new images in epoch 2: True", "late: new images in epoch 2: False"]


@pytest.fixture(scope="module")
def s0():
    wall = np.random.default_rng(7).integers(0, 255, (1, 64, 64, 1)).astype("uint8")
    given = {"keras": keras, "layers": layers, "np": np, "wall": wall, "plot_images": plot_images, "plt": plt}
    return lambda source: ran(source, **given)


def as_published(changes):
    """Whether the changes are those that S0's report gives, in Keras' units."""
    found = {type(layer).__name__: layer.get_config() for layer in changes.layers}
    turned = np.allclose(np.abs(found["RandomRotation"]["factor"]), 30 / 360)
    moved = [found["RandomTranslation"][way] for way in ("height_factor", "width_factor")]
    modes = {layer.mode for layer in changes.layers if isinstance(layer, layers.RandomFlip)}
    zoomed = np.allclose(np.abs(found["RandomZoom"]["height_factor"]), 0.2)
    return bool(turned and np.allclose(np.abs(moved), 0.2) and zoomed and modes == {"horizontal", "vertical"})


def test_s0_m3_has_the_published_parameters_and_changes(s0):
    names, said = s0(solutions(CHANGES)[1])
    plt.close("all")
    assert names["s0_m3"].count_params() == 508_353 and "508,353" in said
    assert as_published(names["s0_changes"])


@pytest.mark.parametrize(
    "right, wrong", [("30 / 360", "0.3"), ("(0.2, 0.2)", "(0.2, 0.1)"), ('"vertical"', '"horizontal"')]
)
def test_other_units_or_ways_are_not_the_published_ones(right, wrong, s0):
    source = solutions(CHANGES)[1].split("s0_m3 =")[0]
    assert right in source
    assert not as_published(s0(source.replace(right, wrong))[0]["s0_changes"])
