"""A loss that can't learn the labels is refused before the training, with the right one named."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from helpers.data import Split
from helpers.errors import CourseError
from helpers.models import LossError, check_loss, fit_best, predict_and_evaluate, small_cnn

NUMBERS = {k: np.arange(2 * k) % k for k in (2, 3, 13, 200)}
ONE_HOT = {k: np.eye(k)[y] for k, y in NUMBERS.items()}
BINARY, CATEGORICAL, SPARSE = "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"


def net(units, activation, loss):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])
    model.compile("adam", loss)
    return model


@pytest.mark.parametrize("k", [3, 13, 200])
@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [
        (1, "sigmoid", BINARY),
        (1, "sigmoid", "mse"),
        (1, "softmax", SPARSE),
        ("k", "softmax", BINARY),
        ("k", "sigmoid", BINARY),
        ("k", "softmax", CATEGORICAL),
        ("k", None, SPARSE),
        ("k", "relu", SPARSE),
        (2, "softmax", SPARSE),
        ("k", "softmax", keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
    ],
)
def test_class_numbers_are_learned_by_a_softmax_with_the_sparse_loss_alone(k, units, activation, loss):
    with pytest.raises(LossError, match=rf'Dense\({k}, activation="softmax"\) with "{SPARSE}"'):
        check_loss(net(k if units == "k" else units, activation, loss), NUMBERS[k])


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [(13, "softmax", SPARSE), (13, "softmax", BINARY), (3, "softmax", CATEGORICAL), (13, "sigmoid", CATEGORICAL)],
)
def test_one_hot_labels_are_learned_by_a_softmax_with_the_categorical_loss(units, activation, loss):
    with pytest.raises(LossError, match=rf'One-hot labels: Dense\(13, activation="softmax"\) with "{CATEGORICAL}"'):
        check_loss(net(units, activation, loss), ONE_HOT[13])


@pytest.mark.parametrize(
    ("units", "activation", "loss"),
    [(1, "softmax", BINARY), (1, "sigmoid", SPARSE), (2, "softmax", BINARY), (1, None, BINARY), (1, "relu", BINARY)],
)
def test_two_classes_have_two_right_ways_which_are_both_named(units, activation, loss):
    with pytest.raises(LossError, match=rf'Dense\(1, activation="sigmoid"\) with "{BINARY}", or Dense\(2'):
        check_loss(net(units, activation, loss), NUMBERS[2])


@pytest.mark.parametrize(
    ("units", "activation", "loss", "labels"),
    [
        (1, "sigmoid", BINARY, NUMBERS[2]),
        (1, "sigmoid", BINARY, 0.9 * NUMBERS[2][:, None]),
        (1, None, keras.losses.BinaryCrossentropy(from_logits=True), NUMBERS[2]),
        (2, "softmax", SPARSE, NUMBERS[2]),
        (2, "softmax", BINARY, ONE_HOT[2]),
        (13, "softmax", SPARSE, NUMBERS[13]),
        (13, "softmax", keras.losses.SparseCategoricalCrossentropy(), NUMBERS[13][:, None].astype(float)),
        (13, None, keras.losses.SparseCategoricalCrossentropy(from_logits=True), NUMBERS[13]),
        (13, "softmax", CATEGORICAL, 0.9 * ONE_HOT[13] + 0.1 / 13),
        (13, "sigmoid", BINARY, np.tile([1, 1, 0], (4, 5))[:, :13]),
        (1, None, "mse", NUMBERS[13]),
    ],
)
def test_what_can_be_learned_is_let_through(units, activation, loss, labels):
    check_loss(net(units, activation, loss), labels)


def test_batches_that_know_their_classes_are_not_read_and_their_shuffling_stays():
    y = np.arange(40) % 13
    split = Split(np.zeros((40, 4)), y, y, None, batch_size=8, seed=7, class_names=tuple("abcdefghijklm"))
    again = Split(np.zeros((40, 4)), y, y, None, batch_size=8, seed=7, class_names=tuple("abcdefghijklm"))
    with pytest.raises(LossError, match="can't learn 13 classes"):
        check_loss(net(1, "sigmoid", BINARY), split.batches)
    check_loss(net(13, "softmax", SPARSE), split.batches)
    order, expected = (np.concatenate([labels for _, labels in s.batches.as_numpy_iterator()]) for s in (split, again))
    assert (order == expected).all()


def test_a_training_with_a_wrong_loss_does_not_begin():
    x, y = np.zeros((26, 4)), NUMBERS[13]
    unnamed = tf.data.Dataset.from_tensor_slices((x, y)).batch(5)
    for data in ((x, y), (unnamed,)):
        model = net(1, "sigmoid", BINARY)
        before = model.get_weights()
        with pytest.raises(CourseError, match="13 classes"):
            fit_best(model, *data, validation_data=unnamed, epochs=1)
        assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    right = fit_best(net(13, "softmax", SPARSE), unnamed, validation_data=(x, y), epochs=1)
    assert right.best_epoch == 1 and right.history["loss"][0] > 0


@pytest.mark.parametrize("k", [3, 13])
def test_a_softmax_is_trained_and_scored_with_the_names_of_the_classes(k):
    keras.utils.set_random_seed(0)
    y = np.arange(6 * k) % k
    images = np.zeros((6 * k, 16, 16, 1), np.uint8)
    images[np.arange(6 * k), y] = 255
    names = tuple(f"row {i}" for i in range(k))
    split = Split(images, y, np.arange(6 * k).astype(str), None, batch_size=8, seed=None, class_names=names)
    model = small_cnn((16, 16, 1), k, filters=(4,))
    model.compile("adam", SPARSE)
    fit_best(model, split.batches, validation_data=split.batches, epochs=1)
    scores = predict_and_evaluate(model, split)
    assert scores.class_names == names and scores.n == 6 * k
    expected = model.predict(images, verbose=0).argmax(axis=1)
    assert scores.accuracy == pytest.approx((expected == y).mean())
    with pytest.raises(ValueError, match=rf"model: its output has the shape \({6 * k}, 1\), expected \(n, {k}\)"):
        predict_and_evaluate(small_cnn((16, 16, 1), filters=(4,)), split)


@pytest.mark.parametrize(
    ("labels", "said"), [(["cat", "dog"], "labels: hold"), ([-1, 1], "labels: the smallest is -1")]
)
def test_labels_that_are_no_class_numbers_are_refused(labels, said):
    with pytest.raises(LossError, match=said):
        check_loss(net(1, "sigmoid", BINARY), labels)
