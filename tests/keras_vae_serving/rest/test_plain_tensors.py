"""The quick way to an array reads what the exact one reads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_vae_serving import dtypes
from keras_vae_serving.rest.plain_tensors import plain_array
from keras_vae_serving.rest.tensors import make_array, read

pytestmark = pytest.mark.once

LEAVES = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
)
NESTED = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3))
NUMBERS = st.integers(-300, 300) | st.floats(width=32) | st.just(1e39)


@st.composite
def grids(draw):
    """Lists that are a tensor of numbers."""
    value = [draw(NUMBERS) for _ in range(12)]
    for size in draw(st.sampled_from([(), (3,), (2, 3), (12,), (3, 2, 2)])):
        value = [value[i : i + size] for i in range(0, len(value), size)]
    return value


@settings(deadline=None, max_examples=300)
@given(NESTED | grids(), st.sampled_from(sorted(dtypes.BY_NAME)))
def test_the_quick_way_reads_the_same(value, name):
    value = as_parsed(value)
    dtype = dtypes.BY_NAME[name]
    quick = plain_array(value, dtype)
    if quick is None:
        return
    exact = make_array("x", read(value, dtype), dtype)
    assert (quick.shape, quick.dtype) == (exact.shape, exact.dtype)
    assert repr(quick.tolist()) == repr(exact.tolist())


@settings(deadline=None, max_examples=300)
@given(grids(), st.sampled_from(["DT_FLOAT", "DT_DOUBLE"]))
def test_numbers_take_the_quick_way(value, name):
    dtype = dtypes.BY_NAME[name]
    found = plain_array(value, dtype)
    with np.errstate(over="ignore"):
        wanted = np.array(value, dtype.numpy)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def as_parsed(value):
    """A value whose strings are held as the parser holds them."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").decode("latin-1")
    return [as_parsed(one) for one in value] if type(value) is list else value
