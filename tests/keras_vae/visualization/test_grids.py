import numpy as np
import pytest
from PIL import Image

from keras_vae.visualization import reconstructions, sample_grid, save

pytestmark = pytest.mark.once


def pixels_of_axes(figure, path, zoom=1):
    """What the saved file shows in the figure's only axes, as RGB."""
    save(figure, path, dpi=figure.dpi * zoom)
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"))
    (axes,) = figure.axes
    bounds = axes.get_window_extent().bounds
    left, bottom, width, height = (round(side * zoom) for side in bounds)
    top = len(picture) - bottom - height
    return picture[top : top + height, left : left + width]


def enlarged(image, scale):
    if image.ndim == 2:
        image = np.stack([image] * 3, axis=-1)
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.mark.parametrize(
    ("shape", "columns", "scale"),
    [
        ((7, 8, 8), 3, 8),
        ((5, 28, 20, 3), 5, 3),
        ((6, 28, 28), 2, 3),
        ((3, 101, 90), 2, 1),
        ((1, 3, 64, 3), 1, 1),
    ],
)
def test_the_file_holds_the_images_pixel_by_pixel(
    shape, columns, scale, tmp_path
):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    figure = sample_grid(images, columns=columns)
    found = pixels_of_axes(figure, tmp_path / "grid.png")
    height, width = shape[1] * scale + 2, shape[2] * scale + 2
    for index, image in enumerate(images):
        top, left = index // columns * height, index % columns * width
        part = found[top : top + height - 2, left : left + width - 2]
        np.testing.assert_array_equal(part, enlarged(image, scale))


def test_a_larger_file_holds_the_same_squares(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    small = pixels_of_axes(sample_grid(images), tmp_path / "small.png")
    large = pixels_of_axes(sample_grid(images), tmp_path / "large.png", zoom=2)
    np.testing.assert_array_equal(large, enlarged(small, 2))


@pytest.mark.parametrize(
    ("num_images", "columns", "expected"),
    [(9, None, 3), (10, None, 4), (2, 50, 2), (1, None, 1)],
)
def test_columns(num_images, columns, expected):
    figure = sample_grid(np.zeros((num_images, 64, 64)), columns)
    width = figure.axes[0].get_window_extent().width
    assert width == pytest.approx(expected * 66 - 2)


@pytest.mark.parametrize("title", ["Samples of a VAE, seed 0", None])
def test_the_title_fits(title):
    figure = sample_grid(np.zeros((1, 8, 8)), title=title)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == (title or "")
    figure.canvas.draw()
    extent = axes.get_tightbbox().extents
    width, height = figure.canvas.get_width_height()
    assert np.all(extent >= 0)
    assert np.all(extent <= [width, height, width, height])


@pytest.mark.parametrize("channels", [(), (3,)])
def test_each_reconstruction_stands_under_its_image(channels, tmp_path):
    rng = np.random.default_rng(0)
    shape = (5, 8, 6, *channels)
    x, x_hat = rng.integers(0, 256, (2, *shape), np.uint8)
    figure = reconstructions(x, x_hat, columns=3)
    found = pixels_of_axes(figure, tmp_path / "pairs.png")
    height, width = 8 * 8 + 2, 6 * 8 + 2
    band = len(found) - (2 * height - 2)  # where the second pair of rows is
    for index in range(5):
        left = index % 3 * width
        for row, images in enumerate((x, x_hat)):
            top = index // 3 * band + row * height
            part = found[top : top + height - 2, left : left + width - 2]
            np.testing.assert_array_equal(part, enlarged(images[index], 8))
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["data", "reconstruction"] * 2


def test_rows_are_labelled_at_their_middle():
    figure = reconstructions(np.zeros((1, 8, 8)), np.zeros((1, 8, 8)))
    places = [text.get_position()[1] for text in figure.axes[0].texts]
    assert places == [32, 98]  # two images of 64 pixels, and a gap of 2


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"`x_hat` must.*\(2, 8, 8\) and \(3"):
        reconstructions(np.zeros((2, 8, 8)), np.zeros((3, 8, 8)))


@pytest.mark.parametrize(
    ("columns", "error"), [(0, ValueError), (2.5, TypeError)]
)
def test_columns_are_a_positive_integer(columns, error):
    images = np.zeros((2, 8, 8))
    with pytest.raises(error, match="`columns` must.*`columns=8`"):
        sample_grid(images, columns)
    with pytest.raises(error, match="`columns` must.*`columns=10`"):
        reconstructions(images, images, columns)
