"""After a training the model has its best weights, and its scores are those of its own predictions."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from helpers.metrics import evaluate
from helpers.models import fit_best, predict_and_evaluate

X = np.linspace(-1, 1, 40)[:, None]
Y = (X[:, 0] > 0).astype(int)


def unit(rate=0.5, metrics=()):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", metrics=list(metrics))
    return model


@pytest.mark.parametrize("epochs", [1, 4])
def test_the_model_has_the_weights_of_its_best_epoch_even_where_no_epoch_was_cut(epochs):
    model = unit()
    wrong = X, 1 - Y  # the better the training, the worse the validation: the first epoch is the best
    training = fit_best(model, X, Y, validation_data=wrong, epochs=epochs)
    assert training.best_epoch == 1 and len(training.history["loss"]) == epochs and training.seconds > 0
    assert model.evaluate(*wrong, verbose=0) == pytest.approx(training.history["val_loss"][0], rel=1e-4)


def test_patience_ends_it_and_more_callbacks_and_options_reach_fit():
    seen = []
    tick = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    training = fit_best(
        unit(), X, Y, validation_data=(X, 1 - Y), epochs=20, patience=2, callbacks=[tick], batch_size=10
    )
    assert len(training.history["loss"]) == 3 and len(seen) == 3 * 4


def test_a_metric_that_should_grow_is_followed_upwards():
    model = unit(metrics=[keras.metrics.AUC(name="auc")])
    training = fit_best(model, X, Y, validation_data=(X, Y), epochs=4, monitor="val_auc")
    assert training.best_epoch == int(np.argmax(training.history["val_auc"])) + 1


def test_what_cannot_be_trained_is_refused_by_name():
    with pytest.raises(ValueError, match="not compiled"):
        fit_best(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]), X, Y, validation_data=(X, Y), epochs=1)


def test_the_scores_are_those_of_the_predictions_with_groups():
    model, groups = unit(), np.repeat(np.arange(20), 2).astype(str)
    split = SimpleNamespace(images=X, labels=Y, groups=groups)
    found = predict_and_evaluate(model, split, threshold=0.4)
    assert found == evaluate(Y, model.predict(X, verbose=0)[:, 0], 0.4, groups=groups)
    two = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    assert predict_and_evaluate(two, split) == evaluate(Y, two.predict(X, verbose=0)[:, 1], groups=groups)
    three = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3, activation="softmax")])
    split.class_names = ("no", "yes")
    with pytest.raises(ValueError, match=r"\(40, 3\), the data 2 classes"):
        predict_and_evaluate(three, split)
