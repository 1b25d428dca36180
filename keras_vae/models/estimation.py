"""Estimates from samples of the posterior: noise, and log p(x)."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions import Distribution
from keras_vae.distributions.distribution import check_same_measure
from keras_vae.layers import Sampling
from keras_vae.objectives.importance import log_sum_weights
from keras_vae.random import threefry
from keras_vae.types import Tensor

# Latents decoded at a time: a convolutional decoder of 28x28 images holds
# 100 MB for each 32 channels of that size. Fewer, where the parameters of
# p(x|z) are more than these.
_CHUNK = 1024
_CHUNK_PARAMETERS = 2**23
_CHUNKS_DRAWN = 8  # Drawing few at a time from the seeded stream is slow.

Draw = tuple[Tensor, Tensor | None]  # z and log q(z|x), where asked for
Noise = tuple[np.ndarray, np.ndarray | None]


def draw(
    sampling: Sampling,
    posterior: Distribution,
    num_samples: int,
    seed: int | None = None,
    with_log_prob: bool = False,
) -> Draw:
    """Draws latents from q(z|x).

    Args:
        sampling: The layer that draws where `seed` is `None`.
        posterior: q(z|x), batch shape `(batch,)`.
        num_samples: Integer, latents drawn per example.
        seed: Integer for the seeded stream, or `None`.
        with_log_prob: Boolean, whether to return log q(z|x) too.

    Returns:
        Pair of z, `(num_samples, batch, latent_dim)`, and log q(z|x),
        `(num_samples, batch)` nats or `None`.
    """
    if seed is not None:
        everything = slice(0, num_samples)
        noise = stream_noise(posterior, 0, num_samples, everything, seed)
        return from_noise(posterior, noise, with_log_prob)
    if with_log_prob:
        return sampling.sample_with_log_prob(posterior, num_samples)
    return sampling.sample(posterior, num_samples), None


def stream_noise(
    posterior: Distribution,
    first: int,
    num_samples: int,
    part: slice,
    seed: int,
) -> Noise:
    """Takes a part of the noise of a batch from the seeded stream.

    Sample s of example n is sample `n * num_samples + s` of the stream.

    Args:
        posterior: q(z|x), batch shape `(batch,)`.
        first: Integer, the number of the batch's first example.
        num_samples: Integer, samples of each example in all.
        part: Which of them to return.
        seed: Integer.

    Returns:
        `(normals, uniforms)`, each `(part, batch, ...)`; `uniforms` is
        `None` where the posterior takes none.
    """
    batch = int(posterior.batch_shape[0])
    starts = [(first + n) * num_samples + part.start for n in range(batch)]
    count = part.stop - part.start
    normals = [
        threefry.normals(count, posterior.num_normals, seed, start=start)
        for start in starts
    ]
    if not posterior.num_uniforms:
        return np.stack(normals, axis=1), None
    bits = [
        threefry.uniform_bits(count, posterior.num_uniforms, seed, start=start)
        for start in starts
    ]
    uniforms = threefry.uniform_floats(np.stack(bits, axis=1))
    return np.stack(normals, axis=1), uniforms


def from_noise(
    posterior: Distribution, noise: Any, with_log_prob: bool
) -> Draw:
    """Maps normals and uniforms, or `None`, to z and, if asked, log q(z|x)."""
    tensors = [None if n is None else ops.convert_to_tensor(n) for n in noise]
    if with_log_prob:
        return posterior.from_noise_with_log_prob(*tensors)
    return posterior.from_noise(*tensors), None


def marginal_log_likelihood(
    vae: Any,
    x: Tensor,
    condition: Tensor,
    num_samples: int,
    seed: int | None,
    batch_size: int,
) -> np.ndarray:
    """Importance-weighted log p(x); see `VAE.marginal_log_likelihood`."""
    log_sum = vae.repeated(functools.partial(_log_sum, vae))
    results = []
    for start in range(0, int(x.shape[0]), batch_size):
        part = slice(start, start + batch_size)
        given = () if condition is None else (condition[part],)
        results.append(
            _batch(vae, log_sum, x[part], given, num_samples, seed, start)
        )
    return np.concatenate([np.zeros(0), *results])


def _log_sum(
    vae: Any, x: Tensor, z: Tensor, log_q: Tensor, condition: Tensor = None
) -> Tensor:
    """Log of the summed weights of some samples, `(batch,)` nats."""
    return log_sum_weights(vae.evidence(x, None, (z, log_q), False, condition))


def _batch(
    vae: Any,
    log_sum: Callable[..., Tensor],
    x: Tensor,
    condition: tuple[Tensor, ...],
    num_samples: int,
    seed: int | None,
    start: int,
) -> np.ndarray:
    posterior = vae.encode(x, *condition)
    check_same_measure(posterior, vae.prior.distribution())
    latents = min(_CHUNK, _CHUNK_PARAMETERS // vae.likelihood_size())
    chunk = max(1, latents // int(x.shape[0]))
    sums = []
    for first in range(0, num_samples, _CHUNKS_DRAWN * chunk):
        last = min(first + _CHUNKS_DRAWN * chunk, num_samples)
        z, log_q = _draw_part(
            vae, posterior, start, num_samples, slice(first, last), seed
        )
        for begin in range(0, last - first, chunk):
            part = slice(begin, begin + chunk)
            found = log_sum(x, z[part], log_q[part], *condition)
            sums.append(_to_float64(found))
    # log 1/K sum_k w_k
    return np.logaddexp.reduce(sums, axis=0) - math.log(num_samples)


def _draw_part(
    vae: Any,
    posterior: Distribution,
    start: int,
    num_samples: int,
    part: slice,
    seed: int | None,
) -> tuple[Tensor, Tensor]:
    """Draws a part of the samples of a batch; example `start` is its first."""
    if seed is None:
        count = part.stop - part.start
        return draw(vae.sampling, posterior, count, with_log_prob=True)
    noise = stream_noise(posterior, start, num_samples, part, seed)
    return from_noise(posterior, noise, with_log_prob=True)


def _to_float64(tensor: Tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), dtype="float64")
