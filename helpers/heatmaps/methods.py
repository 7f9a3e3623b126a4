"""Where a network looked: heatmaps of any Keras image classifier, for any class, and overlays on the image.

One sigmoid unit has two classes here: the logit of class 0 is minus that of class 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from helpers.heatmaps.feature_extractor import FeatureExtractor, batches, images_at_once


def heatmap(
    model: keras.Model | FeatureExtractor,
    images: np.ndarray,
    method: str = "grad_cam",
    target: int | str | Sequence[int | str] | None = None,
    layer: str | None = None,
    class_names: Sequence[str] | None = None,
    **options: float,
) -> np.ndarray:
    """How much each place speaks for a class.

    What speaks against the class is cut off at 0 (except in "gradients", which have no sign). Where nothing speaks for
    it the map is all zero; no map holds NaN.

    Args:
        model: a Keras classifier, or its `FeatureExtractor`.
        images: (n, height, width, channels) in the range that the model takes.
        method: one of METHODS.
        target: number or name of a class, or one for each image; None: the class that the model answers.
        layer: as in `FeatureExtractor.from_model`.
        class_names: in the order of the model's classes; needed where `target` is a name.
        options: `patch` and `stride` in pixels of "occlusion", `steps` of "integrated_gradients".

    Returns:
        (n, height, width) float32, 0 or more, in units of the logit.

    Raises:
        ValueError: an unknown method, class or layer, images of another shape, a method that needs a feature map on a
            model without one, "cam" on a head other than global average pooling and one dense layer, a stride that
            leaves pixels uncovered.

    Source:
        On arXiv: gradients 1312.6034, occlusion 1311.2901, integrated gradients 1703.01365, CAM 1512.04150, Grad-CAM
        1610.02391, Grad-CAM++ 1710.11063, HiResCAM 2011.08891, Score-CAM 1910.01279.

    Example:
        >>> model = keras.Sequential([
        ...     keras.Input((8, 8, 1)),
        ...     keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones"),
        ...     keras.layers.GlobalAveragePooling2D(),
        ...     keras.layers.Dense(1, activation="sigmoid", kernel_initializer="ones"),
        ... ])
        >>> images = np.zeros((1, 8, 8, 1), dtype=np.uint8)
        >>> images[0, 2, 5] = 255
        >>> found = heatmap(model, images, "grad_cam", target=1)
        >>> found.shape, [place.tolist() for place in np.nonzero(found[0].max(axis=1))]
        ((1, 8, 8), [[1, 2, 3]])
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not one of {', '.join(METHODS)}.")
    extractor = model if isinstance(model, FeatureExtractor) else FeatureExtractor.from_model(model, layer)
    images = _checked_images(extractor, images)
    targets = checked_targets(extractor, images, target, class_names)
    if method.endswith(("cam", "cam++")) and not extractor.layer:
        raise ValueError(f"method: {method!r} needs a convolutional layer, this model has none; use 'occlusion'.")
    work, size = METHODS[method], images.shape[1:3]
    rows = images_at_once(images)
    pairs = zip(batches(images, rows), batches(targets, rows), strict=True)
    maps = [tf.image.resize(work(extractor, *pair, **options)[..., None], size)[..., 0] for pair in pairs]
    return np.nan_to_num(np.concatenate(maps))


def blurred(images: np.ndarray, share: float = 0.12) -> np.ndarray:
    """Images without detail, the filling of occlusion.

    Args:
        images: (n, height, width, channels).
        share: standard deviation of the Gaussian blur, as a share of the height.

    Returns:
        (n, height, width, channels) float32.

    Example:
        >>> stripes = np.tile([0.0, 255.0], (1, 32, 16))[..., None]
        >>> stripes[0, 16, 14:18, 0].tolist(), blurred(stripes)[0, 16, 14:18, 0].round().tolist()
        ([0.0, 255.0, 0.0, 255.0], [127.0, 128.0, 127.0, 128.0])
    """
    sigma = share * np.shape(images)[1]
    return gaussian_filter(np.asarray(images, np.float32), (0, sigma, sigma, 0), mode="nearest", truncate=3)


