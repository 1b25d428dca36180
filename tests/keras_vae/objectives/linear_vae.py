"""Linear VAEs, whose answers are known exactly, and their gradients."""

import math
from typing import NamedTuple

import keras
import numpy as np
from scipy import stats

import keras_vae
from keras_vae import likelihoods, objectives, posteriors
from keras_vae.distributions.bounds import LOG_SCALE_LIMIT

# TensorFlow's XLA takes seconds to compile what takes milliseconds to run.
JIT = keras.backend.backend() == "jax"


class Linear(NamedTuple):
    """The model x = weights z + loc + scale * noise, in float64."""

    weights: np.ndarray  # (event_dim, latent_dim)
    loc: np.ndarray  # (event_dim,)
    scale: np.ndarray  # (event_dim,)

    def log_likelihood(self, x):
        """Exact log p(x), `(batch,)` nats."""
        covariance = self.weights @ self.weights.T + np.diag(self.scale**2)
        return stats.multivariate_normal(self.loc, covariance).logpdf(x)

    def precision(self):
        """W' Psi^-1 W: the precision of p(z|x) less that of the prior."""
        return (self.weights / self.scale[:, None] ** 2).T @ self.weights

    def rotated(self):
        """The same model, with latents that are independent given x."""
        _, rotation = np.linalg.eigh(self.precision())
        return self._replace(weights=self.weights @ rotation)


def probabilistic_pca(x, latent_dim):
    """The maximum-likelihood model with one noise scale, and its mean log p(x).

    Source: Tipping & Bishop, 1999, equations 7 and 8.
    """
    event_dim = x.shape[1]
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    noise = values[latent_dim:].mean()
    weights = vectors[:, :latent_dim] * np.sqrt(values[:latent_dim] - noise)
    model = Linear(weights, x.mean(0), np.full(event_dim, math.sqrt(noise)))
    log_determinant = np.log(values[:latent_dim]).sum()
    log_determinant += (event_dim - latent_dim) * math.log(noise)
    constant = event_dim * (1.0 + math.log(2.0 * math.pi))
    return model, -0.5 * (log_determinant + constant)


def make_data(num_examples, event_dim=5, latent_dim=2, noises=0.5, seed=0):
    """Draws from a linear model; `noises` is a scale or one for each output."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(event_dim, latent_dim)) * np.linspace(
        1.5, 0.8, latent_dim
    )
    z = rng.normal(size=(num_examples, latent_dim))
    noise = np.asarray(noises) * rng.normal(size=(num_examples, event_dim))
    return (z @ weights.T + 0.3 * rng.normal(size=event_dim) + noise).astype(
        "float32"
    )


def make_linear_vae(event_dim, latent_dim, objective, scale="shared", seed=0):
    """A VAE whose networks are one Dense each: those of its heads."""
    keras.utils.set_random_seed(seed)
    return keras_vae.VAE(
        _identity(event_dim, "encoder"),
        _identity(latent_dim, "decoder"),
        posterior=posteriors.DiagonalNormal(latent_dim),
        likelihood=likelihoods.Normal(scale=scale),
        objective=objective,
        seed=seed,
    )


def _identity(dim, name):
    inputs = keras.Input((dim,))
    return keras.Model(inputs, keras.layers.Identity()(inputs), name=name)


def set_linear(vae, model):
    """Gives a VAE a linear model's weights, and the model's own p(z|x)."""
    model = model.rotated()
    covariance = np.linalg.inv(np.eye(vae.latent_dim) + model.precision())
    to_mean = covariance @ (model.weights / model.scale[:, None] ** 2).T
    raw_scale = _raw(np.sqrt(np.diag(covariance)))
    encoder, decoder = vae.posterior.head.dense, vae.likelihood.head.dense
    encoder.kernel.assign(np.hstack([to_mean.T, np.zeros_like(to_mean.T)]))
    encoder.bias.assign(np.concatenate([-to_mean @ model.loc, raw_scale]))
    decoder.kernel.assign(model.weights.T)
    decoder.bias.assign(model.loc)
    raw_scale = vae.likelihood.raw_scale
    shared = len(raw_scale.shape) == 0
    raw_scale.assign(_raw(model.scale[0] if shared else model.scale))
    return vae


def displace_posterior(vae, shift=0.7, log_factor=0.2):
    """Shifts q(z|x) by a part of its scale, and makes it wider."""
    (event_dim,), latent_dim = vae.event_shape, vae.latent_dim
    q = vae.encode(np.zeros((1, event_dim), "float32"))
    shifts = shift * keras.ops.convert_to_numpy(q.scale)[0]
    wider = np.full(latent_dim, log_factor)
    vae.posterior.head.dense.bias.assign_add(np.concatenate([shifts, wider]))
    return vae


def get_linear(vae):
    """The linear model that a VAE's decoder is."""
    dense = vae.likelihood.head.dense
    scale = vae.decode(np.zeros((1, vae.latent_dim), "float32")).scale
    kernel, loc, scale = (
        np.asarray(value, "float64")
        for value in (*dense.get_weights(), keras.ops.convert_to_numpy(scale))
    )
    return Linear(kernel.T, loc, np.broadcast_to(scale, loc.shape))


