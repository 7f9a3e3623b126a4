"""The models of five student projects, each as one row: network, training, published scores, and its mistake.

    model = REFERENCE_MODELS["S0-M6"].build(weights=None, image_size=64)

The figures are those of the projects' reports. Where a report does not name its optimizer or batch size, Adam and 32
stand here; where it does not say how many epochs, None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras

from helpers.augment import Affine
from helpers.reference_networks import conv_stack, dense_per_position, dense_stack, late_pooling, on_backbone, wide_head

DATASETS = {"S0": "concrete_cracks", "S1": "chest_xray", "S2": "chest_xray", "S3": "monuments", "S4": "chest_xray"}


@dataclass(frozen=True)
class ReferenceModel:
    """One published model.

    Attributes:
        project, name: such as "S0" and "M1"; `key` is both.
        description: of the network, in a line.
        network: builds it; `options` are its settings in the report, `mended` those that the default build replaces.
        size, channels: of the published images, in pixels.
        epochs, batch_size, loss, optimizer, learning_rate: of the published training; None: not said, for the rate
            Keras' default.
        scores: published, as shares; names as in `helpers.metrics` on the test images, others say on which.
        parameters, trainable_parameters: published, else None; S4 gives millions with one decimal.
        mistake: what to mend, in words: by the default build where `mended` holds something, else by the protocol.
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
    mistake: str
    channels: int = 3
    batch_size: int = 32
    loss: str = "binary_crossentropy"
    optimizer: str = "adam"
    learning_rate: float | None = None
    parameters: int | None = None
    trainable_parameters: int | None = None
    mended: Mapping[str, Any] = field(default_factory=dict)
    augmentation: Affine | None = None
    class_weights: bool = False

    @property
    def key(self) -> str:
        return f"{self.project}-{self.name}"

    @property
    def dataset(self) -> str:
        """Name of its data set in the course."""
        return DATASETS[self.project]

    @property
    def pretrained(self) -> bool:
        """Whether it stands on a backbone, so that `weights` matters."""
        return self.network is on_backbone

    def make_optimizer(self, as_published: bool = False) -> keras.Optimizer:
        """A fresh optimizer, mended where the published one is the mistake."""
        published = {"optimizer": self.optimizer, "learning_rate": self.learning_rate}
        chosen = published if as_published else {**published, **self.mended}
        rate = {} if chosen["learning_rate"] is None else {"learning_rate": chosen["learning_rate"]}
        return keras.optimizers.get({"class_name": chosen["optimizer"], "config": rate})

    def build(self, image_size: int | None = None, as_published: bool = False, **options: Any) -> keras.Model:
        """The network, compiled with its optimizer, binary cross-entropy and accuracy; pixels 0 to 255 go in.

        Args:
            image_size: side of the images in pixels, the published one unless given. Networks that flatten have
                other counts of parameters at another size.
            as_published: with the mistake that the default build mends.
            options: of `network`, such as weights=None (random) or weights="course" for a pretrained one.

        Raises:
            ValueError: the images are too small for the network; or as `load_backbone`.
            TypeError: an option that this network does not have.
        """
        side = self.size if image_size is None else image_size
        mended = {name: value for name, value in self.mended.items() if name not in ("optimizer", "learning_rate")}
        settings = {**self.options, **({} if as_published else mended), **options}
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

SAME_PHOTOS = "Test patches were cut from the same photos as training patches; the threshold stayed at 0.5."
SIXTEEN = "Chosen by 16 validation images, compared with the others on the test images."
SAME_PATIENTS = "The random split has the same patients on both sides."
BY_TEST = "The epoch was chosen by the test images: there was no validation split."
ALWAYS = "The random changes stay on at prediction: two calls give two answers."
SGD = "Plain SGD at its default rate has hardly begun when its ten epochs are over."