def _occlusion(
    extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray, patch: int = 0, stride: int = 0
) -> np.ndarray:
    """Mean loss of the logit over all patches that cover a pixel; covered pixels take the blurred image."""
    side = min(images.shape[1:3])
    patch = int(patch or max(1, side // 6))
    stride = int(stride or max(1, patch // 2))
    if not 1 <= stride <= patch <= side:
        raise ValueError(f"patch {patch}, stride {stride}: the stride is at most the patch, so that all is covered.")
    plain, whole = blurred(images), extractor.score(images, targets).numpy()
    lost, times = np.zeros(images.shape[:3], np.float32), np.zeros(images.shape[1:3], np.float32)
    ends = [sorted({*range(0, length - patch, stride), length - patch}) for length in images.shape[1:3]]
    for row, column in ((row, column) for row in ends[0] for column in ends[1]):
        place = slice(row, row + patch), slice(column, column + patch)
        covered = images.copy()
        covered[:, *place] = plain[:, *place]
        lost[:, *place] += (whole - extractor.score(covered, targets).numpy())[:, None, None]
        times[place] += 1
    return np.maximum(lost / times, 0)


def _pixel_gradient(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    pixels = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        score = extractor.score(pixels, targets)
    return tape.gradient(score, pixels)


def _gradients(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    return tf.reduce_max(abs(_pixel_gradient(extractor, images, targets)), -1)


def _integrated(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray, steps: int = 24) -> tf.Tensor:
    """From the blurred image to the image, in equal steps (midpoints)."""
    plain = blurred(images)
    way = images - plain
    shares = (np.arange(steps) + 0.5) / steps
    mean = sum(_pixel_gradient(extractor, plain + float(share) * way, targets) for share in shares) / steps
    return tf.nn.relu(tf.reduce_sum(mean * way, -1))


def _map_gradient(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """The feature map, and the gradient of the target's logit with respect to it."""
    features = extractor.features(images)
    with tf.GradientTape() as tape:
        tape.watch(features)
        score = tf.gather(extractor.head(features), targets, batch_dims=1)
    return features, tape.gradient(score, features)


def _cam(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    if extractor.tail()[:1] != ["GlobalAveragePooling2D"] or extractor.tail()[1:] not in (["Dense"], ["_Logits"]):
        raise ValueError("method: 'cam' needs global average pooling and one dense layer; use 'grad_cam'.")
    kernel = tf.convert_to_tensor(extractor.after[-1].kernel)
    kernel = tf.concat([-kernel, kernel], 1) if kernel.shape[1] == 1 else kernel
    features, weights = extractor.features(images), tf.gather(tf.transpose(kernel), targets)
    cells = features.shape[1] * features.shape[2]
    return tf.nn.relu(tf.einsum("nhwc,nc->nhw", features, weights)) / cells


def _grad_cam(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    features, gradient = _map_gradient(extractor, images, targets)
    return tf.nn.relu(tf.reduce_sum(tf.reduce_mean(gradient, (1, 2), keepdims=True) * features, -1))


def _grad_cam_plus(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    features, gradient = _map_gradient(extractor, images, targets)
    total = tf.reduce_sum(features, (1, 2), keepdims=True)
    alpha = tf.math.divide_no_nan(gradient**2, 2 * gradient**2 + total * gradient**3)
    weights = tf.reduce_sum(alpha * tf.nn.relu(gradient), (1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * features, -1))


def _hires_cam(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    features, gradient = _map_gradient(extractor, images, targets)
    return tf.nn.relu(tf.reduce_sum(gradient * features, -1))


def _score_cam(extractor: FeatureExtractor, images: np.ndarray, targets: np.ndarray) -> tf.Tensor:
    """A channel weighs what the image, blurred outside the channel's map, gains over the blurred image.

    Differs from the paper in two points: blur instead of black, and the positive gain of the logit instead of a
    softmax over the channels.
    """
    features, plain = extractor.features(images), blurred(images)
    nothing = extractor.score(plain, targets)
    low, high = (find(features, (1, 2), keepdims=True) for find in (tf.reduce_min, tf.reduce_max))
    shown = tf.image.resize(tf.math.divide_no_nan(features - low, high - low), images.shape[1:3])
    total = tf.zeros(features.shape[:3])
    for channel in range(features.shape[-1]):
        mask = shown[..., channel : channel + 1]
        gain = tf.nn.relu(extractor.score(plain + mask * (images - plain), targets) - nothing)
        total += gain[:, None, None] * features[..., channel]
    return tf.nn.relu(total)


METHODS: dict[str, Callable] = {
    "occlusion": _occlusion,
    "gradients": _gradients,
    "integrated_gradients": _integrated,
    "cam": _cam,
    "grad_cam": _grad_cam,
    "grad_cam++": _grad_cam_plus,
    "hires_cam": _hires_cam,
    "score_cam": _score_cam,
}


def _checked_images(extractor: FeatureExtractor, images: np.ndarray) -> np.ndarray:
    images = np.asarray(images, dtype=np.float32)
    fits = images.ndim == 4 and len(images) > 0
    fits = fits and all(want in (None, side) for want, side in zip(extractor.shape, images.shape[1:], strict=True))
    if not fits:
        raise ValueError(f"images: shape {images.shape}, expected (n, *{extractor.shape}); for one image, image[None].")
    return images


def checked_targets(
    extractor: FeatureExtractor, images: np.ndarray, target: Any, class_names: Sequence[str] | None = None
) -> np.ndarray:
    """The class that each image is explained for.

    Args:
        extractor: says how many classes there are, and which the model answers.
        images: (n, height, width, channels) in the range that the model takes.
        target: number or name of a class, or one for each image; None: the class that the model answers.
        class_names: in the order of the model's classes; needed where `target` is a name.

    Returns:
        (n,) int.

    Raises:
        ValueError: no such class, or another number of them, or of names.
    """
    if class_names is not None and len(class_names) != extractor.classes:
        raise ValueError(f"class_names: {len(class_names)} given, the model has {extractor.classes} classes.")
    if target is None:
        return extractor.logits(images).argmax(1)
    target = class_numbers(target, class_names)
    targets = np.broadcast_to(np.asarray(target), len(images)) if np.size(target) in (1, len(images)) else None
    if targets is None or targets.dtype.kind not in "iu" or not np.isin(targets, range(extractor.classes)).all():
        raise ValueError(f"target: {target!r}; expected a class from 0 to {extractor.classes - 1}, or one an image.")
    return targets


def class_numbers(target: Any, class_names: Sequence[str] | None) -> Any:
    """Classes by number, where they may have been given by name.

    Args:
        target: numbers and names, one or a sequence of them.
        class_names: in the order of their numbers; None: they have none.

    Raises:
        ValueError: no class of that name.

    Example:
        >>> class_numbers("dome", ["arch", "dome"]), class_numbers(["dome", 0], ["arch", "dome"])
        (1, [1, 0])
    """
    if isinstance(target, str):
        names = list(map(str, class_names or ()))
        if target not in names:
            near = get_close_matches(target, names, n=1) or names[:1]
            known = f"no class, such as {near[0]!r}" if names else "a name; give class_names= too, or a number"
            raise ValueError(f"target: {target!r} is {known}.")
        return names.index(target)
    if isinstance(target, Sequence) or getattr(target, "ndim", 0) == 1:
        return [class_numbers(one, class_names) for one in target]
    return target
