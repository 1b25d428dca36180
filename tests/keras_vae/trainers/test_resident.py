"""Arrays that `fit` keeps on the device."""

import numpy as np
import pytest

from keras_vae.trainers import resident

SHAPE = (7, 3, 2, 1)


def array(dtype):
    return np.random.default_rng(0).integers(0, 2, SHAPE).astype(dtype)


def test_an_aligned_copy_is_a_copy():
    x = array("float64")
    copy = resident.aligned(x)
    assert copy.ctypes.data % 64 == 0
    assert copy.dtype == "float32"
    assert not np.shares_memory(x, copy)
    np.testing.assert_array_equal(copy, x)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "uint8", "int32", "bool"]
)
def test_what_is_kept_is_what_keras_would_pass(
    dtype, order, make_vae, to_numpy
):
    x = np.asarray(array(dtype), order=order)
    kept = make_vae().on_device(x)
    plain = resident.on_device(x)
    assert kept.dtype == plain.dtype
    np.testing.assert_array_equal(to_numpy(kept), x)


def test_what_is_kept_outlives_the_array(make_vae, to_numpy):
    x = array("float32")
    expected = x.copy()
    kept = make_vae().on_device(x)
    del x
    np.testing.assert_array_equal(to_numpy(kept), expected)


def test_what_is_kept_does_not_change_with_the_array(make_vae, to_numpy):
    x = array("float32")
    expected = x.copy()
    kept = make_vae().on_device(x)
    x[:] = 5
    np.testing.assert_array_equal(to_numpy(kept), expected)
