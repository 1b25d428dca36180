import keras
import numpy as np
import pytest

from keras_vae.visualization.images import as_bytes, tile, to_numpy


@pytest.mark.parametrize("shape", [(3, 2, 5), (3, 2, 5, 1), (3, 2, 5, 3)])
def test_tensors_and_arrays_become_bytes(shape):
    values = np.random.default_rng(0).random(shape).astype("float32")
    expected = np.round(values.astype("float64") * 255).astype(np.uint8)
    if shape[-1] == 1:
        expected = expected[..., 0]
    for images in (values, keras.ops.convert_to_tensor(values)):
        found = as_bytes("images", images, (0.0, 1.0))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected)


def test_a_trainable_tensor_becomes_an_array():
    variable = keras.Variable(np.eye(2, dtype="float32"))
    np.testing.assert_array_equal(to_numpy("z", variable), np.eye(2))
    doubled = variable * 2
    np.testing.assert_array_equal(to_numpy("z", doubled), 2 * np.eye(2))


def test_uint8_stays_and_truth_values_are_black_and_white():
    levels = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    np.testing.assert_array_equal(as_bytes("x", levels, (0, 1)), levels)
    truth = np.array([[[True, False]]])
    np.testing.assert_array_equal(as_bytes("x", truth, (0, 1)), [[[255, 0]]])


def test_value_range_is_black_to_white():
    values = np.array([[[-3.0, -1.0, 0.0, 1.0, 2.0]]])
    found = as_bytes("x", values, (-1.0, 1.0))
    np.testing.assert_array_equal(found, [[[0, 0, 128, 255, 255]]])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 64)), r"`x` must have shape.*\(4, 64\).*reshape"),
        (np.zeros((4, 8, 8, 2)), r"1 or 3\].*Received: shape \(4, 8, 8, 2\)"),
        (np.zeros((0, 8, 8)), r"at least one image.*\(0, 8, 8\)"),
        (np.full((1, 2, 2), np.nan), "`x` must be finite.*NaN or infinity"),
        (np.full((1, 2, 2), "a"), "`x` must hold numbers.*dtype <U1"),
    ],
)
def test_bad_images(images, message):
    with pytest.raises(ValueError, match=message):
        as_bytes("x", images, (0.0, 1.0))


def test_bad_value_range():
    with pytest.raises(ValueError, match=r"black < white.*\(1, 0\)"):
        as_bytes("x", np.zeros((1, 2, 2)), (1, 0))


def test_tile_lays_out_row_by_row():
    images = np.arange(3, dtype=np.uint8)[:, None, None]
    expected = [
        [0, 0, 9, 1, 1],
        [0, 0, 9, 1, 1],
        [9, 9, 9, 9, 9],
        [2, 2, 9, 9, 9],
        [2, 2, 9, 9, 9],
    ]
    found = tile(images, columns=2, scale=2, gap=1, background=9)
    np.testing.assert_array_equal(found, expected)


def test_tile_without_a_gap():
    images = np.arange(4, dtype=np.uint8)[:, None, None]
    np.testing.assert_array_equal(tile(images, columns=2), [[0, 1], [2, 3]])
