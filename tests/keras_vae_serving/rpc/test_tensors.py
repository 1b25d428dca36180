"""Tensors, against TensorFlow's: what it writes, and how it reads."""

import base64
import json
import pathlib
import tracemalloc

import numpy as np
import pytest

from keras_vae_serving import dtypes
from keras_vae_serving.rpc import tensors
from keras_vae_serving.rpc.messages import TensorProto

pytestmark = pytest.mark.once

# Made with TensorFlow 2.21: a tensor with its values in the field of their
# type, with the values as content, and the values that TensorFlow reads.
RECORDED = [
    json.loads(line)
    for line in (pathlib.Path(__file__).parent / "recorded/tensors.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]


def proto(dtype, shape, **values):
    tensor = TensorProto(dtype=dtypes.BY_NAME[dtype].number, **values)
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return tensor


def expected(recorded):
    dtype = dtypes.BY_NAME[recorded["dtype"]]
    if dtype.name == "DT_STRING":
        values = list(map(base64.b64decode, recorded["values"]))
        flat = np.array(values, object)
    else:
        data = base64.b64decode(recorded["values"])
        flat = np.frombuffer(data, dtype.numpy or "float32")
    return flat.reshape(recorded["shape"])


@pytest.mark.parametrize("form", ["typed", "content"])
@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["dtype"])
def test_reads_what_tensorflow_writes(recorded, form):
    data = base64.b64decode(recorded[form])
    array = tensors.to_array(TensorProto.FromString(data))
    wanted = expected(recorded)
    assert array.dtype == wanted.dtype
    assert array.shape == wanted.shape
    assert array.tolist() == wanted.tolist()


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda one: one["dtype"])
def test_writes_what_tensorflow_writes(recorded):
    dtype = dtypes.BY_NAME[recorded["dtype"]]
    tensor = tensors.to_proto(expected(recorded), dtype)
    assert tensor.SerializeToString() == base64.b64decode(recorded["typed"])


def test_every_dtype_is_recorded():
    assert {one["dtype"] for one in RECORDED} == set(dtypes.BY_NAME)


def test_nans_keep_their_bits():
    bits = np.array([0x7FC00000, 0x7FC54321, 0xFFC12345], "u4")
    again = tensors.to_array(tensors.to_proto(bits.view("f4")))
    assert again.view("u4").tolist() == bits.tolist()


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, 2.0, 3.0]])
def test_last_value_is_repeated(values):
    array = tensors.to_array(proto("DT_FLOAT", [3, 1], float_val=values))
    filled = values + 3 * (values[-1:] or [0.0])
    assert array.tolist() == [[value] for value in filled[:3]]


def test_last_string_is_repeated():
    array = tensors.to_array(proto("DT_STRING", [3], string_val=[b"a", b"b"]))
    assert array.tolist() == [b"a", b"b", b"b"]
    array = tensors.to_array(proto("DT_STRING", [2]))
    assert array.tolist() == [b"", b""]


def test_last_complex_number_is_repeated():
    tensor = proto("DT_COMPLEX64", [2], scomplex_val=[1, 2])
    assert tensors.to_array(tensor).tolist() == [1 + 2j, 1 + 2j]


def test_narrow_integers_wrap():
    tensor = proto("DT_UINT8", [2], int_val=[300, -1])
    assert tensors.to_array(tensor).tolist() == [44, 255]
    tensor = proto("DT_HALF", [1], half_val=[65536 + 15872])
    assert tensors.to_array(tensor).tolist() == [1.5]


def test_content_comes_before_values():
    content = np.array([5], "<f4").tobytes()
    tensor = proto("DT_FLOAT", [1], tensor_content=content, float_val=[3])
    assert tensors.to_array(tensor).tolist() == [5]


@pytest.mark.parametrize("shape", [(0,), (0, 5), (3, 0)])
@pytest.mark.parametrize("dtype", ["float32", "int64", "object", "bool"])
def test_empty(shape, dtype):
    tensor = tensors.to_proto(np.empty(shape, dtype))
    array = tensors.to_array(tensor)
    assert array.shape == shape
    assert array.dtype == dtype
    content = proto("DT_FLOAT", [0], tensor_content=b"1234")
    assert tensors.to_array(content).shape == (0,)