def _raw(scale):
    """The inverse of `positive_scale`."""
    limit = 2.0 / math.pi * LOG_SCALE_LIMIT
    return limit * np.tan(np.log(scale) / limit)


class Recorder(keras.optimizers.Optimizer):
    """Keeps the gradients, and leaves the weights as they are."""

    def __init__(self, **kwargs):
        super().__init__(learning_rate=0.0, **kwargs)

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.gradients = self.add_optimizer_variables(variables, "gradient")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        self.assign(self.gradients[index], gradient)


def name_of(value):
    """An objective's class and options, to name a test by."""
    if not isinstance(value, objectives.Objective):
        return None
    options = [v for v in value.get_config().values() if type(v) is not dict]
    return "-".join([type(value).__name__, *map(str, options)])


def gradients_of(vae, x, **options):
    """The loss's gradients in one step of training, by part.

    Returns:
        `{"encoder": ..., "decoder": ...}`, each one vector.
    """
    vae.train_on_batch(x, **options)
    parts = {
        "encoder": [*vae.encoder.variables, *vae.posterior.variables],
        "decoder": [*vae.decoder.variables, *vae.likelihood.variables],
    }
    return {
        part: np.concatenate([gradient_at(vae, one).ravel() for one in own])
        for part, own in parts.items()
    }


def gradient_at(vae, variable):
    """The gradient by one variable in the last step of training."""
    index = [one is variable for one in vae.trainable_variables].index(True)
    return keras.ops.convert_to_numpy(vae.optimizer.gradients[index])


def record(vae, compiled=False, **options):
    """Prepares a VAE for `gradients_of`.

    It runs eagerly unless told otherwise: compilation takes seconds, a step
    milliseconds.
    """
    vae.compile(optimizer=Recorder(**options), run_eagerly=not compiled)
    return vae


def fix_noise(vae, noise):
    """Gives a VAE the same noise in every step, `(num_samples, 1, dim)`."""
    noise = keras.ops.convert_to_tensor(np.asarray(noise, "float32"))

    def sample_with_log_prob(distribution, num_samples=None):
        shape = (num_samples, *distribution.batch_shape, noise.shape[-1])
        normals = keras.ops.broadcast_to(noise, shape)
        return distribution.from_noise_with_log_prob(normals)

    vae.sampling.sample_with_log_prob = sample_with_log_prob
    vae.sampling.sample = lambda *args: sample_with_log_prob(*args)[0]
    return vae


def sigma_points(dim):
    """Noise over which the mean of a cubic polynomial is exact.

    Source: the spherical-radial cubature rule of degree 3.
    """
    points = math.sqrt(dim) * np.concatenate([np.eye(dim), -np.eye(dim)])
    return points[:, None, :]
