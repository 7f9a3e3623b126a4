"""The models of five published student projects, each as one row: network, training, published scores.

    model = REFERENCE_MODELS["S0-M6"].build(weights=None, image_size=64)
    project = REFERENCE_PROJECTS["S0"]

Everything is read off the projects' reports. Where a report doesn't say, `assumed` names what we chose. The page
notebooks/reference_projects.md goes through the reports point by point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from helpers.augment import Affine
from helpers.models.reference_layers import (
    bottleneck,
    conv_stack,
    dense_per_position,
    dense_stack,
    late_pooling,
    on_backbone,
    wide_head,
)
from helpers.models.reference_projects import REFERENCE_PROJECTS


@dataclass(frozen=True)
class ReferenceModel:
    """One published model.

    Attributes:
        project, name: such as "S0" and "M1"; `key` is both.
        description: of the network, in a line.
        network: the function that builds it.
        options: its settings in the report.
        adjusted: what the default build takes instead, also of optimizer and learning_rate.
        size, channels: of the published images, in pixels.
        epochs, batch_size, loss, optimizer, learning_rate: of the published training; epochs as asked for, which
            early stopping may have cut short. None: not given, for the rate Keras' default.
        callbacks: of the published training, in words.
        preprocessing: of the pixels, as published.
        scores: published, as shares; names as in `helpers.metrics` on the test images, others say on which.
        parameters, trainable_parameters: as printed, or computed from the printed layers; None: not to be known.
        caution: what to know before one reads the published scores.
        assumed: what the report doesn't give and we chose; empty where nothing is missing.
        augmentation: of the training images, else None.
        class_weights: whether the project weighted the classes.
    """

    project: str
    name: str
    description: str
    network: Any
    options: Mapping[str, Any]
    size: int
    epochs: int | None
    scores: Mapping[str, float]
    caution: str
    channels: int = 3
    batch_size: int = 32
    loss: str = "binary_crossentropy"
    optimizer: str = "adam"
    learning_rate: float | None = None
    callbacks: tuple[str, ...] = ()
    preprocessing: str = "pixels / 255"
    parameters: int | None = None
    trainable_parameters: int | None = None
    adjusted: Mapping[str, Any] = field(default_factory=dict)
    assumed: str = ""
    augmentation: Affine | None = None
    class_weights: bool = False

    @property
    def key(self) -> str:
        """Project and name, such as "S0-M1"."""
        return f"{self.project}-{self.name}"

    @property
    def dataset(self) -> str:
        """Name of its data set in the course."""
        return REFERENCE_PROJECTS[self.project].dataset

    @property
    def pretrained(self) -> bool:
        """Whether it stands on a backbone, so that `weights` matters."""
        return self.network is on_backbone

    def make_optimizer(self, as_published: bool = False) -> keras.Optimizer:
        """A fresh optimizer.

        Args:
            as_published: the published one, in place of the one that the default build takes.
        """
        published = {"optimizer": self.optimizer, "learning_rate": self.learning_rate}
        chosen = published if as_published else {**published, **self.adjusted}
        rate = {} if chosen["learning_rate"] is None else {"learning_rate": chosen["learning_rate"]}
        return keras.optimizers.get({"class_name": chosen["optimizer"], "config": rate})

    def build(self, image_size: int | None = None, as_published: bool = False, **options: Any) -> keras.Model:
        """The network, compiled with its optimizer, binary cross-entropy and accuracy; pixels 0 to 255 go in.

        Args:
            image_size: side of the images in pixels, the published one unless given. Networks that flatten have
                other counts of parameters at another size.
            as_published: with the published settings in place of those in `adjusted`.
            options: of `network`, such as weights=None (random) or weights="course" for a pretrained one.

        Raises:
            ValueError: the images are too small for the network; or as `load_backbone`.
            TypeError: an option that this network does not have.

        Example:
            >>> model = REFERENCE_MODELS["S4-M1"].build(image_size=32)
            >>> model.input_shape, model.output_shape
            ((None, 32, 32, 3), (None, 1))
        """
        side = self.size if image_size is None else image_size
        adjusted = {name: value for name, value in self.adjusted.items() if name not in ("optimizer", "learning_rate")}
        settings = {**self.options, **({} if as_published else adjusted), **options}
        too_few = f"image_size: {side} pixels are too few for the layers of {self.key}"
        try:
            model = self.network((side, side, self.channels), **settings)
        except ValueError as error:
            if "negative dimension" in str(error).lower() or "zero or negative" in str(error).lower():
                raise ValueError(too_few) from error
            raise
        if any(0 in weight.shape for weight in model.weights):  # older versions of Keras build it all the same
            raise ValueError(too_few)
        model.name = self.key
        model.compile(self.make_optimizer(as_published), self.loss, metrics=["accuracy"])
        return model


# Amounts in degrees and shares. S2 gave its rotation as a share of a full turn. S4's "shear .2" means 0.2 degrees in
# the generator that it used: next to nothing. S3 gave no amounts; its changes of brightness are no affine transform.
ON_CRACKS = Affine(rotation=30, shift=0.2, zoom=0.2, horizontal_flip=True, vertical_flip=True)
IN_S2 = Affine(rotation=18, zoom=0.2, horizontal_flip=True)
IN_S3 = Affine(shift=0.1, zoom=0.2, shear=10)
IN_S4 = Affine(zoom=0.2, shear=0.2, horizontal_flip=True)

SAME_PHOTOS = "Test patches are cut from the same photos as training patches."
LAST_WEIGHTS = "Early stopping kept the last weights, not the best."
SIXTEEN = "The official validation folder has 16 images."
ON_TEST = "The models were compared on the test images."
SAME_PATIENTS = "The random split puts X-rays of one patient on both sides."
BY_TEST = "The epoch was chosen by the test images, as the report says: there was no validation split."
ALWAYS = "Its random changes stay on at prediction: two calls give two answers. " + SAME_PATIENTS
SGD = "Ten epochs of plain SGD at its default rate: with fewer images these are too few steps. " + SIXTEEN

DIVIDED = {"divided": True}  # pixels / 255 into the backbone; what its authors fed it is the adjustment
OWN = {"divided": False}
_FEW_STEPS = {"momentum": 0.9}  # 0.99 suits the hundreds of steps an epoch that S0 made; ours are fewer
_PLATEAU = "ReduceLROnPlateau(val_loss, factor .5, patience 1)"
_BEST = "ModelCheckpoint(val_loss, best only)"
_STOP_5 = "EarlyStopping(val_loss, patience 5)"
_ON_TEST = ("EarlyStopping(test accuracy)", "ModelCheckpoint(test accuracy)")
_L2_CUT = "The report's print cuts the L2 factor off; .01, Keras' default."
_S3_CHOICES = "Optimizer, learning rate, activations, factor of the rescaling"
_S4_COMPILE = "Loss and optimizer are printed for M4 only."

_s0 = partial(ReferenceModel, "S0", size=128, batch_size=128, caution=SAME_PHOTOS)
_s1 = partial(ReferenceModel, "S1", size=128, epochs=10, caution=SIXTEEN)
_s2 = partial(
    ReferenceModel, "S2", size=240, channels=1, batch_size=64, learning_rate=0.001, class_weights=True,
    callbacks=(_BEST,), caution=SAME_PATIENTS,
)  # fmt: skip
_s3 = partial(
    ReferenceModel, "S3", size=256, batch_size=30, callbacks=_ON_TEST, caution=BY_TEST,
    assumed=f"{_S3_CHOICES} and the amounts of augmentation aren't given.",
)  # fmt: skip
_s4 = partial(
    ReferenceModel, "S4", size=224, augmentation=IN_S4, callbacks=(_BEST, _STOP_5), caution=f"{SIXTEEN} {ON_TEST}",
    assumed=_S4_COMPILE,
)  # fmt: skip
_THREE_DENSE = {"units": (512, 256, 128), "l2": 0.01, "norm": True, "dropout": 0.5}
_THREE_CONV = {"filters": (32, 64, 64), "dense": (64,), "dropout": 0.25}


def _scores(*values: float) -> dict[str, float]:
    return dict(zip(("accuracy", "recall", "specificity", "false_negative_rate"), values, strict=False))


def _cracks(accuracy: float, precision: float, recall: float) -> dict[str, float]:
    return {"accuracy": accuracy, "precision": precision, "recall": recall}


def _before_test(train: float, validation: float) -> dict[str, float]:
    return {"train accuracy": train, "validation accuracy": validation}


_ROWS = (
    _s0(
        "M1", "one convolution of 32, flatten", conv_stack, {"filters": (32,), "pool": False},
        epochs=1, batch_size=512, parameters=508_929, scores=_cracks(0.929, 0.962, 0.894),
        caution="One epoch in batches of 512 is 63 steps: a first look, not a finished training. " + SAME_PHOTOS,
    ),
    _s0(
        "M2", "convolution, dense 128, 64, batch norm, dropout", wide_head, {},
        channels=1, epochs=10, parameters=67_118_529, trainable_parameters=67_118_081,
        scores=_cracks(0.983, 0.989, 0.977), adjusted=_FEW_STEPS,
        caution="The validation loss jumps to 13 to 22 in epochs 4 to 6 and comes back. " + SAME_PHOTOS,
    ),
    _s0(
        "M3", "M1 on gray images, augmented", conv_stack, {"filters": (32,), "pool": False},
        channels=1, epochs=10, augmentation=ON_CRACKS, parameters=508_353, scores=_cracks(0.970, 0.950, 0.993),
    ),
    _s0(
        "M4", "VGG16 frozen, dense 512", on_backbone,
        {"name": "VGG16", "units": (512,), "l2": 0.01, "dropout": 0.5, **DIVIDED},
        epochs=6, augmentation=ON_CRACKS, parameters=18_910_017, trainable_parameters=4_195_329,
        scores=_cracks(0.992, 0.998, 0.986), adjusted=OWN, assumed=_L2_CUT,
        callbacks=("EarlyStopping(val_loss, patience 3)", _PLATEAU), caution=f"{LAST_WEIGHTS} {SAME_PHOTOS}",
    ),
    _s0(
        "M5", "VGG16 frozen, dense 512, 256, 128", on_backbone, {"name": "VGG16", **_THREE_DENSE, **DIVIDED},
        epochs=20, augmentation=ON_CRACKS, parameters=19_077_441, trainable_parameters=4_360_961,
        scores=_cracks(0.998, 0.998, 0.998), adjusted={**OWN, **_FEW_STEPS}, assumed=_L2_CUT,
        callbacks=("EarlyStopping(val_loss, patience 3)", _PLATEAU),
        caution="Nine errors in 4,000, given without an interval. " + SAME_PHOTOS,
    ),
    _s0(
        "M6", "ResNet50 frozen, dense 512, 256, 128", on_backbone, {"name": "ResNet50", **_THREE_DENSE, **DIVIDED},
        epochs=20, augmentation=ON_CRACKS, parameters=40_533_377, trainable_parameters=16_943_873,
        scores=_cracks(0.975, 0.957, 0.994), adjusted={**OWN, **_FEW_STEPS}, assumed=_L2_CUT,
        callbacks=("EarlyStopping(val_loss, patience 5)", _PLATEAU),
        caution=f"{LAST_WEIGHTS} Validation accuracy was .9933 in epochs 12 and 13, and .9775 in epoch 18, "
        f"which was tested. {SAME_PHOTOS}",
    ),
    _s1(
        "M1", "dense 64, 32", dense_stack, {"units": (64, 32)}, batch_size=100, optimizer="sgd",
        parameters=3_147_905, scores=_before_test(0.8125, 0.5625), caution=SGD,
        adjusted={"optimizer": "adam", "learning_rate": 3e-4},
    ),
    _s1(
        "M2", "convolutions of 64, 32", conv_stack, {"filters": (64, 32)}, batch_size=100, optimizer="sgd",
        parameters=49_057, scores={**_scores(0.8317, 0.93, 0.67), **_before_test(0.9243, 0.9375)},
        caution=SGD, adjusted={"optimizer": "adam"},
    ),
    _s1(
        "M3a", "convolutions of 32, 64, 64, dropout, dense 64", conv_stack, _THREE_CONV,
        parameters=859_265, scores=_before_test(0.9875, 0.9375),
    ),
    _s1(
        "M3b", "M3a with L2 of 0.01", conv_stack, {**_THREE_CONV, "l2": 0.01, "l2_on_first": False},
        parameters=859_265, scores=_before_test(0.9536, 0.6875),
    ),
    _s1(
        "M4", "convolutions of 32, 64, 128, 128, 256, dense 512, 256", conv_stack,
        {"filters": (32, 64, 128, 128, 256), "dense": (512, 256)},
        parameters=1_192_385, scores=_before_test(0.9950, 0.8750),
    ),
    _s1(
        "M5", "convolutions of 32, 32, 64, 64, dropout, L1 and L2, dense 128, 1, 128, 256", bottleneck, {},
        parameters=394_274, scores=_before_test(0.7429, 0.5000),
        caution="All its answers are the same, “pneumonia”: .7429 and .5000 are that class's shares. " + SIXTEEN,
        adjusted={"l1": 3e-5, "l2": 3e-5, "one_unit": False},  # a penalty of about the loss of a coin
        assumed="The code prints a penalty of 1e-05, text and comments say .01; the loss of the first epoch, 14.1, "
        "fits .01. The dense layer of one unit in the middle looks like a line left over.",
    ),
    _s1(
        "M6", "VGG19 frozen, dense 132", on_backbone, {"name": "VGG19", "units": (132,), **DIVIDED}, size=64,
        optimizer="rmsprop", learning_rate=2e-5, adjusted=OWN,
        parameters=20_294_985, trainable_parameters=270_601,
        scores={**_scores(0.7628), **_before_test(0.9480, 0.8125)},
    ),
    _s2(
        "M1", "one convolution of 32, pooling, flatten", conv_stack, {"filters": (32,)}, epochs=30,
        parameters=453_473, scores=_scores(0.9590, 0.9719, 0.9243, 0.0281),
    ),
    _s2(
        "M2", "convolutions of 32, 64, 128, dense 128 on each position", dense_per_position, {}, epochs=30,
        parameters=224_385, scores=_scores(0.9497, 0.9626, 0.9148, 0.0374),
    ),
    _s2(
        "M3", "M2 with dropout of 0.5", dense_per_position, {"dropout": 0.5}, epochs=40,
        parameters=224_385, scores=_scores(0.9548, 0.9602, 0.9401, 0.0398),
    ),
    _s2(
        "M4", "M3, augmented", dense_per_position, {"dropout": 0.5, "always_change": True}, epochs=30,
        augmentation=IN_S2, parameters=224_385, scores=_scores(0.9454, 0.9626, 0.8991, 0.0374),
        caution=ALWAYS, adjusted={"always_change": False},
    ),
    _s2(
        "M5", "a convolution to three channels, VGG19 frozen, dense 256, augmented", on_backbone,
        {"name": "VGG19", "units": (256,), "activation": None, "dropout": 0.5}, epochs=30,
        preprocessing="VGG19's own, behind a convolution", parameters=26_447_455, trainable_parameters=6_423_071,
        augmentation=IN_S2, scores=_scores(0.9172, 0.9006, 0.9621, 0.0994),
    ),
    _s3(
        "M1", "convolutions of 32, 64, dense 256", conv_stack, {"filters": (32, 64), "dense": (256,)}, size=128,
        epochs=30, parameters=14_765_505, scores=_scores(0.7743), assumed=f"{_S3_CHOICES} aren't given.",
    ),
    _s3(
        "M2", "M1 on 256 pixels, augmented", conv_stack, {"filters": (32, 64), "dense": (256,)},
        epochs=None, augmentation=IN_S3, parameters=63_000_001, scores=_scores(0.8769),
    ),
    _s3(
        "M3", "convolutions of 32, 64, 128 with kernels of 2, dense 256", conv_stack,
        {"filters": (32, 64, 128), "dense": (256,), "kernel": 2}, epochs=100, augmentation=IN_S3,
        parameters=31_532_129, scores=_scores(0.9179),
        caution="The best of several runs, chosen by the test images. Kernel and depth changed together.",
    ),
    _s3(  # the values that the search found are not published: these are from the middle of its space
        "M4", "M3, searched with Keras Tuner", conv_stack,
        {"filters": (48, 64, 96), "dense": (256,), "kernel": 2, "head_dropout": 0.1}, epochs=None,
        augmentation=IN_S3, scores=_scores(0.8564),
        caution="The search could have found M3 itself, which scored higher. " + BY_TEST,
        assumed=f"{_S3_CHOICES}, the amounts of augmentation, search method, number of trials and winner aren't given.",
    ),
    _s3(
        "M5", "Xception frozen, average pooling", on_backbone, {"name": "Xception", "pooled": True, **DIVIDED},
        epochs=25, augmentation=IN_S3, parameters=20_863_529, trainable_parameters=2_049, scores=_scores(0.9444),
        callbacks=("EarlyStopping(test loss)", "ModelCheckpoint(test accuracy)", "ReduceLROnPlateau(test accuracy)"),
        adjusted=OWN, caution="94.44 % is 170 of 180 images, six full batches, not of 195. " + BY_TEST,
    ),
    _s4(
        "M1", "dense 128", dense_stack, {"units": (128,)}, epochs=25,
        parameters=19_267_841, scores=_scores(0.8590, 0.91, 0.77),
    ),
    _s4(
        "M2", "dense 64, 64, 64", dense_stack, {"units": (64, 64, 64)}, epochs=25,
        parameters=9_642_241, scores=_scores(0.8413, 0.90, 0.74),
    ),
    _s4(
        "M3", "convolutions of 128, 64, 32 without pooling", conv_stack, {"filters": (128, 64, 32), "pool": False},
        epochs=None, parameters=1_616_609, scores=_scores(0.780, 0.97, 0.47),
        assumed=f"{_S4_COMPILE} The epochs of M3 aren't given.",
        caution=f"Without pooling a unit of the last convolution sees seven pixels. {SIXTEEN} {ON_TEST}",
    ),
    _s4(
        "M4", "convolutions of 32, 64, 128, late pooling, dropout, dense 64", late_pooling, {},
        epochs=None, parameters=23_981_249, scores=_scores(0.8157, 0.992, 0.521),
        assumed="The epochs of M4 aren't given.",
        caution=f"112 of 234 normal X-rays are called pneumonia. {SIXTEEN} {ON_TEST}",
    ),
)  # fmt: skip
REFERENCE_MODELS: dict[str, ReferenceModel] = {row.key: row for row in _ROWS}