_s0 = partial(ReferenceModel, "S0", size=128, mistake=SAME_PHOTOS)
_s1 = partial(ReferenceModel, "S1", size=128, epochs=10, mistake=SIXTEEN)
_s2 = partial(ReferenceModel, "S2", size=240, channels=1, batch_size=64, class_weights=True, mistake=SAME_PATIENTS)
_s3 = partial(ReferenceModel, "S3", size=256, batch_size=30, mistake=BY_TEST)
_s4 = partial(ReferenceModel, "S4", size=224, augmentation=IN_S4, epochs=None, mistake=SIXTEEN)
_THREE_DENSE = {"units": (512, 256, 128), "l2": 0.01, "norm": True, "dropout": 0.5}
_MOMENTUM = {"momentum": 0.9}  # 0.99 wants hundreds of steps before the network predicts as well as it trains


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
        mistake="One epoch in batches of 512 is 63 steps: the training was cut short, and judged as if it were done.",
    ),
    _s0(
        "M2", "convolution, dense 128, 64, batch norm, dropout", wide_head, {},
        channels=1, epochs=10, batch_size=128, parameters=67_118_529, scores=_cracks(0.983, 0.989, 0.977),
        mistake="67 million weights for a yes or no; a momentum of 0.99 needs hundreds of steps.", mended=_MOMENTUM,
    ),
    _s0(
        "M3", "M1 on grey images, augmented", conv_stack, {"filters": (32,), "pool": False},
        channels=1, epochs=10, augmentation=ON_CRACKS, parameters=508_353, scores=_cracks(0.970, 0.950, 0.993),
    ),
    _s0(
        "M4", "VGG16 frozen, dense 512", on_backbone, {"name": "VGG16", "units": (512,), "l2": 0.01, "dropout": 0.5},
        epochs=6, augmentation=ON_CRACKS, scores=_cracks(0.992, 0.998, 0.986),
    ),
    _s0(
        "M5", "VGG16 frozen, dense 512, 256, 128", on_backbone, {"name": "VGG16", **_THREE_DENSE},
        epochs=20, parameters=19_077_441, trainable_parameters=4_360_961, scores=_cracks(0.998, 0.998, 0.998),
        mistake="Nine mistakes in 4,000, given without an interval. " + SAME_PHOTOS, mended=_MOMENTUM,
    ),
    _s0(
        "M6", "ResNet50 frozen, dense 512, 256, 128", on_backbone,
        {"name": "ResNet50", **_THREE_DENSE, "divided": True}, epochs=20, scores=_cracks(0.975, 0.957, 0.994),
        mistake="Fed with pixels / 255 in place of the network's own preprocessing.",
        mended={"divided": False, **_MOMENTUM},
    ),
    _s1(
        "M1", "dense 64, 32", dense_stack, {"units": (64, 32)}, batch_size=100, optimizer="sgd",
        parameters=3_147_905, scores=_before_test(0.8125, 0.5625),
        mistake=SGD, mended={"optimizer": "adam", "learning_rate": 3e-4},
    ),
    _s1(
        "M2", "convolutions of 64, 32", conv_stack, {"filters": (64, 32)}, optimizer="sgd",
        parameters=49_057, scores=_scores(0.8317, 0.93, 0.67), mistake=SGD, mended={"optimizer": "adam"},
    ),
    _s1(
        "M3a", "convolutions of 32, 64, 64, dropout, dense 64", conv_stack,
        {"filters": (32, 64, 64), "dense": (64,), "dropout": 0.25}, scores=_before_test(0.988, 0.9375),
    ),
    _s1(
        "M3b", "M3a with L2 of 0.01", conv_stack,
        {"filters": (32, 64, 64), "dense": (64,), "dropout": 0.25, "l2": 0.01, "l2_on_first": False},
        scores=_before_test(0.954, 0.6875),
    ),
    _s1(
        "M4", "convolutions of 32, 64, 128, 128, 256, dense 512, 256", conv_stack,
        {"filters": (32, 64, 128, 128, 256), "dense": (512, 256), "padding": "same"},
        scores=_before_test(0.995, 0.875),
    ),
    _s1(
        "M5", "four convolutions, three dense layers, dropout, L1 and L2", conv_stack,
        {"filters": (32, 64, 128, 128), "dense": (128, 128, 256), "padding": "same", "dropout": 0.25,
         "l1": 0.01, "l2": 0.01},
        scores=_before_test(0.743, 0.50),
        mistake="The penalty is hundreds of times the loss: the network says 'pneumonia' to everyone.",
        mended={"l1": 3e-5, "l2": 3e-5},  # then the penalty begins at about the loss of a coin
    ),
    _s1(
        "M6", "VGG19 frozen, dense 132", on_backbone, {"name": "VGG19", "units": (132,)}, size=64,
        optimizer="rmsprop", learning_rate=2e-5,
        scores={**_scores(0.7628), **_before_test(0.948, 0.8125)},
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
        scores=_scores(0.9548, 0.9602, 0.9401, 0.0398),
    ),
    _s2(
        "M4", "M3, augmented", dense_per_position, {"dropout": 0.5, "always_change": True}, epochs=30,
        augmentation=IN_S2, scores=_scores(0.9454, 0.9626, 0.8991, 0.0374),
        mistake=ALWAYS, mended={"always_change": False},
    ),
    _s2(
        "M5", "a convolution to three channels, VGG19 frozen, dense 256, augmented", on_backbone,
        {"name": "VGG19", "units": (256,), "dropout": 0.5, "always_change": True}, epochs=30,
        augmentation=IN_S2, scores=_scores(0.9172, 0.9006, 0.9621, 0.0994),
        mistake=ALWAYS, mended={"always_change": False},
    ),
    _s3(
        "M1", "convolutions of 32, 64, dense 256", conv_stack, {"filters": (32, 64), "dense": (256,)}, size=128,
        epochs=30, parameters=14_765_505, scores=_scores(0.7743),
    ),
    _s3(
        "M2", "M1 on 256 pixels, augmented", conv_stack, {"filters": (32, 64), "dense": (256,)},
        epochs=70, augmentation=IN_S3, parameters=63_000_001, scores=_scores(0.8769),
    ),
    _s3(
        "M3", "convolutions of 32, 64, 128 with kernels of 2, dense 256", conv_stack,
        {"filters": (32, 64, 128), "dense": (256,), "kernel": 2}, epochs=100, parameters=31_532_129,
        scores=_scores(0.9179), mistake="The best of several runs, chosen by the test images.",
    ),
    _s3(  # the values that the search found are not published: these are from the middle of its space
        "M4", "M3, searched with Keras Tuner", conv_stack,
        {"filters": (48, 64, 96), "dense": (256,), "kernel": 2, "head_dropout": 0.1}, epochs=None,
        scores=_scores(0.8564), mistake="A few trials in a space without learning rate, depth or another head.",
    ),
    _s3(
        "M5", "Xception frozen, average pooling", on_backbone, {"name": "Xception", "pooled": True},
        epochs=25, trainable_parameters=2_049, scores=_scores(0.9444),
    ),
    _s4("M1", "dense 128", dense_stack, {"units": (128,)}, epochs=25, parameters=19_300_000,
        scores=_scores(0.859, 0.91, 0.77)),
    _s4("M2", "dense 64, 64, 64", dense_stack, {"units": (64, 64, 64)}, parameters=9_600_000,
        scores=_scores(0.841, 0.90, 0.74)),
    _s4(
        "M3", "convolutions of 128, 64, 32 without pooling", conv_stack, {"filters": (128, 64, 32), "pool": False},
        parameters=1_616_609, scores=_scores(0.780, 0.97, 0.47),
        mistake="Without pooling it is slow, and sees seven pixels at a time.",
    ),
    _s4(
        "M4", "convolutions of 32, 64, 128, late pooling, dropout, dense 64", late_pooling, {},
        parameters=23_981_249, scores=_scores(0.816, 0.992, 0.521),
        mistake="Three in four training images are ill, and nothing makes up for it: it calls half of the healthy ill.",
    ),
)  # fmt: skip
REFERENCE_MODELS: dict[str, ReferenceModel] = {row.key: row for row in _ROWS}
