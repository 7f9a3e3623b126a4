"""Labels and softmax probabilities of any number of classes, drawn by a seed."""

import numpy as np


def drawn(n: int, n_classes: int, gain: float = 3.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels, every class among the first, and (n, classes) float32 probabilities, better with a larger gain."""
    rng = np.random.default_rng(seed)
    y = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    logits = rng.normal(size=(n, n_classes))
    logits[np.arange(n), y] += gain
    odds = np.exp(logits)
    return y, (odds / odds.sum(axis=1, keepdims=True)).astype("float32")
