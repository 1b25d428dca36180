"""The score-function estimators: for a q that is not reparameterised."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_digits

import keras_vae
from keras_vae import networks
from keras_vae.distributions import Normal
from keras_vae.objectives import ELBO, VIMCO, ScoreFunction
from keras_vae.posteriors import DiagonalNormal
from tests.keras_vae.objectives.linear_vae import gradients_of, record


class Unreparameterized(Normal):
    """A normal distribution that can be drawn from, but only drawn from."""

    num_normals = 0

    def from_noise(self, normals, uniforms=None):
        raise NotImplementedError("It is not a function of noise.")

    def sample(self, num_samples=None, seed=None):
        normal = Normal(self.loc, self.scale)
        return ops.stop_gradient(normal.sample(num_samples, seed))


class UnreparameterizedNormal(DiagonalNormal):
    def distribution(self, parameters):
        return Unreparameterized(parameters["loc"], parameters["scale"])


@pytest.mark.parametrize(
    "objective",
    [ScoreFunction(num_samples=8, kl="monte_carlo"), VIMCO(num_samples=8)],
    ids=["score function", "VIMCO"],
)
def test_a_posterior_without_reparameterisation_is_trained(
    make_vae, vectors, objective
):
    vae = make_vae(
        event_shape=(6,),
        posterior=UnreparameterizedNormal(2),
        objective=objective,
    )
    vae.compile(keras.optimizers.Adam(0.02))
    before = vae.posterior.head.dense.kernel.numpy()
    history = vae.fit(vectors, epochs=20, batch_size=24, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0] + 1.0
    assert np.abs(vae.posterior.head.dense.kernel.numpy() - before).max() > 0.02


def test_no_gradient_passes_through_z(make_vae, vectors):
    """A score of 0 leaves the encoder with the KL's gradient alone."""
    objective = ScoreFunction(num_samples=2, kl_weight=0.0)
    vae = record(make_vae(event_shape=(6,), objective=objective))
    dense = vae.likelihood.head.dense
    dense.kernel.assign(np.zeros(dense.kernel.shape))
    # Every z explains x equally well: the baseline takes all away.
    gradients = gradients_of(vae, vectors)
    assert np.abs(gradients["encoder"]).max() < 1e-5
    assert np.abs(gradients["decoder"]).max() > 1e-2


@pytest.mark.parametrize("kl", ["analytic", "monte_carlo"])
def test_its_value_is_the_elbos(make_vae, vectors, kl):
    logs = []
    for objective in (
        ELBO(kl_weight=0.5, num_samples=3, kl=kl),
        ScoreFunction(kl_weight=0.5, num_samples=3, kl=kl),
    ):
        vae = make_vae(event_shape=(6,), objective=objective)
        vae.compile(run_eagerly=True)
        logs.append(vae.evaluate(vectors, verbose=0, return_dict=True))
    assert logs[1] == pytest.approx(logs[0], rel=1e-5)


def digits():
    """Images of digits, black and white, `(1797, 8, 8, 1)`."""
    images = load_digits().images[..., None]
    return (images > 8.0).astype("float32")


def noise_of(objective, x, num_draws):
    """Variance of the encoder's gradient over draws, summed over weights."""
    vae = keras_vae.VAE(
        networks.mlp_encoder((8, 8, 1), hidden_dims=(64,), seed=0),
        networks.mlp_decoder(8, hidden_dims=(64,), seed=1),
        objective=objective,
        seed=0,
    )
    record(vae)
    draws = [gradients_of(vae, x)["encoder"] for _ in range(num_draws)]
    return np.var(draws, axis=0, ddof=1).sum()


def test_at_the_start_it_is_a_hundred_times_as_noisy():
    x = digits()[:32]
    noise = noise_of(ELBO(), x, 20)
    without = ScoreFunction(num_samples=1, baseline="none")
    assert noise_of(without, x, 20) > 100 * noise


@pytest.mark.parametrize(
    "objective",
    [
        ScoreFunction(0.5, 3, "leave_one_out", "monte_carlo"),
        ScoreFunction(num_samples=1, baseline="none"),
    ],
)
def test_config_round_trip(objective):
    serialized = keras.saving.serialize_keras_object(objective)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == objective.get_config()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"num_samples": 1},
            "`num_samples` must be at least 2 for the leave-one-out "
            "baseline. Received: num_samples=1. Pass e.g. "
            r"`ScoreFunction\(num_samples=1, baseline=\"none\"\)`",
        ),
        (
            {"baseline": "mean"},
            r"`baseline` must be one of \['leave_one_out', 'none'\]. "
            "Received: baseline='mean'",
        ),
        ({"kl": "exact"}, "`kl` must be one of .* Received: kl='exact'"),
        ({"num_samples": 0}, "`num_samples` must be a positive integer"),
        ({"kl_weight": -1.0}, "`kl_weight` must be finite and at least 0"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ScoreFunction(**options)
