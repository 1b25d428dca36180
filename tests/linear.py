"""The linear-Gaussian VAE, for which every quantity is known exactly.

At the maximum-likelihood solution of probabilistic PCA (Tipping & Bishop,
1999) its posterior is exact, so the ELBO of each example is its log p(x), and
so is every importance-weighted estimate, whatever the noise.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

import keras_vae
from keras_vae import likelihoods, objectives
from keras_vae.distributions.bounds import positive_scale


class Linear(NamedTuple):
    """A model x = W z + mean + noise with q(z|x) = N(V (x - mean), D)."""

    x: np.ndarray  # (num_examples, num_dims)
    mean: np.ndarray  # (num_dims,)
    weights: np.ndarray  # W: (num_dims, latent_dim)
    noise_variance: float
    encoder: np.ndarray  # V: (latent_dim, num_dims)
    posterior_variance: np.ndarray  # the diagonal of D: (latent_dim,)

    def log_marginal(self):
        """The exact log p(x) of each example, in nats."""
        num_dims = len(self.mean)
        covariance = self.weights @ self.weights.T
        covariance = covariance + self.noise_variance * np.eye(num_dims)
        centred = self.x - self.mean
        solved = np.linalg.solve(covariance, centred.T).T
        distance = (centred * solved).sum(axis=1)
        log_det = np.linalg.slogdet(covariance)[1]
        return -0.5 * (distance + log_det + num_dims * np.log(2 * np.pi))

    def terms(self):
        """The exact expected log-likelihood and KL of each example."""
        centred = self.x - self.mean
        loc, variance = centred @ self.encoder.T, self.posterior_variance
        kl = 0.5 * (variance - np.log(variance) - 1).sum()
        kl = kl + 0.5 * (loc**2).sum(axis=1)
        residual = centred - loc @ self.weights.T
        spread = (self.weights**2 * variance).sum()
        error = ((residual**2).sum(axis=1) + spread) / self.noise_variance
        constant = len(self.mean) * np.log(2 * np.pi * self.noise_variance)
        return -0.5 * (constant + error), kl


def probabilistic_pca(num_dims=6, latent_dim=2, num_examples=60, seed=0):
    """The closed-form optimum on data drawn near a plane."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(latent_dim, num_dims))
    x = rng.normal(size=(num_examples, latent_dim)) @ mixing
    x = (x + 0.5 * rng.normal(size=x.shape) + 1).astype("float32")
    mean = x.mean(axis=0, dtype="float64")
    values, vectors = np.linalg.eigh(np.cov(x.T.astype("float64"), bias=True))
    values, vectors = values[::-1], vectors[:, ::-1]
    noise = values[latent_dim:].mean()
    scales = np.sqrt(values[:latent_dim] - noise)
    weights = vectors[:, :latent_dim] * scales
    inner = weights.T @ weights + noise * np.eye(latent_dim)
    encoder = np.linalg.solve(inner, weights.T)
    variance = noise / np.diag(inner)
    return Linear(x, mean, weights, float(noise), encoder, variance)


def make_vae(linear, **options):
    """The VAE that is `linear`: Dense layers without activations."""
    num_dims, latent_dim = linear.weights.shape
    vae = keras_vae.VAE(
        keras.Sequential([keras.Input((num_dims,)), keras.layers.Identity()]),
        keras.Sequential([keras.Input((latent_dim,)), keras.layers.Identity()]),
        likelihood=likelihoods.Normal(scale=linear.noise_variance**0.5),
        objective=options.pop("objective", objectives.ELBO()),
        seed=0,
        **options,
    )
    raw = [raw_scale(v**0.5) for v in linear.posterior_variance]
    kernel = np.concatenate(
        [linear.encoder.T, np.zeros((num_dims, latent_dim))], axis=1
    )
    bias = np.concatenate([-linear.encoder @ linear.mean, raw])
    vae.posterior.head.dense.set_weights([kernel, bias])
    vae.likelihood.head.dense.set_weights([linear.weights.T, linear.mean])
    return vae


def raw_scale(scale):
    """What `positive_scale` maps to `scale`, found by bisection."""
    low, high = -20.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        value = float(positive_scale(ops.convert_to_tensor(np.float32(middle))))
        low, high = (middle, high) if value < scale else (low, middle)
    return middle


def exact_noise(latent_dim):
    """Points whose mean of any quadratic is that of a standard normal."""
    points = np.sqrt(latent_dim) * np.eye(latent_dim)
    return np.concatenate([points, -points]).astype("float32")
