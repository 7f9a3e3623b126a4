"""Random flip, rotation, shift, zoom and shear in one affine transform and one resampling an image.

Keras' layers resample once each: four layers read and write every image four times and blur it three times. Here the
random matrices are multiplied first, and the image is sampled once. The random numbers are stateless: they depend on
the seed, the number of the image and the epoch, and on nothing else, so a parallel pipeline repeats itself exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import tensorflow as tf

FILLS = {"edge": "NEAREST", "reflect": "REFLECT", "constant": "CONSTANT"}
BLOCK = 1024
LIMITS = {"rotation": 180, "shift": 1, "zoom": 0.9, "shear": 80}  # the largest value of each


@dataclass(frozen=True)
class Affine:
    """Which random changes are made to an image; calling it makes them.

    Every image is flipped, then rotated, shifted, zoomed and sheared about its middle, each by an amount drawn evenly
    from plus to minus the setting: the order and the distributions of keras.layers.RandomFlip("horizontal"),
    RandomFlip("vertical"), RandomRotation, RandomTranslation and RandomZoom. (In one layer, Keras'
    "horizontal_and_vertical" mirrors either both ways or not at all; here each way is drawn for by itself.)

    Attributes:
        rotation: degrees, up to 180.
        shift: share of the height and of the width, drawn for each apart.
        zoom: share by which the image becomes larger or smaller, its proportions kept.
        shear: degrees by which upright lines lean.
        horizontal_flip, vertical_flip: mirror left-right, or top-bottom, in half of the cases.
        fill: what comes in at the border: "edge" repeats the outermost pixels, "reflect" mirrors, "constant" is 0.
        seed: of all draws.

    Raises:
        ValueError: a setting is out of its range; the message names it.
    """

    rotation: float = 0.0
    shift: float = 0.0
    zoom: float = 0.0
    shear: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    fill: str = "edge"
    seed: int = 7

    def __post_init__(self) -> None:
        for name, most in LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value <= most:
                unit = "degrees" if name in ("rotation", "shear") else "as a share of 1"
                raise ValueError(f"{name}: {value!r}; give one number from 0 to {most}, {unit}.")
        if self.fill not in FILLS:
            raise ValueError(f"fill: {self.fill!r} is not one of {', '.join(FILLS)}.")
        if not isinstance(self.seed, int | np.integer):
            raise ValueError(f"seed: {self.seed!r} is not a whole number.")

    def __call__(self, images: Any, indices: Any = None, epoch: Any = 0) -> Any:
        """Changed copies of images, sampled bilinearly.

        The same seed, index and epoch give the same change, whatever else is in the batch.

        Args:
            images: (n, height, width, channels) or (n, height, width), numbers of any kind.
            indices: (n,) int, number of each image; None: 0 to n - 1.
            epoch: int, 0 or more.

        Returns:
            Of the same shape and type; numpy gives numpy, a tensor gives a tensor. Whole numbers are rounded.

        Raises:
            ValueError: another shape or type, or not one index an image.

        Example:
            >>> image = np.arange(4, dtype=np.uint8).reshape(1, 2, 2, 1)
            >>> mirrored = Affine(horizontal_flip=True)
            >>> sorted({tuple(mirrored(image, epoch=epoch).ravel().tolist()) for epoch in range(6)})
            [(0, 1, 2, 3), (1, 0, 3, 2)]
        """
        return self._apply(images, indices, epoch, "BILINEAR", "images")

    def masks(self, masks: Any, indices: Any = None, epoch: Any = 0) -> Any:
        """Masks changed exactly as the images of the same indices and epoch; no new values, by nearest neighbor.

        Args:
            masks: (n, height, width) or (n, height, width, channels), numbers or bool.
            indices: (n,) int, number of each image; None: 0 to n - 1.
            epoch: int, 0 or more.

        Returns:
            Of the same shape and type; numpy gives numpy, a tensor gives a tensor.

        Raises:
            ValueError: another shape or type, or not one index a mask.
        """
        return self._apply(masks, indices, epoch, "NEAREST", "masks")

    def matrices(self, indices: Any, epoch: Any = 0, size: int | Sequence[int] = 128) -> tf.Tensor:
        """The affine changes as matrices: from a pixel of the changed image to the place in the original that it shows.

        Args:
            indices: (n,) int, numbers of the images.
            epoch: int, 0 or more.
            size: side of the images, or (height, width), in pixels.

        Returns:
            (n, 3, 3) float32, for (x, y, 1); x counts columns, y rows.

        Example:
            >>> Affine().matrices([0, 1], size=64).numpy()[1].tolist()
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        """
        height, width = (size, size) if isinstance(size, int) else (size[0], size[1])
        height, width = tf.cast(height, tf.float32), tf.cast(width, tf.float32)
        draws = tf.unstack(self._draws(indices, epoch), axis=1)
        one, zero = tf.ones_like(draws[0]), tf.zeros_like(draws[0])

        def matrix(*rows):  # of a batch: (n, 3, 3)
            return tf.stack([tf.stack(row, axis=1) for row in (*rows, (zero, zero, one))], axis=1)

        flip_x, flip_y = (
            tf.where(draw < 0, -one, one) if wanted else one
            for draw, wanted in zip(draws[:2], (self.horizontal_flip, self.vertical_flip), strict=True)
        )
        angle, lean = draws[2] * math.radians(self.rotation), draws[3] * math.radians(self.shear)
        right, down = draws[4] * self.shift * width, draws[5] * self.shift * height
        scale = one + draws[6] * self.zoom
        to_middle, back = (
            matrix((one, zero, sign * (width - 1) / 2 * one), (zero, one, sign * (height - 1) / 2 * one))
            for sign in (-1, 1)
        )
        flip = matrix((flip_x, zero, zero), (zero, flip_y, zero))
        rotate = matrix((tf.cos(angle), -tf.sin(angle), zero), (tf.sin(angle), tf.cos(angle), zero))
        move = matrix((one, zero, -right), (zero, one, -down))
        zoom = matrix((scale, zero, zero), (zero, scale, zero))
        shear = matrix((one, tf.tan(lean), zero), (zero, one, zero))
        return back @ flip @ rotate @ move @ zoom @ shear @ to_middle

    def batches(
        self,
        images: Any,
        labels: Any,
        batch_size: int = 32,
        shuffle: bool = True,
        num_parallel_calls: int | None = None,
    ) -> tf.data.Dataset:
        """Changed batches for `fit`: each pass over them has draws and an order of its own.

        Pass number e holds augment(images, epoch=e) in an order that depends on the seed and e. The images stay in
        memory once, as they are.

        Args:
            images: (n, height, width, channels) or (n, height, width), numbers of any kind.
            labels: (n, ...), one for each image.
            batch_size: images at once; the last batch may have fewer.
            shuffle: False keeps the order.
            num_parallel_calls: batches made at the same time; None: as many as suits. The result does not depend on it.

        Returns:
            tf.data.Dataset of (images, labels), of known length.

        Raises:
            ValueError: no images, not one label for each, another shape or type, or a batch size below 1.
        """
        images, labels = tf.convert_to_tensor(images), tf.convert_to_tensor(labels)
        count = len(images)
        if len(labels) != count or count == 0:
            raise ValueError(f"labels: {len(labels)} for {count} images; give one an image, of one image at least.")
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size: {batch_size!r} is not a number of images.")
        _check_images(images, "images")
        with tf.device("CPU:0"):
            passes = tf.Variable(-1, dtype=tf.int64, trainable=False)
        size, steps = tf.shape(images)[1:3], -(-count // batch_size)

        def planned(epoch):
            numbers = tf.range(count, dtype=tf.int64)
            if shuffle:
                numbers = tf.random.experimental.stateless_shuffle(numbers, seed=self._key(epoch))
            matrices = self.matrices(numbers, epoch, size)  # of the whole pass at once: that takes next to no time
            starts = tf.data.Dataset.range(0, count, batch_size)
            return starts.map(lambda at: (numbers[at : at + batch_size], matrices[at : at + batch_size]))

        def changed(numbers, matrices):
            batch = self._sample(tf.gather(images, numbers), matrices, "BILINEAR")
            return batch, tf.gather(labels, numbers)

        epochs = tf.data.Dataset.range(1).map(lambda _: passes.assign_add(1))
        plan = epochs.flat_map(planned).apply(tf.data.experimental.assert_cardinality(steps))
        parallel = tf.data.AUTOTUNE if num_parallel_calls is None else num_parallel_calls
        dataset = plan.map(changed, num_parallel_calls=parallel, deterministic=True).prefetch(tf.data.AUTOTUNE)
        dataset._passes = passes  # lives as long as the dataset that counts with it
        return dataset

    def _key(self, epoch: Any) -> tf.Tensor:
        """(2,) int64 that stands for the seed and the epoch."""
        seed = tf.constant([self.seed, 0], dtype=tf.int64)
        return tf.random.experimental.stateless_fold_in(seed, tf.cast(epoch, tf.int64))

    def _draws(self, indices: Any, epoch: Any) -> tf.Tensor:
        """(n, 7) float32, even in [-1, 1): a row depends on seed, index and epoch only."""
        key = self._key(epoch)

        def block(number):  # images are drawn for by the thousand, which is faster than one by one
            seed = tf.stack([key[0], key[1] + number])
            return tf.random.stateless_uniform([BLOCK, 7], seed, -1.0, 1.0, alg="philox")

        indices = tf.cast(indices, tf.int64)
        numbers, place = tf.unique(indices // BLOCK)
        blocks = tf.map_fn(block, numbers, fn_output_signature=tf.TensorSpec([BLOCK, 7], tf.float32))
        return tf.gather_nd(blocks, tf.stack([tf.cast(place, tf.int64), indices % BLOCK], axis=1))

    def _apply(self, images: Any, indices: Any, epoch: Any, interpolation: str, argument: str) -> Any:
        given = tf.convert_to_tensor(images)
        _check_images(given, argument)
        count = tf.shape(given)[0]
        if indices is None:
            indices = tf.range(count)
        elif given.shape[0] is not None and tf.TensorShape(np.shape(indices)) != given.shape[:1]:
            raise ValueError(f"indices: shape {np.shape(indices)} for {given.shape[0]} {argument}; give one an image.")
        changed = self._sample(given, self.matrices(indices, epoch, tf.shape(given)[1:3]), interpolation)
        return changed if isinstance(images, tf.Tensor) else changed.numpy()

    def _sample(self, images: tf.Tensor, matrices: tf.Tensor, interpolation: str) -> tf.Tensor:
        pixels = images if images.shape.rank == 4 else images[..., None]
        sampled = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(pixels, tf.float32),
            transforms=tf.reshape(matrices, [-1, 9])[:, :8],
            output_shape=tf.shape(pixels)[1:3],
            fill_value=0.0,
            interpolation=interpolation,
            fill_mode=FILLS[self.fill],
        )
        sampled = sampled if images.dtype.is_floating else tf.round(sampled)
        return tf.ensure_shape(tf.reshape(tf.cast(sampled, images.dtype), tf.shape(images)), images.shape)


def _check_images(images: tf.Tensor, argument: str) -> None:
    if images.shape.rank not in (3, 4):
        raise ValueError(
            f"{argument}: shape {images.shape}, expected (n, height, width, channels) or (n, height, width); "
            "for a single one pass it as [None]."
        )
    if not (images.dtype.is_floating or images.dtype.is_integer or images.dtype.is_bool):
        raise ValueError(f"{argument}: of type {images.dtype.name}, expected numbers.")
