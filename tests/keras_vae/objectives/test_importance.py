"""Importance weights and the bounds made of them."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import logsumexp

from keras_vae import objectives
from keras_vae.distributions import Normal
from keras_vae.objectives import CIWAE, IWAE, MIWAE, PIWAE, VIMCO, Evidence
from keras_vae.objectives.gradients import tap, tapped
from keras_vae.objectives.importance import (
    log_mean_weight,
    log_sum_weights,
    log_weights,
    normalized_weights,
)
from keras_vae.objectives.vimco import leave_one_out_bounds

LOG_W = np.random.default_rng(0).normal(-80.0, 4.0, size=(6, 3))
IMPORTANCE = [IWAE(6), MIWAE(2, 3), PIWAE(2, 3), CIWAE(6, 0.3)]


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def toy_evidence(num_samples=6, x=3.0):
    """One latent, one output: p(z) = N(0, 1), p(x|z) = N(z, 1), q = N(1, 2)."""
    z = tensor(np.linspace(-2.0, 4.0, num_samples).reshape(-1, 1, 1))
    posterior = Normal(tensor([[1.0]]), tensor([[2.0]]))
    prior = Normal(tensor([0.0]), tensor([1.0]))
    log_q = posterior.log_prob(z)
    return Evidence(tensor([[x]]), z, log_q, posterior, prior, Normal(z, 1.0))


# --- Weights ----------------------------------------------------------------


def test_the_weights_are_right_way_round(to_numpy):
    """The sample that explains x best has the largest weight."""
    evidence = toy_evidence()
    log_w = log_weights(evidence)
    weights = to_numpy(normalized_weights(log_w))[:, 0]
    z = to_numpy(evidence.z)[:, 0, 0]
    # The posterior of z is N(1.5, 1/2); q is much wider.
    assert z[weights.argmax()] == z[np.abs(z - 1.5).argmin()]
    assert z[weights.argmin()] == z[np.abs(z - 1.5).argmax()]
    joint = -0.5 * (z**2 + (3.0 - z) ** 2) - np.log(2 * np.pi)
    log_q = -0.125 * (z - 1.0) ** 2 - 0.5 * np.log(8 * np.pi)
    np.testing.assert_allclose(
        to_numpy(log_w)[:, 0], joint - log_q, rtol=1e-5, atol=1e-5
    )


def test_the_weights_sum_to_one_in_each_group(to_numpy):
    weights = to_numpy(normalized_weights(tensor(LOG_W), 2))
    np.testing.assert_allclose(
        weights.reshape(2, 3, 3).sum(axis=1), 1.0, rtol=1e-5
    )
    expected = np.exp(LOG_W - logsumexp(LOG_W, axis=0))
    np.testing.assert_allclose(
        to_numpy(normalized_weights(tensor(LOG_W))), expected, rtol=1e-4
    )


@pytest.mark.parametrize("num_groups", [1, 2, 3, 6])
def test_the_bound_is_the_log_of_the_mean_weight(to_numpy, num_groups):
    groups = LOG_W.reshape(num_groups, -1, 3)
    expected = np.log(np.exp(groups).mean(axis=1)).mean(axis=0)
    received = to_numpy(log_mean_weight(tensor(LOG_W), num_groups))
    np.testing.assert_allclose(received, expected, rtol=1e-6)


def test_the_bound_takes_exactly_its_samples(to_numpy):
    """K samples are averaged: neither fewer, nor the sum, nor its negative."""
    log_w = np.full((5, 2), -3.0)
    np.testing.assert_allclose(to_numpy(log_mean_weight(tensor(log_w))), -3.0)
    log_w[4] = -3.0 + np.log(6.0)
    # (4 + 6) / 5 = 2
    np.testing.assert_allclose(
        to_numpy(log_mean_weight(tensor(log_w))), -3.0 + np.log(2.0), rtol=1e-6
    )


def test_far_apart_weights_stay_finite(to_numpy):
    log_w = tensor([[-9e4], [-1e3], [-1e3 - 200.0]])
    bound = to_numpy(log_mean_weight(log_w))
    np.testing.assert_allclose(bound, -1e3 - np.log(3.0), rtol=1e-6)
    np.testing.assert_array_equal(
        to_numpy(normalized_weights(log_w))[:, 0], [0.0, 1.0, 0.0]
    )


def test_log_sum_weights(to_numpy):
    evidence = toy_evidence()
    expected = logsumexp(to_numpy(log_weights(evidence)), axis=0)
    received = to_numpy(log_sum_weights(evidence))
    np.testing.assert_allclose(received, expected, rtol=1e-5)


def test_leave_one_out_bounds(to_numpy):
    received = to_numpy(leave_one_out_bounds(tensor(LOG_W)))
    for k in range(6):
        others = np.delete(LOG_W, k, axis=0)
        replaced = np.vstack([others, others.mean(axis=0, keepdims=True)])
        expected = logsumexp(replaced, axis=0) - np.log(6.0)
        np.testing.assert_allclose(received[k], expected, rtol=1e-5)


# --- Objectives -------------------------------------------------------------


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        (IWAE(6), lambda w: np.log(w.mean(0))),
        (PIWAE(2, 3), lambda w: np.log(w.mean(0))),
        (VIMCO(6), lambda w: np.log(w.mean(0))),
        (MIWAE(2, 3), lambda w: np.log(w.reshape(2, 3, 1).mean(1)).mean(0)),
        (
            CIWAE(6, 0.3),
            lambda w: 0.3 * np.log(w).mean(0) + 0.7 * np.log(w.mean(0)),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_loss_is_minus_the_bound(to_numpy, objective, expected):
    evidence = toy_evidence()
    z, taps = objective.prepare(evidence.z)
    np.testing.assert_array_equal(to_numpy(z), to_numpy(evidence.z))
    evidence = dataclasses.replace(evidence, z=z, taps=taps)
    terms = objective.terms(evidence)
    loss = to_numpy(objective.loss(evidence, terms, tensor(0)))
    weights = np.exp(to_numpy(log_weights(evidence)).astype("float64"))
    np.testing.assert_allclose(loss, -expected(weights), rtol=1e-5)
    (iw_elbo,) = objective.extras(evidence, terms)
    np.testing.assert_allclose(
        to_numpy(iw_elbo), np.log(weights.mean(0)), rtol=1e-5
    )
    elbo = np.log(weights).mean(0)
    np.testing.assert_allclose(to_numpy(terms.elbo), elbo, rtol=1e-5)
    assert (elbo < to_numpy(iw_elbo)).all()


def test_the_extra_term_is_logged_and_saved(make_vae, vectors, tmp_path):
    vae = make_vae(event_shape=(6,), objective=IWAE(3, "dreg"))
    vae.compile(run_eagerly=True)
    names = {"loss", "elbo", "log_likelihood", "kl", "iw_elbo"}
    history = vae.fit(
        vectors, batch_size=24, validation_data=vectors, verbose=0
    ).history
    assert set(history) == names | {f"val_{name}" for name in names}
    assert history["iw_elbo"][0] == pytest.approx(-history["loss"][0], 1e-6)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.objective.get_config() == vae.objective.get_config()
    assert set(loaded.evaluate(vectors, verbose=0, return_dict=True)) == names


def test_an_objective_without_extra_terms_logs_none(make_vae, vectors):
    vae = make_vae(event_shape=(6,))
    vae.compile(run_eagerly=True)
    logs = vae.evaluate(vectors, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "elbo", "log_likelihood", "kl"}


@pytest.mark.parametrize("name", sorted(objectives.registry.classes))
def test_every_objective_has_defaults_and_a_config(name):
    made = objectives.registry.get(name, objectives.Objective)
    assert type(made) is objectives.registry.classes[name]
    serialized = keras.saving.serialize_keras_object(made)
    other = keras.saving.deserialize_keras_object(serialized)
    assert type(other) is type(made)
    assert other.get_config() == made.get_config()
    assert other.num_samples == made.num_samples


def test_the_registered_names():
    assert set(objectives.registry.classes) >= {
        "elbo",
        "iwae",
        "miwae",
        "piwae",
        "ciwae",
        "score_function",
        "vimco",
    }


@pytest.mark.parametrize(
    "objective",
    [
        IWAE(7, "stl"),
        MIWAE(2, 5, "dreg"),
        PIWAE(3, 4, "stl"),
        CIWAE(9, 0.5, "dreg"),
        VIMCO(4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_config_round_trip(objective):
    config = objective.get_config()
    assert type(objective).from_config(config).get_config() == config


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: IWAE(gradient="fast"),
            ValueError,
            r"`gradient` must be one of \['reparameterized', 'stl', 'dreg'\]. "
            r"Received: gradient='fast'. Pass e.g. `IWAE\(gradient=\"dreg\"\)`",
        ),
        (
            lambda: IWAE(0),
            ValueError,
            r"`num_samples` must be a positive integer. Received: "
            r"num_samples=0 .*`IWAE\(num_samples=5\)`",
        ),
        (
            lambda: MIWAE(num_groups=0),
            ValueError,
            r"`num_groups` must be a positive integer.*`MIWAE\(num_groups=8",
        ),
        (
            lambda: PIWAE(group_size=2.5),
            TypeError,
            r"`group_size` must be a positive integer.*`PIWAE\(num_groups=8",
        ),
        (
            lambda: CIWAE(elbo_weight=1.5),
            ValueError,
            r"`elbo_weight` must lie between 0 and 1. Received: "
            r"elbo_weight=1.5. Pass e.g. `CIWAE\(elbo_weight=0.05\)`",
        ),
        (
            lambda: VIMCO(1),
            ValueError,
            r"`num_samples` must be at least 2. Received: num_samples=1. "
            r"Pass e.g. `VIMCO\(num_samples=5\)`",
        ),
    ],
)
def test_arguments_are_checked(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_model_that_forgets_to_prepare_is_told():
    with pytest.raises(
        ValueError,
        match=r"`Evidence.taps` must be what `objective.prepare\(z\)` "
        r"returned. Received: taps=None",
    ):
        IWAE(6, "dreg").loss(toy_evidence(), None, tensor(0))


def test_taps_add_nothing_to_the_loss(to_numpy):
    z = tensor(np.ones((4, 3, 2)))
    same, taps = tap(z)
    np.testing.assert_array_equal(to_numpy(same), to_numpy(z))
    added = tapped(taps, tensor(np.full((4, 3), 1e8)))
    np.testing.assert_array_equal(to_numpy(added), np.zeros(3))
