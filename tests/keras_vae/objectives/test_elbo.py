"""The ELBO: its terms, its loss, its arguments."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import objectives
from keras_vae.distributions import kl_divergence
from keras_vae.objectives import ELBO, schedules
from tests.linear import exact_noise, make_vae, probabilistic_pca


@pytest.fixture(scope="module")
def linear():
    return probabilistic_pca()


def evidence_of(vae, x, normals):
    """The evidence of a batch with `normals`, (num_samples, latent_dim)."""
    posterior = vae.encode(x)
    shape = (len(normals), len(x), normals.shape[1])
    noise = np.ascontiguousarray(np.broadcast_to(normals[:, None], shape))
    draw = posterior.from_noise_with_log_prob(ops.convert_to_tensor(noise))
    return vae.evidence(x, posterior, draw, training=False)


def test_the_reference_is_right(linear):
    """The optimum's ELBO is log p(x): facts that need no VAE."""
    log_likelihood, kl = linear.terms()
    np.testing.assert_allclose(log_likelihood - kl, linear.log_marginal())


def test_the_elbo_of_a_linear_vae_is_exact(linear):
    vae = make_vae(linear)
    terms = vae.objective.terms(evidence_of(vae, linear.x, exact_noise(2)))
    log_likelihood, kl = linear.terms()
    for received, expected in (
        (terms.log_likelihood, log_likelihood),
        (terms.kl, kl),
        (terms.elbo, linear.log_marginal()),
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(received), expected, 1e-5, 1e-5
        )


def test_with_an_exact_posterior_any_sample_gives_log_p(linear):
    vae = make_vae(linear, objective=ELBO(kl="monte_carlo", num_samples=3))
    terms = vae.compute_elbo(linear.x, seed=1)
    np.testing.assert_allclose(
        ops.convert_to_numpy(terms.elbo), linear.log_marginal(), 1e-5, 1e-5
    )


def test_away_from_the_optimum_the_elbo_is_lower(linear):
    worse = linear._replace(encoder=0.5 * linear.encoder)
    vae = make_vae(worse)
    terms = vae.objective.terms(evidence_of(vae, worse.x, exact_noise(2)))
    log_likelihood, kl = worse.terms()
    elbo = ops.convert_to_numpy(terms.elbo)
    np.testing.assert_allclose(elbo, log_likelihood - kl, 1e-5, 1e-5)
    assert (elbo < worse.log_marginal()).all()


def test_monte_carlo_and_analytic_kl_agree_in_mean(make_vae, images):
    vae = make_vae(seed=3)
    normals = np.random.default_rng(0).normal(size=(500, 2)).astype("float32")
    evidence = evidence_of(vae, images, normals)
    exact, estimated = (
        ops.convert_to_numpy(ELBO(kl=kl).terms(evidence).kl)
        for kl in ("analytic", "monte_carlo")
    )
    draws = ops.convert_to_numpy(evidence.log_posterior - evidence.log_prior)
    error = draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
    assert (error > 1e-3).all()
    np.testing.assert_array_less(np.abs(estimated - exact), 5 * error)


@pytest.mark.parametrize("kl", ["analytic", "monte_carlo"])
def test_more_samples_average(make_vae, images, kl):
    """Samples 0 to 3 of one example's stream, singly and together."""
    vae = make_vae(objective=ELBO(kl=kl))
    normals = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    singly = [
        vae.objective.terms(evidence_of(vae, images, normals[s : s + 1]))
        for s in range(4)
    ]
    together = vae.objective.terms(evidence_of(vae, images, normals))
    for name in together._fields:
        mean = np.mean(
            [ops.convert_to_numpy(getattr(one, name)) for one in singly], axis=0
        )
        np.testing.assert_allclose(
            ops.convert_to_numpy(getattr(together, name)), mean, 1e-5, 1e-5
        )


@pytest.mark.parametrize("num_samples", [1, 3])
@pytest.mark.parametrize("kl_weight", [0.0, 0.25, 4.0])
def test_the_kl_weight_is_in_the_loss_alone(
    make_vae, freeze_noise, images, kl_weight, num_samples
):
    objective = ELBO(kl_weight=kl_weight, num_samples=num_samples)
    vae = freeze_noise(make_vae(objective=objective))
    vae.compile("sgd", run_eagerly=True)
    logs = vae.test_on_batch(images, return_dict=True)
    q = vae.encode(images)
    z = q.mean() + 0.5 * q.scale
    log_likelihood = float(ops.mean(vae.decode(z).log_prob(images)))
    kl = float(ops.mean(kl_divergence(q, vae.prior.distribution())))
    assert kl > 0.01
    expected = {
        "loss": kl_weight * kl - log_likelihood,
        "elbo": log_likelihood - kl,
        "log_likelihood": log_likelihood,
        "kl": kl,
    }
    assert {k: float(v) for k, v in logs.items()} == pytest.approx(
        expected, rel=1e-5
    )


@pytest.mark.parametrize(
    "objective",
    [
        ELBO(),
        ELBO(kl_weight=0.5, num_samples=3, kl="monte_carlo"),
        ELBO(kl_weight=schedules.Linear(num_steps=7, start=0.1, end=2.0)),
    ],
    ids=["default", "options", "schedule"],
)
def test_config_round_trip(objective):
    serialized = keras.saving.serialize_keras_object(objective)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == objective.get_config()
    step = ops.convert_to_tensor(3)
    assert float(other.kl_weight(step)) == float(objective.kl_weight(step))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"kl_weight": "a"},
            TypeError,
            "`kl_weight` must be a number or a schedule. Received: "
            "kl_weight='a' of type str. Pass e.g. `kl_weight=1.0`",
        ),
        ({"kl_weight": True}, TypeError, "`kl_weight` must be a number"),
        (
            {"kl_weight": -1.0},
            ValueError,
            "`kl_weight` must be finite and at least 0. Received: "
            "kl_weight=-1.0",
        ),
        ({"kl_weight": np.nan}, ValueError, "Received: kl_weight=nan"),
        ({"kl_weight": np.inf}, ValueError, "Received: kl_weight=inf"),
        (
            {"num_samples": 0},
            ValueError,
            "`num_samples` must be a positive integer. Received: "
            "num_samples=0 .*`ELBO\\(num_samples=1\\)`",
        ),
        ({"num_samples": 1.5}, TypeError, "Received: num_samples=1.5"),
        (
            {"kl": "exact"},
            ValueError,
            "`kl` must be one of \\['analytic', 'monte_carlo'\\]. Received: "
            "kl='exact'",
        ),
    ],
)
def test_arguments_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        ELBO(**options)


def test_any_number_is_a_weight():
    for value in (1, np.float32(1), np.float64(1), np.int64(1)):
        assert type(ELBO(kl_weight=value).kl_weight.value) is float


def test_the_registry_knows_it():
    made = objectives.registry.get("elbo", objectives.Objective)
    assert isinstance(made, ELBO)
