"""A PyTorch file gives its tensors and nothing else: what a pickle names beyond them is refused, and never run."""

import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest

from data_prework.errors import CourseError
from data_prework.sources.torch_file import TorchFileError, read_tensors

MAGIC = 0x1950A86A20F9469CFC6C
SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
VALUES = np.arange(24, dtype="<f4")


class Named:
    """Pickled as a call of a name that need not exist here, such as those of PyTorch."""

    def __init__(self, module, name, *arguments):
        self.global_, self.arguments = f"c{module}\n{name}\n".encode(), arguments


class Storage:
    def __init__(self, key, count, kind="FloatStorage", module="torch", word="storage"):
        self.key, self.count, self.global_, self.word = key, count, f"c{module}\n{kind}\n".encode(), word


def pickled(value) -> bytes:
    """Protocol 2, written by hand, so that no PyTorch is needed."""
    return b"\x80\x02" + _code(value) + b"."


def _code(value) -> bytes:
    if isinstance(value, Storage):
        inside = _code(value.word) + value.global_ + b"".join(map(_code, (value.key, "cpu", value.count, None)))
        return b"(" + inside + b"tQ"
    if isinstance(value, Named):
        return value.global_ + _code(value.arguments) + b"R"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(_code, value)) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(map(_code, value)) + b"e"
    if isinstance(value, OrderedDict):
        items = b"".join(_code(key) + _code(one) for key, one in value.items())
        return b"ccollections\nOrderedDict\n)R(" + items + b"u"
    return pickle.dumps(value, protocol=2)[2:-1]


def tensor(storage, shape, strides, offset=0):
    return Named("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, OrderedDict())


def written(path, state, numbers=None, keys=("0",), magic=MAGIC, system=SYSTEM):
    """A file as PyTorch before 1.6 wrote it. numbers: arrays of the storages, in the order of keys."""
    parts = [pickled(one) for one in (magic, 1001, system, state, list(keys))]
    for array in [VALUES] if numbers is None else numbers:
        parts += [struct.pack("<q", len(array)), array.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def state(storage=None, shape=(2, 3), strides=(3, 1), offset=0):
    return OrderedDict(weight=tensor(storage or Storage("0", 24), shape, strides, offset))


def test_tensors_come_with_their_names_types_and_order(tmp_path):
    counts = np.array([7], "<i8")
    both = OrderedDict(
        bias=tensor(Storage("b", 24), (4,), (1,), 2), steps=tensor(Storage("a", 1, "LongStorage"), (), ())
    )
    read = read_tensors(written(tmp_path / "net.pth", both, [counts, VALUES], keys=("a", "b")))
    assert list(read) == ["bias", "steps"]
    assert read["bias"].dtype == np.float32 and read["bias"].tolist() == [2, 3, 4, 5]
    assert read["steps"].dtype == np.int64 and read["steps"].shape == () and read["steps"] == 7


def test_strides_are_those_of_the_tensor_and_not_of_its_shape(tmp_path):
    turned = state(shape=(4, 3, 2), strides=(1, 8, 4))
    read = read_tensors(written(tmp_path / "net.pth", turned))["weight"]
    np.testing.assert_array_equal(read, VALUES.reshape(3, 2, 4).transpose(2, 0, 1))


@pytest.mark.parametrize(
    "hostile, name",
    [
        (Named("os", "system", "touch hacked"), "os.system"),
        (Named("builtins", "eval", "open('hacked', 'w')"), "builtins.eval"),
        (Named("torch", "load", "x"), "torch.load"),
        (Named("torch._utils", "_rebuild_parameter", 1), "torch._utils._rebuild_parameter"),
        (Storage("0", 24, "DoubleStorage"), "torch.DoubleStorage"),
        (Storage("0", 24, "Unpickler", "pickle"), "pickle.Unpickler"),
    ],
)
@pytest.mark.parametrize("place", ["state", "magic"])
def test_a_pickle_that_names_something_else_is_refused_by_name_and_not_run(tmp_path, monkeypatch, hostile, name, place):
    monkeypatch.chdir(tmp_path)
    content = {"state": OrderedDict(weight=hostile)} if place == "state" else {"state": state(), "magic": hostile}
    path = written(tmp_path / "hostile.pth", **content)
    with pytest.raises(TorchFileError, match=rf"hostile\.pth: names {name}") as caught:
        read_tensors(path)
    assert isinstance(caught.value, CourseError) and [one.name for one in tmp_path.iterdir()] == ["hostile.pth"]


def test_pythons_own_reader_would_have_run_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickled(Named("os", "system", "touch hacked")))
    assert [one.name for one in tmp_path.iterdir()] == ["hacked"]


@pytest.mark.parametrize("kept", [0, 5, 60, -97, -50, -1])
def test_a_truncated_file_is_refused(tmp_path, kept):
    path = written(tmp_path / "cut.pth", state())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(TorchFileError, match=r"cut\.pth: .*not read"):
        read_tensors(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage": Storage("0", 23)},
        {"storage": Storage("0", 10**15)},
        {"storage": Storage("0", -24)},
        {"storage": Storage("1", 24)},
        {"storage": Storage("0", 24, word="pickle")},
        {"shape": (5, 5), "strides": (5, 1)},
        {"strides": (21, 2)},
        {"offset": 19},
        {"offset": -1},
        {"strides": (3, -1)},
        {"shape": (-2, 3)},
        {"shape": (10**12,), "strides": (0,)},
        {"shape": (2.0, 3)},
        {"shape": (2, 3, 1)},
    ],
)
def test_sizes_and_strides_that_do_not_fit_are_refused(tmp_path, wrong):
    with pytest.raises(TorchFileError, match=r"net\.pth: .*not read"):
        read_tensors(written(tmp_path / "net.pth", state(**wrong)))


def test_a_storage_that_claims_more_than_the_file_has_takes_no_memory(tmp_path):
    path = written(tmp_path / "net.pth", state(Storage("0", 10**12)), numbers=[])
    path.write_bytes(path.read_bytes() + struct.pack("<q", 10**12))
    with pytest.raises(TorchFileError, match="1,000,000,000,000 numbers"):
        read_tensors(path)


def test_a_pickle_that_wants_room_for_billions_of_objects_is_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    path.write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
    with pytest.raises(TorchFileError, match="wants room for 2,147,483,647 objects"):
        read_tensors(path)


@pytest.mark.parametrize(
    "content, words",
    [
        ({"state": state(), "magic": 1}, "not a PyTorch file in the format before 1.6"),
        ({"state": state(), "system": {**SYSTEM, "little_endian": False}}, "little-endian"),
        ({"state": [1, 2]}, "holds a list"),
        ({"state": OrderedDict(weight=tensor(Storage("0", 24), (2,), (1,)), epoch=3)}, "'epoch' is a int"),
    ],
)
def test_what_is_not_a_table_of_tensors_is_named(tmp_path, content, words):
    with pytest.raises(TorchFileError, match=words):
        read_tensors(written(tmp_path / "net.pth", **content))


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\x89HDF\r\n\x1a\n", b"version https://git-lfs"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "net.pth").write_bytes(content)
    with pytest.raises(TorchFileError, match=r"net\.pth: not a"):
        read_tensors(tmp_path / "net.pth")
