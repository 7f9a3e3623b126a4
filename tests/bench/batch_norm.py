"""Why does S0-M2's validation loss jump? Its batch normalization taken apart, on real crack patches.

    python -m tests.bench.batch_norm RAW/concrete_cracks                     64 pixels, three seeds
    python -m tests.bench.batch_norm RAW/concrete_cracks --side 128 --seeds 1

The project's log shows a validation loss of 13 to 22 in epochs 4 to 6 and .2 again in epoch 7. Here its network is
trained as it was (momentum .99, batches of 128, Adam at .001, ten epochs of 250 steps) on a random 80/20 split of the
patches. After each epoch the validation images are asked four times:

    stored      with the moving averages that the layers keep: what `fit` prints as val_loss
    fresh       the same weights, averages measured anew over 60 training batches, dropout on as in training
    no dropout  the same, dropout off as in prediction
    accuracy    of the first

If "fresh" stays low where "stored" jumps, the averages lag behind the weights. If only "no dropout" stays low, dropout
changes the variances that the averages were taken of. If all of them jump, it is the weights.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

EPOCHS, STEPS, BATCH = 10, 250, 128


def patches(folder: Path, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, side, side, 1) uint8 patches and (n,) labels, shuffled."""
    from PIL import Image

    names = enumerate(("Negative", "Positive"))
    files = sorted((path, label) for label, name in names for path in (folder / name).iterdir())
    files = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
    images = np.empty((len(files), side, side, 1), np.uint8)
    for i, (path, _) in enumerate(files):
        with Image.open(path) as image:
            images[i, ..., 0] = image.convert("L").resize((side, side), Image.Resampling.BOX)
    return images, np.array([label for _, label in files])


def with_fresh_averages(model, images, dropout: bool):
    """A copy of the network whose averages were measured anew."""
    import keras

    def changed(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.BatchNormalization):
            config["momentum"] = 0.9
        if isinstance(layer, keras.layers.Dropout) and not dropout:
            config["rate"] = 0.0
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=changed)
    copy.set_weights(model.get_weights())
    rng = np.random.default_rng(0)
    for _ in range(60):
        copy(images[rng.integers(0, len(images), BATCH)].astype("float32"), training=True)
    copy.compile(loss="binary_crossentropy")
    return copy


def main() -> None:
    """Print one line an epoch."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.batch_norm", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with the folders Negative and Positive")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--momentum", type=float, default=0.99)
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps an epoch")
    args = parser.parse_args()
    import keras

    from helpers.reference_models import REFERENCE_MODELS

    images, labels = patches(args.folder, args.side)
    cut = len(images) * 4 // 5
    for seed in range(args.seeds):
        keras.utils.set_random_seed(seed)
        rng = np.random.default_rng(seed)
        model = REFERENCE_MODELS["S0-M2"].build(args.side, as_published=True, momentum=args.momentum)
        for epoch in range(1, EPOCHS + 1):
            model.reset_metrics()
            for _ in range(args.steps):
                drawn = rng.integers(0, cut, BATCH)
                train = model.train_on_batch(images[drawn], labels[drawn])[0]  # mean since the reset
            stored, accuracy = model.evaluate(images[cut:], labels[cut:], batch_size=BATCH, verbose=0)
            fresh, still = (
                with_fresh_averages(model, images[:cut], dropout).evaluate(
                    images[cut:], labels[cut:], batch_size=BATCH, verbose=0
                )
                for dropout in (True, False)
            )
            print(
                f"seed {seed} epoch {epoch:2}: train {train:.3f}  stored {stored:.3f}  fresh {fresh:.3f}  "
                f"no dropout {still:.3f}  accuracy {accuracy:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
