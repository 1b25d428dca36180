import numpy as np
import pytest

from keras_vae.cli import pictures
from keras_vae.cli.output import Output
from keras_vae.cli.run_directory import RunDirectory


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path / "a", {})
    run.append_metrics({"epoch": 1, "loss": 3.0, "elbo": -3.0})
    return run


@pytest.mark.parametrize("labels", [None, "flat", "two-dimensional"])
def test_three_pictures(run, make_vae, images, capsys, labels):
    kinds = {
        "flat": np.arange(48) % 3,
        "two-dimensional": np.zeros((48, 2)),
    }
    given = kinds.get(labels)
    pictures.draw(run, make_vae(), images, given, Output())
    for path in (run.samples_path, run.latents_path, run.curves_path):
        assert path.stat().st_size > 1000
    assert capsys.readouterr().err == ""


def test_a_model_that_diverged_keeps_its_curves(run, make_vae, images, capsys):
    vae = make_vae()
    for weight in vae.trainable_variables:
        weight.assign(np.full(weight.shape, np.nan))
    pictures.draw(run, vae, images, None, Output())
    err = capsys.readouterr().err
    assert "samples.png was not drawn" in err
    assert "latents.png was not drawn" in err
    assert run.curves_path.exists()
    assert not run.samples_path.exists()


def test_matplotlib_is_asked_for_first(monkeypatch):
    import importlib

    def missing(name, *arguments):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"keras-vae\[viz\]"):
        pictures.check()


def test_small_images_get_a_margin():
    small = pictures.sample_grid(np.ones((4, 8, 8, 1)))
    large = pictures.sample_grid(np.ones((4, 64, 64, 1)))
    # Eight screen pixels each: (8 + 2 margins) * 8 against 64.
    difference = (small.get_size_inches() - large.get_size_inches()) * small.dpi
    np.testing.assert_allclose(difference, 2 * (7 * 10 - 64), atol=1e-6)
