"""Active units: the latent dimensions whose posterior mean varies with x."""

import numpy as np
import pytest

from keras_vae import evaluation
from tests.linear import make_vae as make_linear_vae
from tests.linear import probabilistic_pca


@pytest.fixture(scope="module")
def linear():
    return probabilistic_pca(num_dims=6, latent_dim=3)


def exact_variances(linear):
    means = (linear.x - linear.mean) @ linear.encoder.T
    return means.var(axis=0)


@pytest.mark.parametrize("batch_size", [7, 60, 1000])
def test_the_variances_are_exact(linear, batch_size):
    vae = make_linear_vae(linear)
    found = evaluation.active_units(vae, linear.x, batch_size=batch_size)
    np.testing.assert_allclose(found.variances, exact_variances(linear), 1e-5)
    assert found.variances.shape == (3,)
    assert found.count == 3 and isinstance(found.count, int)


def test_a_collapsed_dimension_is_inactive(linear):
    """A mean that is the same for every x, and one that hardly varies."""
    encoder = linear.encoder.copy()
    encoder[0] = 0.0
    encoder[2] *= np.sqrt(0.009 / exact_variances(linear)[2])
    found = evaluation.active_units(
        make_linear_vae(linear._replace(encoder=encoder)), linear.x
    )
    assert found.count == 1
    assert found.variances[0] == pytest.approx(0.0, abs=1e-10)
    assert found.variances[2] == pytest.approx(0.009, rel=1e-4)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_the_threshold_decides(linear, rank):
    """It lies between the variances, sorted: those above it are counted."""
    edges = np.sort([0.0, 10.0, *exact_variances(linear)])
    threshold = (edges[rank] + edges[rank + 1]) / 2
    found = evaluation.active_units(
        make_linear_vae(linear), linear.x, threshold=threshold
    )
    assert found.count == 3 - rank


@pytest.mark.parametrize("threshold", ["0.01", None, True])
def test_a_threshold_that_is_no_number_is_refused(linear, threshold):
    with pytest.raises(TypeError, match="`threshold` must be a finite number"):
        evaluation.active_units(make_linear_vae(linear), linear.x, threshold)


@pytest.mark.parametrize("threshold", [-0.01, np.nan, np.inf])
def test_a_threshold_out_of_range_is_refused(linear, threshold):
    with pytest.raises(ValueError, match="`threshold` must be a finite number"):
        evaluation.active_units(make_linear_vae(linear), linear.x, threshold)


@pytest.mark.parametrize(("count", "least"), [(0, "one example"), (1, "2")])
def test_too_few_examples_are_refused(linear, count, least):
    with pytest.raises(ValueError, match=f"`x` must hold at least {least}"):
        evaluation.active_units(make_linear_vae(linear), linear.x[:count])


def test_other_data_are_refused(linear):
    vae = make_linear_vae(linear)
    with pytest.raises(ValueError, match=r"`x` must have shape \(batch, 6\)"):
        evaluation.active_units(vae, linear.x[:, :5])
    x = linear.x.copy()
    x[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"Received: x\[3, 2\]=nan"):
        evaluation.active_units(vae, x)
    with pytest.raises(ValueError, match="`batch_size` must be a positive"):
        evaluation.active_units(vae, linear.x, batch_size=0)
