"""The linear VAE is probabilistic PCA or factor analysis, exactly."""

import keras
import numpy as np
import pytest
from sklearn.decomposition import FactorAnalysis

from keras_vae.objectives import ELBO, IWAE, MIWAE, elbo_terms
from keras_vae.objectives.importance import log_mean_weight, log_weights
from tests.keras_vae.objectives.linear_vae import (
    JIT,
    Linear,
    displace_posterior,
    get_linear,
    make_data,
    make_linear_vae,
    probabilistic_pca,
    set_linear,
    sigma_points,
)

NOISES = (0.4, 0.8, 0.6, 0.4, 0.8, 0.6, 0.4, 0.8)


def fitted_ppca():
    x = make_data(200, event_dim=8, latent_dim=2, noises=0.5, seed=1)
    return x, *probabilistic_pca(x.astype("float64"), 2), "shared"


def fitted_factor_analysis():
    x = make_data(200, event_dim=8, latent_dim=2, noises=NOISES, seed=1)
    analysis = FactorAnalysis(2, tol=1e-12, svd_method="lapack")
    analysis.fit(x.astype("float64"))
    model = Linear(
        analysis.components_.T, analysis.mean_, analysis.noise_variance_**0.5
    )
    return x, model, analysis.score(x.astype("float64")), "per_output"


@pytest.fixture(
    scope="module",
    params=[fitted_ppca, fitted_factor_analysis],
    ids=["probabilistic PCA", "factor analysis"],
)
def exact(request):
    return request.param()


def at_optimum(exact, objective=None):
    x, model, _, scale = exact
    vae = make_linear_vae(x.shape[1], 2, objective or ELBO(), scale=scale)
    return set_linear(vae, model)


def test_the_reference_is_the_maximum(exact):
    x, model, maximum, _ = exact
    assert model.log_likelihood(x).mean() == pytest.approx(maximum, rel=1e-9)
    for change in (0.99, 1.01):
        other = model._replace(weights=model.weights * change)
        assert other.log_likelihood(x).mean() < maximum


def test_the_elbo_is_the_log_likelihood_at_the_optimum(exact, to_numpy):
    x, model, maximum, _ = exact
    # The log-weight does not depend on z: any sample gives log p(x).
    vae = at_optimum(exact, ELBO(kl="monte_carlo"))
    elbo = to_numpy(vae.compute_elbo(x, seed=3).elbo)
    np.testing.assert_allclose(elbo, model.log_likelihood(x), rtol=1e-5)
    assert elbo.astype("float64").mean() == pytest.approx(maximum, rel=1e-5)


def test_the_analytic_elbo_is_the_log_likelihood_too(exact, to_numpy):
    x, model, _, _ = exact
    vae = at_optimum(exact)
    posterior = vae.encode(x)
    points = np.broadcast_to(sigma_points(2), (4, len(x), 2))
    z = posterior.from_noise(keras.ops.convert_to_tensor(points, "float32"))
    terms = elbo_terms(vae.evidence(x, posterior, (z, None)))
    np.testing.assert_allclose(
        to_numpy(terms.elbo), model.log_likelihood(x), rtol=1e-5
    )


def test_the_marginal_likelihood_is_exact_at_the_optimum(exact):
    x, model, _, _ = exact
    estimate = at_optimum(exact).marginal_log_likelihood(x, num_samples=3)
    np.testing.assert_allclose(estimate, model.log_likelihood(x), rtol=1e-5)


def test_the_bounds_rise_with_k_towards_the_truth(exact, to_numpy):
    x, model, _, _ = exact
    x = x[:50]
    vae = at_optimum(exact)
    displace_posterior(vae)
    posterior = vae.encode(x)
    num_samples = 4000
    draw = vae.sampling.sample_with_log_prob(posterior, num_samples)
    log_w = log_weights(vae.evidence(x, posterior, draw))
    gaps = [
        (
            model.log_likelihood(x)
            - to_numpy(log_mean_weight(log_w, num_samples // k))
        ).mean()
        for k in (1, 2, 10, 100, 4000)
    ]
    assert all(low > high for low, high in zip(gaps, gaps[1:], strict=False))
    assert gaps[0] > 0.2
    assert abs(gaps[-1]) < 0.01


def principal_angles(first, second):
    """Angles between the column spaces of two matrices, in radians."""
    bases = [np.linalg.qr(matrix)[0] for matrix in (first, second)]
    cosines = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    return np.arccos(np.clip(cosines, -1.0, 1.0))


@pytest.mark.slow
def test_a_fitted_vae_reaches_the_maximum(exact, to_numpy):
    x, model, maximum, scale = exact
    steps = 1000
    rate = keras.optimizers.schedules.CosineDecay(0.05, steps)
    objective = MIWAE(num_groups=4, group_size=1, gradient="stl")
    vae = make_linear_vae(x.shape[1], 2, objective, scale=scale)
    # A short memory of gradients: the first ones are huge.
    vae.compile(optimizer=keras.optimizers.Adam(rate, beta_2=0.95))
    data = np.tile(x, (10, 1))
    history = vae.fit(
        data, epochs=steps // 10, batch_size=len(x), shuffle=False, verbose=0
    )
    found = get_linear(vae)
    # Of the model, exactly; of the bound that was trained, as it is logged.
    assert maximum - found.log_likelihood(x).mean() < 1e-3
    assert maximum - history.history["elbo"][-1] < 1e-3
    elbo = to_numpy(vae.compute_elbo(x, num_samples=10, seed=0).elbo)
    assert maximum - elbo.astype("float64").mean() < 1e-3
    assert principal_angles(found.weights, model.weights).max() < 0.01


def test_principal_angles_are_measured():
    plane = np.eye(3)[:, :2]
    turned = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert principal_angles(plane, plane[:, ::-1]).max() < 1e-7
    assert principal_angles(plane, turned).max() == pytest.approx(np.pi / 4)


def test_more_samples_tighten_the_logged_bound(exact):
    x, _, maximum, scale = exact
    logs = []
    for num_samples in (1, 50):
        vae = make_linear_vae(x.shape[1], 2, IWAE(num_samples), scale=scale)
        vae.compile(jit_compile=JIT)
        logs.append(vae.evaluate(x, verbose=0, return_dict=True))
    for one in logs:
        assert one["loss"] == pytest.approx(-one["iw_elbo"], rel=1e-6)
    assert logs[0]["iw_elbo"] == pytest.approx(logs[0]["elbo"], rel=1e-6)
    assert logs[0]["iw_elbo"] < logs[1]["iw_elbo"] < maximum
