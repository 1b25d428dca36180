import numpy as np
import pytest

from keras_vae.datasets import images

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("image_size", "expected"),
    [
        (None, None),
        (8, (8, 8)),
        (np.int64(8), (8, 8)),
        ((4, 6), (4, 6)),
        ([4, 6], (4, 6)),
    ],
)
def test_image_sizes_become_height_and_width(image_size, expected):
    assert images.check_image_size(image_size) == expected


@pytest.mark.parametrize(
    ("image_size", "error"),
    [
        (0, ValueError),
        ((8, -1), ValueError),
        ((8, 8, 3), ValueError),
        ((8,), ValueError),
        ("8", TypeError),
        (8.0, TypeError),
        (True, TypeError),
        ((8, "8"), TypeError),
    ],
)
def test_bad_image_sizes_are_refused(image_size, error):
    with pytest.raises(error, match="`image_size` must be None, a positive"):
        images.check_image_size(image_size)


@pytest.mark.parametrize(
    ("values", "expected", "dtype"),
    [
        (np.array([0, 7, 255], np.uint8), [0, 7, 255], np.uint8),
        (np.array([0, 7, 255], np.int64), [0, 7, 255], np.uint8),
        (np.array([False, True]), [0, 255], np.uint8),
        (np.array([0, 1], np.uint8), [0, 255], np.uint8),
        (np.array([0.0, 7.0, 255.0]), [0, 7, 255], np.uint8),
        (np.array([0.0, 0.25, 1.0]), [0.0, 0.25, 1.0], np.float32),
        (np.array([0.0, 127.5]), [0.0, 0.5], np.float32),
        (np.zeros((0,), np.int64), [], np.uint8),
    ],
)
def test_pixels_become_grey_levels_or_intensities(values, expected, dtype):
    pixels = images.canonical(values, "a test")
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "values",
    [[0, 256], [-1, 4], [-0.5, 0.5], [0.0, 255.5], [0.5, np.nan]],
)
def test_pixels_outside_the_range_are_refused(values):
    with pytest.raises(ValueError, match="from 0 to 255 .*in `x` of a.npz"):
        images.canonical(np.array(values), "`x` of a.npz")


def test_pixels_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="Pixels must be numbers"):
        images.canonical(np.array(["a"]), "a test")


def test_intensities_are_exactly_the_level_over_255():
    levels = np.arange(256, dtype=np.uint8)
    expected = (np.arange(256) / 255).astype(np.float32)
    np.testing.assert_array_equal(images.to_intensities(levels), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_resizing_by_a_whole_factor_keeps_the_mean(dtype, num_channels):
    top = 255 if dtype == np.uint8 else 1
    image = np.zeros((16, 16, num_channels), dtype)
    image[4:12, 4:12] = top
    resized = images.resize(image, (8, 8))
    assert resized.shape == (8, 8, num_channels)
    assert resized.dtype == dtype
    np.testing.assert_allclose(resized.mean(), image.mean(), rtol=0.02)
    np.testing.assert_array_equal(resized[4, 4], top)


def test_resizing_is_antialiased():
    stripes = np.zeros((32, 32, 1), np.uint8)
    stripes[:, ::2] = 255
    resized = images.resize(stripes, (4, 4))
    assert np.all(np.abs(resized.astype(int) - 127) < 24)


@pytest.mark.parametrize(
    ("shape", "size", "rows", "columns"),
    [
        ((8, 12, 1), (8, 8), slice(0, 8), slice(2, 10)),
        ((12, 8, 1), (8, 8), slice(2, 10), slice(0, 8)),
        ((8, 12, 1), (8, 10), slice(0, 8), slice(1, 11)),
    ],
)
def test_the_centre_is_cropped(shape, size, rows, columns):
    levels = np.arange(np.prod(shape)).reshape(shape)
    image = levels.astype(np.uint8)
    np.testing.assert_array_equal(
        images.resize(image, size), image[rows, columns]
    )


def test_an_image_of_the_right_size_is_left_alone():
    image = np.arange(12, dtype=np.uint16).reshape(2, 6, 1)
    assert images.resize(image, (2, 6)) is image


def test_float_images_stay_within_their_range():
    image = np.random.default_rng(0).random((9, 7, 1)).astype(np.float32)
    resized = images.resize(image, (5, 3))
    assert image.min() <= resized.min() and resized.max() <= image.max()


def test_several_images_are_resized_in_order():
    stack = np.stack([np.full((6, 6, 1), level, np.uint8) for level in (9, 4)])
    resized = images.resize_all(stack, (3, 3))
    np.testing.assert_array_equal(resized[:, 0, 0, 0], [9, 4])


def test_stacked_images_must_agree():
    first, second = np.zeros((4, 5, 1)), np.zeros((6, 5, 1))
    with pytest.raises(
        ValueError,
        match=r"a.png of height 4, width 5, .* b.png of height 6, width 5",
    ):
        images.stack([first, second], ["a.png", "b.png"])
    with pytest.raises(ValueError, match=r"Pass e.g. `image_size=4`"):
        images.concatenate([first[None], second[None]], ["a", "b"])


def test_levels_and_intensities_join_as_intensities():
    levels = np.full((1, 2, 2, 1), 51, np.uint8)
    intensities = np.full((1, 2, 2, 1), 0.5, np.float32)
    joined = images.concatenate([levels, intensities], ["a", "b"])
    assert joined.dtype == np.float32
    np.testing.assert_allclose(joined[:, 0, 0, 0], [0.2, 0.5], rtol=1e-6)
