"""The small CNN has the shape that the lessons count on, for any size of image and number of classes."""

import keras
import numpy as np
import pytest

from helpers.models import small_cnn


def test_two_classes_give_one_sigmoid_unit_and_more_a_softmax():
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3))
    two, five = small_cnn((32, 48, 3)).predict(images, verbose=0), small_cnn((32, 48, 3), 5).predict(images, verbose=0)
    assert two.shape == (3, 1) and ((two > 0) & (two < 1)).all()
    assert five.shape == (3, 5)
    np.testing.assert_allclose(five.sum(axis=1), 1, atol=1e-5)


def test_it_takes_images_of_any_size_and_leaves_the_rescaling_to_itself():
    model = small_cnn((None, None, 1))
    assert model.predict(np.zeros((1, 40, 56, 1)), verbose=0).shape == (1, 1)
    assert isinstance(model.layers[0], keras.layers.Rescaling) and model.layers[0].scale == pytest.approx(1 / 255)


def test_dropout_and_filters_are_asked_for():
    model = small_cnn((16, 16, 1), filters=(4, 8), dropout=0.5)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("Conv2D") == 2 and kinds.count("Dropout") == 1
    assert "Dropout" not in [type(layer).__name__ for layer in small_cnn((16, 16, 1)).layers]


@pytest.mark.parametrize(
    ("arguments", "said"), [(((64, 64, 1), 1), "n_classes: 1"), (((8, 64, 1),), "at least 16 pixels")]
)
def test_what_cannot_be_built_is_refused_by_name(arguments, said):
    with pytest.raises(ValueError, match=said):
        small_cnn(*arguments)
