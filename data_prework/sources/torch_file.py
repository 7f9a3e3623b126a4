"""Reads the tensors of a PyTorch file in the format before 1.6, without PyTorch and without running what is in it.

Such a file is five pickles and then the numbers of each storage. A pickle can name any function of Python and have it
called; this reader knows four names, and refuses a file that has another.
"""

import pickle
import pickletools
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from data_prework.errors import CourseError

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class TorchFileError(CourseError, ValueError):
    """A file that is no legacy PyTorch file of tensors, is damaged, or holds something else; the message names it."""


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(path: Path | str) -> dict[str, np.ndarray]:
    """Every tensor of a state dict, by name, in the order of the file.

    Args:
        path: of a .pth or .pt file that `torch.save` wrote before PyTorch 1.6, or with its old format.

    Returns:
        Read-only float32 or int64 arrays; the axes are PyTorch's, and need not lie in memory in their order.

    Raises:
        TorchFileError: another format, a damaged file, or anything in it that is no tensor; nothing of it was run.
        OSError: the file can't be read.

    Source:
        torch/serialization.py of PyTorch 1.5, `_legacy_save`.
    """
    path = Path(path)
    stream = BytesIO(path.read_bytes())  # reading from memory never allocates more than the file has
    try:
        return _read(stream)
    except TorchFileError as error:
        raise TorchFileError(f"{path}: {error}; not read") from error.__cause__
    except Exception as error:  # each kind of damage raises another
        cause = str(error).strip() or type(error).__name__
        raise TorchFileError(f"{path}: not a legacy PyTorch file of tensors, or damaged ({cause}); not read") from error


def _read(stream: BytesIO) -> dict[str, np.ndarray]:
    magic = _unpickle(stream)
    if magic != _MAGIC:
        raise TorchFileError("not a PyTorch file in the format before 1.6")
    _, system, state, keys = (_unpickle(stream) for _ in range(4))
    if not system["little_endian"]:
        raise TorchFileError("its numbers are not little-endian")
    if not isinstance(state, dict):
        raise TorchFileError(f"holds a {type(state).__name__}, not a table of tensors")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, _Tensor):
            raise TorchFileError(f"{name!r} is a {type(tensor).__name__}, not a tensor")
    storages = {tensor.storage.key: tensor.storage for tensor in state.values()}
    numbers = {key: _numbers(stream, storages[key]) for key in keys}
    return {name: _array(name, tensor, numbers[tensor.storage.key]) for name, tensor in state.items()}


class _Tensors(pickle.Unpickler):
    """Gives descriptions of tensors in their place."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _described
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise TorchFileError(f"names {module}.{name}, which is neither a tensor nor a float32 or int64 storage")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, view = pid
        if kind != "storage" or view is not None:
            raise TorchFileError("has a storage of an unknown kind")
        return _Storage(key, np.dtype(dtype), count)


def _unpickle(stream: BytesIO) -> Any:
    """The next object. Places in its memo that no file of this size needs are refused: Python makes room for all."""
    start, size = stream.tell(), stream.getbuffer().nbytes
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "LONG_BINPUT" and argument > size:
            raise TorchFileError(f"wants room for {argument:,} objects in {size:,} bytes")
    stream.seek(start)
    return _Tensors(stream).load()


def _described(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


def _numbers(stream: BytesIO, storage: _Storage) -> np.ndarray:
    size, count = storage.count * storage.dtype.itemsize, int.from_bytes(stream.read(8), "little")
    left = stream.getbuffer().nbytes - stream.tell()
    if count != storage.count or not 0 <= size <= left:
        raise TorchFileError(
            f"damaged: storage {storage.key!r} should have {storage.count:,} numbers, its place says {count:,}, "
            f"and {left:,} bytes are left"
        )
    return np.frombuffer(stream.read(size), storage.dtype)


def _array(name: str, tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """A view with the tensor's own strides, which need not be those of its shape."""
    places = (*tensor.shape, *tensor.strides, tensor.offset)
    if len(tensor.shape) != len(tensor.strides) or not all(isinstance(place, int) and place >= 0 for place in places):
        raise TorchFileError(f"tensor {name!r} has the shape {tensor.shape} and the strides {tensor.strides}")
    last = tensor.offset + sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if prod(tensor.shape) > len(numbers) or (prod(tensor.shape) and last >= len(numbers)):
        raise TorchFileError(f"tensor {name!r} reaches outside its storage of {len(numbers):,} numbers")
    item = numbers.itemsize
    return np.ndarray(tensor.shape, numbers.dtype, numbers, tensor.offset * item, [s * item for s in tensor.strides])
