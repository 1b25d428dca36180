from statistics import NormalDist

import numpy as np
import pytest
from PIL import Image

from keras_vae.visualization import latent_plane, save

pytestmark = pytest.mark.once

NORMAL = NormalDist()


class Recorder:
    """A decoder that keeps what it was asked for."""

    def __init__(self, shape=(4, 4, 1)):
        self.shape = shape
        self.z = None

    def __call__(self, z):
        self.z = z
        levels = np.arange(len(z)) / len(z)
        return np.broadcast_to(
            levels.reshape(-1, *[1] * len(self.shape)), (len(z), *self.shape)
        )


def tick_labels(axes):
    return {
        text.get_text(): place
        for place, text in zip(
            axes.get_xticks(), axes.get_xticklabels(), strict=True
        )
    }


def test_the_grid_has_the_priors_quantiles():
    decode = Recorder()
    latent_plane(decode, columns=5)
    assert decode.z.dtype == np.float32
    assert decode.z.shape == (25, 2)
    values = np.unique(decode.z[:, 0])
    mass = [NORMAL.cdf(float(value)) for value in values]
    low, high = NORMAL.cdf(-3), NORMAL.cdf(3)
    expected = low + (np.arange(5) + 0.5) / 5 * (high - low)
    np.testing.assert_allclose(mass, expected, atol=1e-6)


def test_the_grid_may_be_linear():
    decode = Recorder()
    latent_plane(decode, columns=4, spacing="linear", limit=2.0)
    np.testing.assert_allclose(np.unique(decode.z), [-1.5, -0.5, 0.5, 1.5])


def test_the_upper_left_image_comes_first():
    decode = Recorder()
    latent_plane(decode, columns=3)
    grid = decode.z.reshape(3, 3, 2)
    assert np.all(np.diff(grid[..., 0], axis=1) > 0)  # z_1 grows to the right
    assert np.all(np.diff(grid[..., 1], axis=0) < 0)  # z_2 grows upwards


@pytest.mark.parametrize("shape", [(8, 8), (28, 20, 1), (9, 9, 3)])
def test_each_image_stands_at_its_z(shape, tmp_path):
    decode = Recorder(shape)
    figure = latent_plane(decode, columns=4, spacing="linear")
    save(figure, tmp_path / "plane.png")
    with Image.open(tmp_path / "plane.png") as image:
        picture = np.asarray(image.convert("RGB"))
    # Pixels from z, by the axes' own scale.
    places = figure.axes[0].transData.transform((decode.z / 3 + 1) / 2)
    for index, (x, y) in enumerate(places):
        level = round(index / 16 * 255)
        found = picture[round(len(picture) - y), round(x)]
        np.testing.assert_array_equal(found, [level] * 3)


def test_points_stand_on_the_same_axes():
    latents = np.array([[0.0, 0.0], [1.0, -2.0], [2.5, 2.9]])
    figure = latent_plane(Recorder(), latents, [0, 1, 1], columns=3)
    images, points = figure.axes
    low, high = NORMAL.cdf(-3), NORMAL.cdf(3)
    mass = np.vectorize(NORMAL.cdf)(latents)
    offsets = points.collections[0].get_offsets()
    np.testing.assert_allclose(offsets, (mass - low) / (high - low))
    for axes in (images, points):
        places = tick_labels(axes)
        assert places["0"] == pytest.approx(0.5)
        # U+2212 is the minus sign.
        assert places["1"] == pytest.approx(1 - places["\u22121"])
        assert places["1"] == pytest.approx(offsets[1, 0])
        assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (0, 1))
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("$z_1$", "$z_2$")
    widths = [axes.get_window_extent().width for axes in figure.axes]
    assert widths[0] == pytest.approx(widths[1])


def test_points_may_lie_over_the_images():
    figure = latent_plane(
        Recorder(), np.eye(2), columns=3, layout="over", spacing="linear"
    )
    (axes,) = figure.axes
    assert len(axes.images) == 1
    offsets = axes.collections[0].get_offsets()
    np.testing.assert_allclose(offsets, (np.eye(2) / 3 + 1) / 2)


def test_points_outside_are_counted():
    latents = np.array([[0.0, 0.0], [3.5, 0.0], [0.0, -9.0]])
    figure = latent_plane(Recorder(), latents, ["a", "b", "b"], columns=3)
    assert figure.axes[1].get_title(loc="left") == (
        "Posterior means (2 of 3 lie outside)"
    )
    assert len(figure.axes[1].collections[0].get_offsets()) == 1


def test_all_points_outside():
    figure = latent_plane(Recorder(), np.full((3, 2), 8.0), columns=2)
    assert "3 of 3 lie outside" in figure.axes[1].get_title(loc="left")


@pytest.mark.parametrize("layout", ["beside", "over"])
def test_everything_lies_in_the_figure(layout):
    latents = np.random.default_rng(0).normal(size=(50, 2))
    figure = latent_plane(
        Recorder((8, 8)), latents, np.arange(50) % 10, layout=layout
    )
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box.x0 >= 0 and box.y0 >= 0
        assert box.x1 <= width and box.y1 <= height


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": 0}, "`columns` must be a positive.*`columns=20`"),
        ({"spacing": "log"}, "`spacing` must be one of.*'log'"),
        ({"layout": "under"}, "`layout` must be one of.*'under'"),
        ({"limit": 0}, "`limit` must be above 0.*limit=0"),
        ({"limit": np.nan}, "`limit` must be above 0.*limit=nan"),
        ({"latents": np.zeros((3, 4))}, r"\(num_points, 2\).*`latent_map\("),
        (
            {"latents": np.zeros((3, 2)), "labels": [1]},
            r"`labels` must have shape \(3,\)",
        ),
        ({"decode": lambda z: z}, r"`decode\(z\)` must have shape"),
        (
            {"decode": lambda z: np.zeros((1, 8, 8))},
            "`decode` must return one image.*1 images for 400",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        latent_plane(**{"decode": Recorder(), **arguments})
