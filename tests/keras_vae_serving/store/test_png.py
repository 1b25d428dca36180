import io

import numpy as np
import pytest
from PIL import Image

from keras_vae_serving.store import png

pytestmark = pytest.mark.once


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pixels_are_rounded_as_in_the_saved_model(channels):
    rng = np.random.default_rng(0)
    x = rng.uniform(-0.2, 1.2, (3, 5, 7, channels)).astype("float32")
    files = png.encode(x)
    assert files.shape == (3,)
    assert files.dtype == object
    expected = np.round(255 * np.clip(x, 0, 1)).astype("uint8")
    for file, levels in zip(files, expected, strict=True):
        assert type(file) is bytes
        found = np.asarray(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(found.reshape(levels.shape), levels)


def test_halves_are_rounded_to_even():
    # 0.5 / 255 is exact enough to fall on the middle of two levels.
    x = np.array([0.5, 1.5, 2.5], "float32").reshape(1, 1, 3, 1) / 255
    middles = np.float32(255) * x
    found = np.asarray(Image.open(io.BytesIO(png.encode(x)[0])))
    np.testing.assert_array_equal(found[0], np.round(middles).ravel())


def test_values_without_a_level():
    x = np.array([np.nan, -np.inf, np.inf], "float32").reshape(1, 1, 3, 1)
    found = np.asarray(Image.open(io.BytesIO(png.encode(x)[0])))
    assert found.tolist() == [[0, 0, 255]]


def test_no_images():
    assert png.encode(np.zeros((0, 4, 4, 1), "float32")).shape == (0,)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((None, 4, 4, 1), True),
        ((None, 4, 4, 3), True),
        ((None, 4, 4, 4), True),
        ((None, 4, 4, 2), False),
        ((None, 4, 4), False),
        ((None, 16), False),
        ((None, None, 4, 1), False),
        ((None, 0, 4, 1), False),
    ],
)
def test_what_can_be_drawn(shape, expected):
    assert png.is_image_shape(shape) is expected
