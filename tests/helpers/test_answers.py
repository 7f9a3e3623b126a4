"""How test cells ask functions and networks: what is right passes in every form, what is wrong is named."""

import numpy as np
import pytest

from helpers.assignment.answers import (
    ACTIVATIONS,
    ENDS,
    PADDINGS,
    POOLINGS,
    SCALES,
    arrays_of,
    ask,
    by_hand,
    deviation,
    loss_on,
    outputs,
)

keras = pytest.importorskip("keras")

DENSE = [(16, 3), (3,), (3, 1), (1,)]


def network(*first, hidden="relu", end="sigmoid", loss="binary_crossentropy"):
    """A dense network for 4 by 4 pixels, compiled."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, hidden), keras.layers.Dense(1, end)]
    made = keras.Sequential([keras.Input((4, 4, 1)), *first, *layers])
    made.compile("sgd", loss)
    return made


def pixels(side=4, n=6):
    drawn = np.random.default_rng(3).uniform(0, 255, (n, side, side, 1)).astype("float32")
    return np.concatenate([0.01 * drawn, drawn, 20 * drawn])


def scaled(by=1 / 255, offset=0.0):
    return keras.layers.Rescaling(by, offset)


def test_a_function_that_stops_is_named_with_its_case_and_a_gap_stays_a_gap():
    def gap():
        raise NotImplementedError("Not solved yet")

    assert ask(max, [3, 1], case="two numbers") == 3
    with pytest.raises(AssertionError, match=r"no numbers: your function stops with ValueError"):
        ask(max, [], case="no numbers")
    with pytest.raises(NotImplementedError, match=r"Not solved yet"):
        ask(gap, case="nothing")


@pytest.mark.parametrize(
    "made, says",
    [
        (lambda: network(scaled()), ""),
        (lambda: network(scaled(), scaled()), "divided by 255 twice"),
        (lambda: network(), "Numbers up to 255"),
        (lambda: network(scaled(2 / 255, -1.0)), "from -1 to 1"),
        (lambda: network(scaled(), hidden="tanh"), "have tanh"),
        (lambda: network(scaled(), end="linear"), "needs a sigmoid"),
        (lambda: network(scaled(), hidden="gelu"), "computes something else"),
    ],
)
def test_what_a_dense_network_does_other_than_asked_is_found_by_its_answers(made, says):
    keras.utils.set_random_seed(5)
    model, images = made(), pixels()
    found = deviation(
        outputs(model, images), arrays_of(model, DENSE), images, scale=SCALES, hidden=ACTIVATIONS, end=ENDS
    )
    assert says in found and bool(says) == bool(found)


@pytest.mark.parametrize(
    "padding, pool, says",
    [("same", "MaxPooling2D", ""), ("valid", "MaxPooling2D", "padding"), ("same", None, "no pooling")],
)
def test_a_network_with_convolutions_is_computed_by_hand(padding, pool, says):
    keras.utils.set_random_seed(5)
    block = []
    for filters in (2, 3):
        block.append(keras.layers.Conv2D(filters, 3, padding=padding, activation="relu"))
        block += [getattr(keras.layers, pool)()] if pool else []
    ends = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    model, images = keras.Sequential([keras.Input((12, 12, 1)), scaled(), *block, *ends]), pixels(12)
    weights = arrays_of(model, [(3, 3, 1, 2), (2,), (3, 3, 2, 3), (3,), (3, 1), (1,)])
    found = deviation(outputs(model, images), weights, images, padding=PADDINGS, pooling=POOLINGS)
    assert says in found and bool(says) == bool(found)


def test_each_convolution_may_have_its_own_padding_and_means_may_be_pooled():
    keras.utils.set_random_seed(5)
    block = []
    for filters, padding in ((2, "valid"), (3, "same")):
        block += [keras.layers.Conv2D(filters, 3, padding=padding, activation="relu"), keras.layers.AveragePooling2D(2)]
    ends = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    model, images = (
        keras.Sequential([keras.Input((11, 8, 1)), scaled(), *block, *ends]),
        255 * np.random.rand(3, 11, 8, 1),
    )
    right = by_hand(model.get_weights(), images, padding=("valid", "same"), pooling="average")
    assert np.allclose(outputs(model, images), right, atol=1e-5)
    assert not np.allclose(right, by_hand(model.get_weights(), images, padding=("valid", "same")), atol=1e-5)


def test_weights_are_found_by_shape_and_each_hidden_layer_may_have_its_own_activation():
    model, images = network(scaled(), hidden="linear"), pixels()
    assert arrays_of(model, DENSE[:2]) is None
    right = by_hand(arrays_of(model, DENSE), images, hidden=("linear", "relu"))
    assert np.allclose(outputs(model, images), right, atol=1e-5)


@pytest.mark.parametrize("loss", ["bce", "binary_crossentropy", ["bce"]])
def test_a_loss_counts_by_what_it_computes(loss):
    truth, given = np.array([[1.0], [0.0]]), np.array([[0.8], [0.4]])
    right = -np.log([0.8, 0.6]).mean()
    assert loss_on(network(loss=loss), truth, given) == pytest.approx(right, abs=1e-5)
    assert loss_on(network(loss=keras.losses.BinaryCrossentropy()), truth, given) == pytest.approx(right, abs=1e-5)
    logits = network(loss=keras.losses.BinaryCrossentropy(from_logits=True))
    assert abs(loss_on(logits, truth, given) - right) > 0.05


def test_what_is_no_network_or_has_no_loss_or_another_input_is_said():
    with pytest.raises(AssertionError, match=r"must be a Keras model"):
        outputs(np.zeros(3), pixels())
    with pytest.raises(AssertionError, match=r"doesn't take inputs of shape \(5, 5, 1\)"):
        outputs(network(), pixels(5))
    with pytest.raises(AssertionError, match=r"no loss yet"):
        loss_on(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), [1], [[0.5]])
    with pytest.raises(AssertionError, match=r"doesn't take these labels"):
        loss_on(network(loss="categorical_crossentropy"), np.array([0, 2]), np.full((2, 3), 0.3))
