import numpy as np
import pytest
from matplotlib.colors import to_rgb

from keras_vae.visualization import latent_map
from keras_vae.visualization.figure import COLORS, new_figure

pytestmark = pytest.mark.once

RNG = np.random.default_rng(0)
PLANE = RNG.normal(size=(60, 2))
CLASSES = np.arange(60) % 3


def drawn_points(figure):
    return figure.axes[0].collections[0].get_offsets().data


def legend_names(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().texts]


@pytest.mark.parametrize("labels", [None, CLASSES, PLANE[:, 0]])
def test_two_dimensions_are_drawn_as_they_are(labels):
    figure = latent_map(PLANE, labels)
    np.testing.assert_allclose(drawn_points(figure), PLANE)
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("$z_{1}$", "$z_{2}$")
    assert axes.get_aspect() == 1
    assert axes.get_title(loc="left") == "Posterior means"


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["0", "1", "2"], CLASSES),
        (["cat", "dog", "owl"], np.array(["cat", "dog", "owl"])[CLASSES]),
        (["False", "True"], CLASSES > 0),
    ],
)
def test_classes_have_colours_names_and_a_legend(names, labels):
    figure = latent_map(PLANE, labels)
    assert legend_names(figure) == names
    colors = figure.axes[0].collections[0].get_facecolors()[:, :3]
    numbers = np.searchsorted(np.unique(labels), labels)
    expected = [to_rgb(COLORS[number]) for number in numbers]
    np.testing.assert_allclose(colors, expected)
    written = {text.get_text(): text.xy for text in figure.axes[0].texts}
    assert list(written) == names
    for number, name in enumerate(names):
        median = np.median(PLANE[numbers == number], axis=0)
        np.testing.assert_allclose(written[name], median)


def test_many_numbers_are_a_colour_scale():
    labels = np.linspace(-1, 1, 60)
    figure = latent_map(PLANE, labels)
    assert figure.axes[0].get_legend() is None
    np.testing.assert_allclose(
        figure.axes[0].collections[0].get_array(), labels
    )
    assert figure.axes[1].get_ylabel() == "label"


def test_the_colours_of_ten_classes_differ():
    assert len(set(COLORS)) == 10
    labels = np.arange(60) % 10
    colors = latent_map(PLANE, labels).axes[0].collections[0].get_facecolors()
    assert len(np.unique(colors, axis=0)) == 10


def test_principal_components():
    directions = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    scales = np.array([3.0, 0.1, 2.0, 0.5, 0.2])
    latents = RNG.normal(size=(60, 5)) * scales @ directions.T + 7.0
    figure = latent_map(latents)
    found = drawn_points(figure)
    _, singular, vectors = np.linalg.svd(latents - latents.mean(axis=0))
    expected = (latents - latents.mean(axis=0)) @ vectors[:2].T
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-9)
    shares = singular[:2] ** 2 / np.sum(singular**2)
    axes = figure.axes[0]
    assert [axes.get_xlabel(), axes.get_ylabel()] == [
        f"principal component {index} ({share:.0%} of the variance)"
        for index, share in enumerate(shares, start=1)
    ]
    mirrored = drawn_points(latent_map(latents[::-1]))
    np.testing.assert_allclose(mirrored, found[::-1], atol=1e-9)


def test_dimensions_of_largest_variance():
    latents = np.array([[0, 1, 5], [0, -1, 9]]) + 2.0
    figure = latent_map(latents, projection="variance")
    np.testing.assert_allclose(drawn_points(figure), latents[:, [2, 1]])
    axes = figure.axes[0]
    assert axes.get_xlabel() == "$z_{3}$ (80% of the variance)"
    assert axes.get_ylabel() == "$z_{2}$ (20% of the variance)"


def test_collapsed_latents_are_drawn():
    figure = latent_map(np.ones((5, 3)))
    np.testing.assert_array_equal(drawn_points(figure), np.zeros((5, 2)))
    assert "(0% of the variance)" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize("labels", [None, CLASSES])
def test_one_dimension_is_a_histogram_of_all_points(labels):
    figure = latent_map(PLANE[:, :1], labels)
    axes = figure.axes[0]
    heights = [patch.get_height() for patch in axes.patches]
    assert sum(heights) == 60
    assert axes.get_xlabel() == "$z_{1}$"
    assert axes.get_ylabel() == "number of points"
    if labels is not None:
        assert legend_names(figure) == ["0", "1", "2"]


def test_everything_lies_in_the_figure():
    figure = latent_map(PLANE, np.arange(60) % 20)
    figure.canvas.draw()
    box = figure.axes[0].get_tightbbox()
    width, height = figure.canvas.get_width_height()
    assert box.x0 >= 0 and box.y0 >= 0
    assert box.x1 <= width and box.y1 <= height


def test_axes_of_the_caller_are_drawn_in():
    figure = new_figure(400, 200)
    left, right = figure.subplots(1, 2)
    assert latent_map(PLANE, ax=right, title=None) is figure
    assert not left.collections
    np.testing.assert_allclose(right.collections[0].get_offsets(), PLANE)
    assert right.get_title(loc="left") == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latents": PLANE[0]}, r"`latents` must have shape.*shape \(2,\)"),
        ({"latents": PLANE[:0]}, r"at least one point.*shape \(0, 2\)"),
        ({"latents": PLANE * np.nan}, "`latents` must be finite"),
        ({"labels": CLASSES[:-1]}, r"`labels` must.*\(60,\).*shape \(59,\)"),
        ({"projection": "tsne"}, "`projection` must be one of.*'tsne'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        latent_map(**{"latents": PLANE, **arguments})
