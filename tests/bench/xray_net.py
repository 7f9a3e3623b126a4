"""A small residual network for X-rays, and the changes it is trained with, for test images unlike the training images.

The changes take away what tells the folders apart and has nothing to do with pneumonia: proportions (the files were
stretched to a square), sharpness and noise (other encoders), brightness and contrast (other exposures).
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained.

    Attributes:
        side: of the images in pixels.
        filters: of the stem and of the residual stages; each stage halves the side.
        epochs, batch, rate, decay: of AdamW with a cosine; half of every batch is of each class.
        shape_changes, stretch: whether images are turned, moved and zoomed, and by how much each axis is stretched.
        light, blur, noise, mixup: strengths of the other changes, 0 for none.
        smoothing: of the labels. dropout: in front of the last layer.
    """

    side: int = 64
    filters: tuple[int, ...] = (16, 32, 64, 96)
    epochs: int = 30
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.05
    shape_changes: bool = True
    stretch: float = 0.2
    light: float = 1.0
    blur: float = 1.0
    noise: float = 1.0
    mixup: float = 0.2
    smoothing: float = 0.05
    dropout: float = 0.4


PLAIN = replace(Recipe(), shape_changes=False, stretch=0.0, light=0.0, blur=0.0, noise=0.0, mixup=0.0, smoothing=0.0)


