"""Draws of standard random variables that `keras.random` has not."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions import noise
from keras_vae.distributions.special import log_poisson
from keras_vae.types import Shape, Tensor

# Uniforms stay this far from 0 and 1, so that their logarithms are finite.
_TINY = 2.0**-24
# Rates below it are drawn by inversion, others by rejection.
_SMALL_RATE = 10.0
_INVERSION_STEPS = 45  # P(X > 45) is below 1e-15 at a rate of 10.
_PROPOSALS = 16  # Each is accepted with a probability of at least 0.75.


def split_seed(seed: Any, count: int) -> list[Any]:
    """Returns a seed for each of several draws.

    Args:
        seed: Integer, from which others are made; or a
            `keras.random.SeedGenerator` or `None`, which move on by
            themselves.
        count: Integer, number of draws.
    """
    if not isinstance(seed, int):
        return [seed] * count
    sequence = np.random.SeedSequence(seed % 2**64)
    return [int(word) for word in sequence.generate_state(count)]


def uniforms(shape: Shape, seed: Any = None) -> Tensor:
    """Draws float32 uniforms strictly between 0 and 1."""
    draws = noise.uniforms(shape, seed)
    return ops.clip(draws, _TINY, 1.0 - _TINY)


def log_gammas(shape: Shape, concentration: Tensor, seed: Any = None) -> Tensor:
    """Draws logarithms of gamma variables of rate 1.

    A gamma variable of a small concentration would underflow; its logarithm
    does not.
    Source: Marsaglia & Tsang, 2000, section 6.

    Args:
        shape: Shape of the draws.
        concentration: Positive tensor that broadcasts to `shape`.
        seed: Integer, `keras.random.SeedGenerator` or `None`.
    """
    first, second = split_seed(seed, 2)
    concentration = ops.broadcast_to(concentration, shape)
    small = concentration < 1.0
    raised = ops.where(small, concentration + 1.0, concentration)
    draws = keras.random.gamma(shape, raised, dtype="float32", seed=first)
    # G(c) = G(c + 1) U^(1 / c)
    boost = ops.log(uniforms(shape, second)) / concentration
    draws = ops.log(ops.maximum(draws, 1e-30))
    return draws + ops.where(small, boost, 0.0)


def poissons(shape: Shape, rate: Tensor, seed: Any = None) -> Tensor:
    """Draws Poisson variables as float32 whole numbers.

    Args:
        shape: Shape of the draws.
        rate: Positive tensor that broadcasts to `shape`, up to 1e7.
        seed: Integer, `keras.random.SeedGenerator` or `None`.
    """
    first, second = split_seed(seed, 2)
    rate = ops.broadcast_to(rate, shape)
    small = rate < _SMALL_RATE
    few = _by_inversion(ops.minimum(rate, _SMALL_RATE), uniforms(shape, first))
    many = _by_rejection(ops.maximum(rate, _SMALL_RATE), shape, second)
    return ops.where(small, few, many)


def _by_inversion(rate: Tensor, u: Tensor) -> Tensor:
    first = ops.exp(-rate)

    def count_on(k: Tensor, state: tuple) -> tuple:
        count, mass, cumulative = state
        count = count + ops.cast(u > cumulative, "float32")
        mass = mass * rate / ops.cast(k + 1, "float32")
        return count, mass, cumulative + mass

    start = (ops.zeros_like(rate), first, first)
    return ops.fori_loop(0, _INVERSION_STEPS, count_on, start)[0]


def _by_rejection(rate: Tensor, shape: Shape, seed: Any) -> Tensor:
    """Transformed rejection with a fixed number of proposals.

    Source: Hoermann, 1993, "The transformed rejection method for generating
    Poisson random variables", algorithm PTRS.
    """
    first, second = split_seed(seed, 2)
    us = uniforms((_PROPOSALS, *shape), first) - 0.5
    vs = uniforms((_PROPOSALS, *shape), second)
    b = 0.931 + 2.53 * ops.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)

    def propose(n: Tensor, state: tuple) -> tuple:
        draw, waiting = state
        u, v = ops.take(us, n, axis=0), ops.take(vs, n, axis=0)
        r = 0.5 - ops.abs(u)
        k = ops.floor((2.0 * a / r + b) * u + rate + 0.43)
        density = a / ops.square(r) + b
        bound = ops.log(v * inverse_alpha / density)
        fits = bound <= log_poisson(ops.maximum(k, 0.0), rate)
        fits = ops.logical_and(ops.logical_and(k >= 0.0, fits), waiting)
        still = ops.logical_and(waiting, ops.logical_not(fits))
        return ops.where(fits, k, draw), still

    start = (ops.floor(rate), ops.ones_like(rate) > 0.0)
    return ops.fori_loop(0, _PROPOSALS, propose, start)[0]
