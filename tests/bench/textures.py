"""Which channels are large at the same places: covariances of the maps of a network that is not trained.

Of a covariance the matrix square root is taken, which keeps a few strong channels from deciding alone.
"""

import time

import numpy as np

from tests.bench.frozen import BATCH, STAGES, VIEWS, Features, backbone

TEXTURES = ("block3b_add", "block4c_add", "block5c_add")


def second_moments(maps):
    """Mean products of the channels, and of a 1 beside them, over the places of maps (n, rows, columns, channels).

    The upper triangle of each table, (n, (channels + 1) (channels + 2) / 2).
    """
    from keras import ops

    places = ops.reshape(maps, (-1, maps.shape[1] * maps.shape[2], maps.shape[3]))
    places = ops.concatenate([places, ops.ones_like(places[..., :1])], -1)
    products = ops.matmul(ops.transpose(places, (0, 2, 1)), places) / places.shape[1]
    rows, columns = np.triu_indices(maps.shape[3] + 1)
    flat = ops.reshape(products, (-1, (maps.shape[3] + 1) ** 2))
    return ops.take(flat, rows * (maps.shape[3] + 1) + columns, axis=1)


def covariance_roots(moments: np.ndarray, channels: int, least: float = 1e-3) -> np.ndarray:
    """Square roots of covariances, as vectors whose distances are those of the matrices.

    Args:
        moments: (n, (channels + 1) (channels + 2) / 2), from `second_moments`.
        channels: of the maps.
        least: what is added to each eigenvalue's root, as a share of the mean of the roots.

    Returns:
        (n, channels (channels + 1) / 2) float32.
    """
    full = np.zeros((len(moments), channels + 1, channels + 1), np.float32)
    full[:, *np.triu_indices(channels + 1)] = moments
    mean, upper = full[:, :channels, channels], full[:, :channels, :channels]
    upper = upper - mean[:, :, None] * mean[:, None]
    values, vectors = np.linalg.eigh(upper, UPLO="U")
    values = np.sqrt(values.clip(0))
    values += least * values.mean(axis=1, keepdims=True)
    roots = np.matmul(vectors * values[:, None], vectors.transpose(0, 2, 1))
    rows, columns = np.triu_indices(channels)
    return roots[:, rows, columns] * np.where(rows == columns, 1, 2**0.5).astype(np.float32)


def compute_moments(images: np.ndarray) -> Features:
    """`second_moments` of the stages `TEXTURES`, side by side, mean of the four views of images (n, side, side, 1)."""
    import keras
    import tensorflow as tf

    network = backbone("ImageNet", images.shape[1:])
    parts = [second_moments(network.get_layer(name).output) for name in TEXTURES]
    model = keras.Model(network.input, keras.layers.Concatenate()(parts))
    ask = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    begin, found = time.process_time(), []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        seen = [ask(tf.constant(view(batch).astype(np.float32))).numpy() for view in VIEWS.values()]
        found.append(np.mean(seen, axis=0))
    return Features(np.concatenate(found), time.process_time() - begin)


def roots_of(moments: Features, stage: str) -> np.ndarray:
    """Square roots of the covariances of the maps of one of `TEXTURES`, from `compute_moments`."""
    widths = [(STAGES[name] + 1) * (STAGES[name] + 2) // 2 for name in TEXTURES]
    first = sum(widths[: TEXTURES.index(stage)])
    last = first + widths[TEXTURES.index(stage)]
    return covariance_roots(moments.values[:, first:last], STAGES[stage])
