"""For each registered part, a tiny VAE that holds it, and data for it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

import keras_vae
from keras_vae import likelihoods, objectives, posteriors, priors
from tests import likelihood_rows

LATENT_DIM = 3
IMAGES = (4, 4, 1)


class Part(NamedTuple):
    """A part of one kind, and the parts that it needs beside it."""

    kind: str
    name: str
    make: Callable[[], dict[str, Any]]  # the VAE's arguments
    event_shape: tuple = IMAGES

    def x(self, batch=48):
        """Data of the part's support, `(batch, *event_shape)`."""
        if self.kind == "likelihood":
            return likelihood_rows.x_of(
                likelihood_rows.ROWS[self.name], batch=batch
            )
        rng = np.random.default_rng(0)
        halves = np.zeros((2, *IMAGES))
        halves[0, :, :2], halves[1, :2] = 1, 1
        clean = halves[rng.integers(0, 2, batch)]
        flips = rng.random(clean.shape) < 0.05
        return np.abs(clean - flips).astype("float32")


def _monte_carlo(**arguments):
    return lambda: {
        **{name: make() for name, make in arguments.items()},
        "objective": objectives.ELBO(kl="monte_carlo"),
    }


def _analytic(**arguments):
    return lambda: {name: make() for name, make in arguments.items()}


def _posterior(name, **options):
    cls = posteriors.registry.classes[name]
    return lambda: cls(LATENT_DIM, **options)


_POSTERIORS = {
    "diagonal_normal": _analytic(posterior=_posterior("diagonal_normal")),
    "full_normal": _analytic(posterior=_posterior("full_normal")),
    "planar_flow": _monte_carlo(posterior=_posterior("planar_flow")),
    "radial_flow": _monte_carlo(posterior=_posterior("radial_flow")),
    "householder_flow": _analytic(posterior=_posterior("householder_flow")),
    "inverse_autoregressive_flow": _monte_carlo(
        posterior=_posterior("inverse_autoregressive_flow")
    ),
    "concrete": _monte_carlo(
        posterior=_posterior("concrete"), prior=priors.Categorical
    ),
    "binary_concrete": _monte_carlo(
        posterior=_posterior("binary_concrete"), prior=priors.Bernoulli
    ),
    "von_mises_fisher": _analytic(
        posterior=_posterior("von_mises_fisher"), prior=priors.UniformSphere
    ),
}
_PRIORS = {
    "standard_normal": _analytic(prior=priors.StandardNormal),
    "learned_normal": _analytic(prior=priors.LearnedNormal),
    "gaussian_mixture": _monte_carlo(prior=lambda: priors.GaussianMixture(3)),
    "vamp": _monte_carlo(prior=lambda: priors.VampPrior(4)),
    "real_nvp": _monte_carlo(prior=priors.RealNVP),
    "uniform_sphere": _POSTERIORS["von_mises_fisher"],
    "categorical": _POSTERIORS["concrete"],
    "bernoulli": _POSTERIORS["binary_concrete"],
}
_OBJECTIVES = {
    name: _analytic(objective=cls)
    for name, cls in objectives.registry.classes.items()
}

PARTS = [
    *(Part("posterior", name, make) for name, make in _POSTERIORS.items()),
    *(Part("prior", name, make) for name, make in _PRIORS.items()),
    *(Part("objective", name, make) for name, make in _OBJECTIVES.items()),
    *(
        Part(
            "likelihood",
            name,
            _analytic(likelihood=likelihood_rows.ROWS[name].make),
            likelihood_rows.ROWS[name].event_shape,
        )
        for name in likelihoods.registry.classes
    ),
]


def make_vae_with(part, **options):
    """Makes a tiny VAE that holds a part; the same weights each time."""
    keras.utils.set_random_seed(0)
    x = keras.Input(part.event_shape, name="x")
    features = keras.layers.Flatten()(x)
    features = keras.layers.Dense(8, activation="tanh")(features)
    z = keras.Input((LATENT_DIM,), name="z")
    decoded = keras.layers.Dense(8, activation="tanh")(z)
    return keras_vae.VAE(
        keras.Model(x, features, name="encoder"),
        keras.Model(z, decoded, name="decoder"),
        seed=0,
        **part.make(),
        **options,
    )
