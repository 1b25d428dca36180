import ast
import doctest
import importlib
import pathlib
import sys

import numpy as np
import pytest
from PIL import Image

import keras_vae.visualization
from keras_vae import visualization
from keras_vae.visualization.figure import new_figure, pixel_axes

pytestmark = pytest.mark.once

DRAWINGS = {
    "sample_grid": lambda: visualization.sample_grid(np.zeros((4, 8, 8))),
    "reconstructions": lambda: visualization.reconstructions(
        np.zeros((4, 8, 8)), np.zeros((4, 8, 8))
    ),
    "latent_map": lambda: visualization.latent_map(np.eye(4), [0, 0, 1, 1]),
    "latent_plane": lambda: visualization.latent_plane(
        lambda z: np.zeros((len(z), 8, 8)), np.eye(2), [0.0, 1.0], columns=3
    ),
    "loss_curves": lambda: visualization.loss_curves({"elbo": [-3.0, -2.0]}),
}
every_drawing = pytest.mark.parametrize("name", DRAWINGS)


def test_every_drawing_is_tested():
    assert sorted([*DRAWINGS, "save"]) == sorted(visualization.__all__)


@every_drawing
def test_figures_stand_outside_pyplot(name):
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    before = matplotlib.rcParams.copy(), pyplot.get_fignums()
    figure = DRAWINGS[name]()
    assert isinstance(figure.canvas, FigureCanvasAgg)
    assert (matplotlib.rcParams.copy(), pyplot.get_fignums()) == before


@every_drawing
def test_saved_png_has_the_size_of_the_figure(name, tmp_path):
    figure = DRAWINGS[name]()
    path = visualization.save(figure, tmp_path / "new" / "picture.png")
    width, height = figure.get_size_inches() * figure.dpi
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.size == (int(width), int(height))
        assert len(np.unique(np.asarray(image))) > 1
    again = visualization.save(DRAWINGS[name](), str(tmp_path / "again.png"))
    assert again.read_bytes() == path.read_bytes()


@every_drawing
def test_a_missing_matplotlib_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "keras-vae\[viz\]"'):
        DRAWINGS[name]()


def test_no_module_imports_matplotlib():
    folder = pathlib.Path(keras_vae.visualization.__file__).parent
    files = sorted(folder.glob("*.py"))
    assert len(files) > 5
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                assert "matplotlib" not in ast.unparse(node), file.name


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_suffix_names_the_format(suffix, tmp_path):
    path = visualization.save(
        DRAWINGS["loss_curves"](), tmp_path / f"c.{suffix}"
    )
    head = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[suffix]
    assert path.read_bytes().startswith(head)


def test_save_doubles_the_resolution(tmp_path):
    figure = new_figure(301, 57)
    path = visualization.save(figure, tmp_path / "large.png", dpi=256)
    with Image.open(path) as image:
        assert image.size == (602, 114)


def test_a_path_needs_a_suffix(tmp_path):
    with pytest.raises(ValueError, match="`path` must end.*`grid.png`"):
        visualization.save(new_figure(10, 10), tmp_path / "grid")


def test_axes_lie_where_they_are_put():
    axes = pixel_axes(new_figure(300, 200), 10, 20, 111, 77)
    bounds = axes.get_window_extent().bounds
    np.testing.assert_allclose(bounds, (10, 20, 111, 77), atol=1e-9)


@pytest.mark.parametrize(
    "module", ["curves", "figure", "grids", "latents", "planes"]
)
def test_examples_in_the_docstrings(module):
    name = f"keras_vae.visualization.{module}"
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
