"""ImageNet weights of the backbones, without their classification top: where they lie, and how to get them once."""

import hashlib
import os
from pathlib import Path

from data_prework.manifest import default_data_dir
from data_prework.sources.download import Direct, fetch_direct
from data_prework.sources.http import BadAnswerError, DownloadError, in_words

# Addresses, file names and md5 as in keras.applications of Keras 3.15; Keras names no md5 for MobileNetV2.
_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications"
WEIGHTS = {
    name: Direct((f"{_SERVER}/{folder}/{file}",), file, "https://keras.io/api/applications/", md5, size_mb)
    for name, folder, file, md5, size_mb in (
        (
            "VGG16", "vgg16", "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:6d6bbae143d832006294945121d1f1fc", 59,
        ),
        (
            "VGG19", "vgg19", "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:253f8cb515780f3b799900260a226db6", 80,
        ),
        (
            "ResNet50", "resnet", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:4d473c1dd8becc155b73f8504c6f6626", 95,
        ),
        (
            "Xception", "xception", "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "md5:b0042744bf5b25fce3cb969f33bebb97", 84,
        ),
        (
            "MobileNetV2", "mobilenet_v2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            None, 9,
        ),
        (
            "EfficientNetV2B0", "efficientnet_v2", "efficientnetv2-b0_notop.h5",
            "md5:893217f2bb855e2983157299931e43ff", 24,
        ),
    )
}  # fmt: skip


def weights_folder() -> Path:
    """Where fetched weight files lie: `weights` in the folder of all data."""
    return default_data_dir() / "weights"


def find_weights(name: str) -> Path | None:
    """The weight file of a backbone, from Keras' cache or the course's folder; None where no sound one is there."""
    source = _source(name)
    keras_home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    places = [keras_home / "models" / source.file, weights_folder() / source.file]
    return next((place for place in places if place.is_file() and _is_sound(place, source)), None)


def fetch_weights(name: str, folder: Path | None = None, **manners) -> Path:
    """Download the ImageNet weights of one backbone, if they are not in `folder` already.

    Args:
        name: a key of `WEIGHTS`.
        folder: by default `weights_folder()`.
        manners: retries (3), timeout (30 seconds without a byte), wait (1 second before the second try, then doubled).

    Returns:
        The file; it appears under its name only when it is whole.

    Raises:
        ValueError: an unknown name.
        DownloadError: it can't be had; the message tells the way by hand.
    """
    source, folder = _source(name), Path(folder or weights_folder())
    retries, timeout, wait = ({"retries": 3, "timeout": 30, "wait": 1.0} | manners).values()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / source.file).is_file() and not _is_sound(folder / source.file, source):
            (folder / source.file).unlink()
        path = fetch_direct(source, name, folder, retries, timeout, wait)
        if not _is_sound(path, source):
            path.unlink()
            raise DownloadError(f"{source.urls[0]}: what came is not a whole weight file; try again")
        return path
    except DownloadError as error:
        raise DownloadError(_with_advice(name, source, folder, str(error))) from error
    except (BadAnswerError, OSError) as error:
        raise DownloadError(_with_advice(name, source, folder, in_words(error))) from error


def _source(name: str) -> Direct:
    if name not in WEIGHTS:
        raise ValueError(f"no ImageNet weights are known for {name!r}; there are {', '.join(WEIGHTS)}")
    return WEIGHTS[name]


def _is_sound(path: Path, source: Direct) -> bool:
    """Whether the file has its publisher's checksum or, where none is known, opens as a whole HDF5 file."""
    if source.known_hash:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest() == source.known_hash.removeprefix("md5:")
    import h5py

    try:
        with h5py.File(path):  # a file that was cut off does not open
            return True
    except OSError:
        return False


def _with_advice(name: str, source: Direct, folder: Path, words: str) -> str:
    return (
        f"the ImageNet weights of {name} could not be downloaded.\n  {words}\n"
        f"To go on by hand: get this file in a browser, or on a computer that has it,\n  {source.urls[0]}\n"
        f"and put it, under this name, into\n  {folder}"
    )
