import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from keras_vae_serving.rpc import packed
from keras_vae_serving.rpc.messages import TensorProto

pytestmark = pytest.mark.once

# By NumPy's type: the field that protocol buffers fill themselves.
FIELDS = {
    "float32": ("float_val", 5),
    "float64": ("double_val", 6),
    "int8": ("int_val", 7),
    "int16": ("int_val", 7),
    "int32": ("int_val", 7),
    "uint8": ("int_val", 7),
    "uint16": ("int_val", 7),
    "int64": ("int64_val", 10),
    "bool": ("bool_val", 11),
    "uint32": ("uint32_val", 16),
    "uint64": ("uint64_val", 17),
}


@given(st.data(), st.sampled_from(sorted(FIELDS)))
def test_bytes_are_protocol_buffers_own(data, dtype):
    values = data.draw(hnp.arrays(dtype, st.integers(1, 20)))
    name, number = FIELDS[dtype]
    filled = TensorProto(**{name: values.tolist()})
    assert packed.field(number, values) == filled.SerializeToString()


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 140_000])
def test_many(size):
    values = np.arange(size) * 7 - 1000
    filled = TensorProto(int64_val=values.tolist())
    assert packed.field(10, values) == filled.SerializeToString()


@pytest.mark.parametrize(
    "number, written",
    [(0, b"\0"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")],
)
def test_varint(number, written):
    assert packed.varint(number) == written
