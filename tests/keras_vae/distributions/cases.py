"""One row a distribution: what the shared tests compare it with.

A later distribution adds a row here and is held to everything that
`test_distributions.py` asks.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import scipy.stats

from keras_vae import distributions


class Case(NamedTuple):
    """A distribution and an independent account of it, elementwise."""

    make: Callable[..., Any]  # (*parameters, event_ndim) -> Distribution
    parameters: Callable[[np.random.Generator, tuple], list]
    values: Callable[..., np.ndarray]  # (generator, *parameters), tails too
    log_prob: Callable[..., np.ndarray]  # (x, *parameters), in float64
    frozen: Callable[..., Any]  # (*parameters) -> a scipy.stats distribution
    discrete: bool = False


def float32(*arrays):
    """What a distribution is given, and its reference in float64 too."""
    return [np.asarray(array, "float32") for array in arrays]


CASES = {
    "normal": Case(
        make=distributions.Normal,
        parameters=lambda rng, shape: float32(
            rng.normal(0, 10, shape), np.exp(rng.uniform(-7, 7, shape))
        ),
        # From the middle to where the density is exp(-20,000).
        values=lambda rng, loc, scale: float32(
            loc
            + scale * rng.normal(0, 1, loc.shape)
            + scale * rng.choice([0, 1, -30, 200], loc.shape)
        )[0],
        log_prob=lambda x, loc, scale: scipy.stats.norm(loc, scale).logpdf(x),
        frozen=lambda loc, scale: scipy.stats.norm(loc, scale),
    ),
    "bernoulli": Case(
        make=distributions.Bernoulli,
        parameters=lambda rng, shape: float32(
            rng.normal(0, 2, shape) * rng.choice([1, 40], shape)
        ),
        values=lambda rng, logits: float32(rng.integers(0, 2, logits.shape))[0],
        # Beyond |logits| = 36 a probability in float64 is 0 or 1.
        log_prob=lambda x, logits: scipy.special.log_expit(
            np.where(x == 1, logits, -logits.astype("float64"))
        ),
        frozen=lambda logits: scipy.stats.bernoulli(
            scipy.special.expit(logits.astype("float64"))
        ),
        discrete=True,
    ),
}


def mild(name, shape, seed=0):
    """Parameters near the middle, where scipy's own accounts are exact."""
    rng = np.random.default_rng(seed)
    if name == "normal":
        return float32(rng.normal(size=shape), rng.uniform(0.5, 2, shape))
    return float32(rng.normal(0, 1.5, shape))