def test_strided_and_read_only_arrays():
    array = np.broadcast_to(np.arange(6, dtype="int32"), (2, 6))[:, ::-2]
    again = tensors.to_array(tensors.to_proto(array))
    assert again.tolist() == array.tolist()


def test_bfloat16_rounds_to_even():
    # 1 + 2^-8 lies between two, as does 1 + 3 * 2^-8.
    values = np.array([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20], "f4")
    nan = np.array([0x7F800001], "u4").view("f4")
    dtype = dtypes.BY_NAME["DT_BFLOAT16"]
    tensor = tensors.to_proto(np.append(values, nan), dtype)
    again = tensors.to_array(tensor)
    assert again[:3].tolist() == [1, 1 + 2**-6, 1 + 2**-7]
    assert np.isnan(again[3])


F4 = "DT_FLOAT"
MALFORMED = [
    (proto(F4, [-1], float_val=[1]), r"its shape is \[-1\]"),
    (proto(F4, [2, -(2**63)]), r"its shape is \[2,-9223372036854775808\]"),
    (proto(F4, [2**40, 2**40]), "more than 2147483647 bytes"),
    (proto(F4, [0, 2**62, 2**62]), "more than 2147483647 bytes"),
    (proto(F4, [2**62, 4, 0]), "more than 2147483647 bytes"),
    (proto(F4, [1] * 65), "it has 65 dimensions"),
    (proto(F4, [2], float_val=[1, 2, 3]), "3 values in float_val, and its"),
    (proto(F4, [], float_val=[1, 2]), r"2 values .* its shape is \[\]"),
    (proto(F4, [2], tensor_content=b"1234567"), "7 bytes instead of 8"),
    (proto(F4, [2], tensor_content=b"123456789"), "9 bytes instead of 8"),
    (proto("DT_COMPLEX64", [2], scomplex_val=[1]), "1 values in scomplex_val"),
    (proto("DT_BOOL", [2], tensor_content=b"\1\2"), "a bool of 2, not 0 or 1"),
    (
        proto("DT_STRING", [2], tensor_content=b"\1\2ab"),
        "has 2 bytes of strings instead of 3",
    ),
    (proto("DT_STRING", [2], tensor_content=b"\1"), "within the strings'"),
    (proto("DT_STRING", [2], tensor_content=b"\xff" * 9), "within the"),
    (TensorProto(), "its dtype is 0"),
    (TensorProto(dtype=20), "its dtype is 20"),
    (TensorProto(dtype=101), "its dtype is 101"),
    (TensorProto(dtype=-5), "its dtype is -5"),
]


@pytest.mark.parametrize("tensor, message", MALFORMED)
def test_malformed(tensor, message):
    with pytest.raises(ValueError, match=message):
        tensors.to_array(tensor)


@pytest.mark.parametrize("dtype", ["DT_DOUBLE", "DT_STRING"])
def test_a_bomb_is_refused_before_anything_is_allocated(dtype):
    tensor = proto(dtype, [1000, 1000, 100])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="takes more than 67108864 bytes"):
            tensors.to_array(tensor, 64 * 2**20)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_what_just_fits():
    tensor = proto(F4, [25], float_val=[1])
    assert tensors.to_array(tensor, 100).size == 25
    with pytest.raises(ValueError, match="takes more than 99 bytes"):
        tensors.to_array(tensor, 99)


@pytest.mark.parametrize(
    "array, dtype, message",
    [
        (np.zeros(1, "f8"), F4, "must be of dtype float32 to be sent as DT_F"),
        (np.zeros(1, "f8"), "DT_BFLOAT16", "float32 to be sent as DT_BFLOAT"),
        (np.array(["a"]), "DT_STRING", "`dtype` must be one of"),
    ],
)
def test_array_of_another_type(array, dtype, message):
    with pytest.raises(ValueError, match=message):
        tensors.to_proto(array, dtypes.BY_NAME[dtype])