def network(recipe: Recipe):
    """Grey images 0-255 in, one logit out; every image is standardised first."""
    import keras
    from keras import layers

    def normed(x, filters, kernel=3):
        x = layers.Conv2D(filters, kernel, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    pixels = keras.Input((recipe.side, recipe.side, 1))
    x = layers.Rescaling(1 / 255)(pixels)
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False)(x)
    x = layers.ReLU()(normed(x, recipe.filters[0]))
    for filters in recipe.filters[1:]:
        x = layers.MaxPooling2D()(x)
        shortcut = normed(x, filters, 1)
        x = layers.ReLU()(normed(x, filters))
        x = layers.ReLU()(layers.add([normed(x, filters), shortcut]))
    x = layers.concatenate([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    return keras.Model(pixels, layers.Dense(1)(layers.Dropout(recipe.dropout)(x)))


def shapes(recipe: Recipe, count, seed):
    """(count, 8) projective transforms: flip, turn, lean, zoom, stretch of each axis, shift."""
    import tensorflow as tf

    draws = tf.unstack(tf.random.stateless_uniform((count, 8), seed, -1.0, 1.0), axis=1)
    flip = tf.where(draws[0] < 0, -1.0, 1.0)
    angle, lean = 0.2 * draws[1], 0.12 * draws[2]
    zoom = tf.exp(0.15 * draws[3])
    across, down = zoom * tf.exp(recipe.stretch * draws[4]), zoom * tf.exp(recipe.stretch * draws[5])
    a, b = across * flip * tf.cos(angle), down * (-tf.sin(angle) + lean)
    c, d = across * flip * tf.sin(angle), down * tf.cos(angle)
    middle = (recipe.side - 1) / 2
    right = middle - (a + b) * middle + 0.08 * recipe.side * draws[6]
    below = middle - (c + d) * middle + 0.08 * recipe.side * draws[7]
    zero = tf.zeros_like(a)
    return tf.stack([a, b, right, c, d, below, zero, zero], axis=1)


def changed(recipe: Recipe, images, seed):
    """Changed copies of float images 0-1 (n, side, side, 1); the same seed gives the same copies."""
    import tensorflow as tf

    count, side = tf.shape(images)[0], recipe.side
    seeds = tf.unstack(tf.random.experimental.stateless_split(seed, 6))

    def draw(which, low, high, shape=None):
        return tf.random.stateless_uniform((count, 1, 1, 1) if shape is None else shape, seeds[which], low, high)

    if recipe.shape_changes:
        images = tf.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=shapes(recipe, count, seeds[0]),
            output_shape=[side, side],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="CONSTANT",
        )
    if recipe.blur:  # half of the images lose detail
        small = tf.cast(tf.round(side * draw(1, 1 - 0.6 * recipe.blur, 1.0, ())), tf.int32)
        half = count // 2
        coarse = tf.image.resize(images[:half], (small, small), "area")
        images = tf.concat([tf.image.resize(coarse, (side, side)), images[half:]], 0)
    if recipe.light:
        images = tf.clip_by_value(images, 1e-3, 1.0) ** tf.exp(0.4 * recipe.light * draw(2, -1.0, 1.0))
        middle = tf.reduce_mean(images, (1, 2, 3), keepdims=True)
        strength = 1 + 0.3 * recipe.light * draw(3, -1.0, 1.0)
        images = tf.clip_by_value((images - middle) * strength + middle, 0.0, 1.0)
    if recipe.noise:
        grain = tf.random.stateless_normal(tf.shape(images), seeds[4])
        images += 0.05 * recipe.noise * draw(5, 0.0, 1.0) * grain
    return images


def batches(recipe: Recipe, images: np.ndarray, labels: np.ndarray, seed: int):
    """Endless batches of changed images 0-255 and labels, half of each class in random order."""
    import tensorflow as tf

    kept, truth = tf.constant(images), tf.constant(labels.astype(np.float32)[:, None])
    streams = [
        tf.data.Dataset.from_tensor_slices(np.flatnonzero(labels == label)).shuffle(len(labels), seed + label).repeat()
        for label in (0, 1)
    ]
    rows = tf.data.Dataset.sample_from_datasets(streams, [0.5, 0.5], seed=seed).batch(recipe.batch)

    def make(step, chosen):
        key = tf.stack([tf.constant(seed, tf.int64), step])
        x = changed(recipe, tf.cast(tf.gather(kept, chosen), tf.float32) / 255, key)
        y = tf.gather(truth, chosen)
        if recipe.mixup:
            share = recipe.mixup * tf.random.stateless_uniform((recipe.batch, 1), key + 1, 0.0, 1.0)
            x = (1 - share[..., None, None]) * x + share[..., None, None] * x[::-1]
            y = (1 - share) * y + share * y[::-1]
        return 255 * x, y * (1 - recipe.smoothing) + recipe.smoothing / 2

    return rows.enumerate().map(make, tf.data.AUTOTUNE, deterministic=True).prefetch(4)


def train(recipe: Recipe, images: np.ndarray, labels: np.ndarray, seed: int):
    """A trained network; images (n, side, side, 1) uint8, labels (n,) 0 and 1."""
    import keras

    keras.utils.set_random_seed(seed)
    model = network(recipe)
    per_epoch = len(images) // recipe.batch
    steps = recipe.epochs * per_epoch
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=recipe.rate, warmup_steps=per_epoch)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=recipe.decay), loss)
    model.fit(batches(recipe, images, labels, seed), steps_per_epoch=per_epoch, epochs=recipe.epochs, verbose=0)
    return model


def logits(model, images: np.ndarray) -> np.ndarray:
    """(n,) logits as float64, the mean of an image and its mirror image."""
    both = [model.predict(x, verbose=0, batch_size=128)[:, 0] for x in (images, images[:, :, ::-1])]
    return np.mean(both, axis=0, dtype=np.float64)


def disturbed(recipe: Recipe, images: np.ndarray, seed: int = 7) -> np.ndarray:
    """Copies (n, side, side, 1) float32 0-255 as unlike the originals as those in training: a stand-in for a shift."""
    import tensorflow as tf

    parts = np.array_split(np.arange(len(images)), max(1, len(images) // 64))
    order = np.random.default_rng(seed).permutation(len(images))
    out = np.zeros(images.shape, np.float32)
    for number, part in enumerate(parts):
        rows = order[part]
        key = tf.constant([seed, number], tf.int64)
        out[rows] = 255 * changed(recipe, tf.constant(images[rows], tf.float32) / 255, key).numpy()
    return out
