"""Estimates from samples of the posterior: noise, and log p(x)."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import Distribution
from keras_vae.objectives.importance import log_sum_weights
from keras_vae.random import threefry
from keras_vae.types import Tensor

# Latents decoded at a time: 5,000 samples of 28x28 images in 100 MB.
_CHUNK = 8192


def draw(
    vae: Any,
    posterior: Distribution,
    num_samples: int,
    seed: int | None,
) -> Tensor:
    """Draws latents from q(z|x).

    Args:
        vae: The VAE, whose sampling layer draws where `seed` is `None`.
        posterior: q(z|x), batch shape `(batch,)`.
        num_samples: Integer, latents drawn per example.
        seed: Integer for the seeded stream, or `None`.

    Returns:
        Tensor `(num_samples, batch, latent_dim)`.
    """
    if seed is None:
        return vae.sampling.sample(posterior, num_samples)
    batch = int(posterior.batch_shape[0])
    noise = _stream(posterior, 0, batch, num_samples, seed)
    return posterior.from_noise(ops.convert_to_tensor(noise))


def _stream(
    posterior: Distribution, start: int, batch: int, num_samples: int, seed: int
) -> np.ndarray:
    """Noise of examples `start` on, `(num_samples, batch, num_normals)`."""
    count = int(posterior.num_normals or 0)
    normals = threefry.normals(
        batch * num_samples, count, seed, start=start * num_samples
    )
    return normals.reshape(batch, num_samples, count).swapaxes(0, 1)


def marginal_log_likelihood(
    vae: Any, x: Tensor, num_samples: int, seed: int | None, batch_size: int
) -> np.ndarray:
    """Importance-weighted log p(x); see `VAE.marginal_log_likelihood`."""
    size = int(x.shape[0])
    results = [
        _batch(vae, x[start : start + batch_size], num_samples, seed, start)
        for start in range(0, size, batch_size)
    ]
    return np.concatenate([np.zeros(0, "float32"), *results])


def _batch(
    vae: Any, x: Tensor, num_samples: int, seed: int | None, start: int
) -> np.ndarray:
    posterior = vae.encode(x)
    batch = int(x.shape[0])
    chunk = max(1, _CHUNK // batch)
    noise = None
    if seed is not None:
        noise = _stream(posterior, start, batch, num_samples, seed)
    sums = []
    for first in range(0, num_samples, chunk):
        last = min(first + chunk, num_samples)
        if noise is None:
            z = vae.sampling.sample(posterior, last - first)
        else:
            z = posterior.from_noise(ops.convert_to_tensor(noise[first:last]))
        evidence = vae.evidence(x, posterior, z, training=False)
        sums.append(_to_float64(log_sum_weights(evidence)))
    # log 1/K sum_k w_k
    return np.logaddexp.reduce(sums, axis=0) - math.log(num_samples)


def _to_float64(tensor: Tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype="float64")
