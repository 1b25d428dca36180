"""One row a distribution of the likelihoods: an independent account of it.

`wide` draws parameters from the whole range in which `log_prob` is held to
1e-5 of scipy in float32, and `values` reaches into the tails; `mild` stays
where samples can be told apart.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.special
import scipy.stats

from keras_vae import distributions

NUM_LEVELS = 256
NUM_CATEGORIES = 5


class Case(NamedTuple):
    make: Callable  # (*parameters, event_ndim) -> Distribution
    wide: Callable  # (generator, shape) -> parameters
    values: Callable  # (generator, *parameters) -> x in the support
    mild: Callable  # (generator, shape) -> parameters
    frozen: Callable  # (*parameters) -> what scipy.stats has, or looks alike
    points: np.ndarray | None = None  # of a discrete one, as values of x
    has_entropy: bool = False


def spread(rng, low, high, shape):
    return np.exp(rng.uniform(np.log(low), np.log(high), shape))


def float32(*arrays):
    """What a distribution is given, and its reference in float64 too."""
    return [np.asarray(array, "float32") for array in arrays]


def around(rng, loc, scale, tail):
    """Values from the middle and, one in four, from far out."""
    far = rng.choice([0, 0, 0, 1], loc.shape) * spread(rng, 1, tail, loc.shape)
    return float32(loc + scale * (rng.normal(size=loc.shape) * (1 + far)))[0]


def counts(rng, mean):
    """Counts near the mean, none, and far from it."""
    near = rng.poisson(np.minimum(mean, 1e6))
    far = np.floor(mean * spread(rng, 0.01, 100, mean.shape) + 2)
    far = np.minimum(far, 2**23)
    return float32(np.where(rng.random(mean.shape) < 0.6, near, far))[0]


class Discrete:
    """The little of scipy.stats's interface that the tests ask for."""

    def __init__(self, log_mass, points):
        self.logpmf, self.points = log_mass, points

    def pmf(self, x):
        return np.exp(self.logpmf(x))

    def mean(self):
        return sum(self.pmf(point) * point for point in self.points)


class Laplace:
    """Scipy's, whose `logpdf` is log(0) in the tails."""

    def __init__(self, loc, scale):
        frozen = scipy.stats.laplace(loc, scale)
        self.loc, self.scale = loc, scale
        self.mean, self.entropy = frozen.mean, frozen.entropy
        self.cdf, self.ppf = frozen.cdf, frozen.ppf

    def logpdf(self, x):
        return -np.abs(x - self.loc) / self.scale - np.log(2 * self.scale)


class ContinuousBernoulli:
    """By scipy's truncated exponential, from the likelier end.

    Only its `logpdf` is written out, since at the far end scipy's is log(0).
    """

    def __init__(self, logits):
        self.rising, size = logits > 0, np.maximum(np.abs(logits), 1e-9)
        self.size = size
        self.distance = scipy.stats.truncexpon(size, scale=1 / size)

    def _turned(self, x):
        return np.where(self.rising, 1 - x, x)

    def logpdf(self, x):
        total = -np.expm1(-self.size) / self.size
        return -self.size * self._turned(x) - np.log(total)

    def cdf(self, x):
        below = self.distance.cdf(self._turned(x))
        return np.where(self.rising, 1 - below, below)

    def mean(self):
        return self._turned(self.distance.mean())

    def entropy(self):
        return self.distance.entropy()


def zero_inflated(rate, shape, logits):
    plain = scipy.stats.nbinom(shape, shape / (shape + rate))

    def log_mass(x):
        some = scipy.special.log_expit(-logits) + plain.logpmf(x)
        none = np.logaddexp(scipy.special.log_expit(logits), some)
        return np.where(x == 0, none, some)

    frozen = Discrete(log_mass, range(0))
    frozen.mean = lambda: scipy.special.expit(-logits) * rate
    return frozen


def log_level(x, loc, scale):
    """Log-mass of a discretised logistic's level, from logistic tails."""
    side = np.where(2 * x - 1 > loc, -1.0, 1.0)  # the nearer tail
    centred = side * (2 * np.round(x * 255) / 255 - 1 - loc) / scale
    half = 1 / 255 / scale
    upper = scipy.special.log_expit(centred + half)
    lower = scipy.special.log_expit(centred - half)
    inside = upper + np.log1p(-np.exp(lower - upper))
    outwards = np.where(x < 0.5, side > 0, side < 0)
    above = scipy.special.log_expit(-(centred - half))
    is_end = (np.round(x * 255) == 0) | (np.round(x * 255) == 255)
    return np.where(is_end, np.where(outwards, upper, above), inside)


def levels():
    return (np.arange(NUM_LEVELS) / (NUM_LEVELS - 1)).astype("float32")


def categories(points):
    def frozen(logits):
        log_masses = logits - scipy.special.logsumexp(logits, -1, keepdims=True)

        def log_mass(x):
            index = np.broadcast_to(
                np.searchsorted(points, x - 0.01), logits.shape[:-1]
            )
            return np.take_along_axis(log_masses, index[..., None], -1)[..., 0]

        one = Discrete(log_mass, points)
        one.entropy = lambda: -np.sum(np.exp(log_masses) * log_masses, -1)
        return one

    return frozen


def categorical(values, points):
    def make(logits, event_ndim=1):
        return distributions.Categorical(logits, event_ndim, values)

    return Case(
        make=make,
        wide=lambda rng, shape: float32(
            rng.normal(0, 1, (*shape, NUM_CATEGORIES))
            * spread(rng, 0.1, 1e4, (*shape, 1))
        ),
        values=lambda rng, logits: rng.choice(points, logits.shape[:-1]),
        mild=lambda rng, shape: float32(
            rng.normal(size=(*shape, NUM_CATEGORIES))
        ),
        frozen=categories(points),
        points=points,
        has_entropy=True,
    )


CASES: dict[str, Any] = {
    "laplace": Case(
        make=distributions.Laplace,
        wide=lambda rng, shape: float32(
            rng.normal(0, 10, shape), spread(rng, 1e-3, 1e3, shape)
        ),
        values=lambda rng, loc, scale: around(rng, loc, scale, 1e4),
        mild=lambda rng, shape: float32(
            rng.normal(size=shape), rng.uniform(0.5, 2, shape)
        ),
        frozen=Laplace,
        has_entropy=True,
    ),
    "student_t": Case(
        make=distributions.StudentT,
        wide=lambda rng, shape: float32(
            spread(rng, 0.1, 1e6, shape),
            rng.normal(0, 10, shape),
            spread(rng, 1e-3, 1e3, shape),
        ),
        values=lambda rng, df, loc, scale: around(rng, loc, scale, 1e6),
        mild=lambda rng, shape: float32(
            rng.uniform(1.5, 8, shape),
            rng.normal(size=shape),
            rng.uniform(0.5, 2, shape),
        ),
        frozen=scipy.stats.t,
    ),
    # Log x is rounded to 6e-8 |log x|, which counts by the scale.
    "log_normal": Case(
        make=distributions.LogNormal,
        wide=lambda rng, shape: float32(
            rng.uniform(-4, 4, shape), spread(rng, 0.1, 5, shape)
        ),
        values=lambda rng, loc, scale: np.exp(
            np.clip(around(rng, loc, scale, 10), -80, 80)
        ),
        mild=lambda rng, shape: float32(
            rng.normal(size=shape), rng.uniform(0.5, 1.5, shape)
        ),
        frozen=lambda loc, scale: scipy.stats.lognorm(scale, scale=np.exp(loc)),
        has_entropy=True,
    ),
    "continuous_bernoulli": Case(
        make=distributions.ContinuousBernoulli,
        wide=lambda rng, shape: float32(
            rng.choice([-1, 1], shape) * spread(rng, 1e-6, 1e4, shape)
        ),
        values=lambda rng, logits: float32(
            np.clip(rng.uniform(-0.2, 1.2, logits.shape), 0, 1)
        )[0],
        mild=lambda rng, shape: float32(
            rng.normal(0, 3, shape) * rng.choice([1, 1, 1e-3], shape)
        ),
        frozen=ContinuousBernoulli,
        has_entropy=True,
    ),
    # 1 - loc is rounded to 3e-8, which counts by itself.
    "beta": Case(
        make=distributions.Beta,
        wide=lambda rng, shape: float32(
            rng.uniform(0.01, 0.99, shape), spread(rng, 0.01, 1e4, shape)
        ),
        values=lambda rng, loc, concentration: float32(
            scipy.special.expit(
                scipy.special.logit(loc)
                + rng.normal(size=loc.shape)
                * rng.choice([0.01, 0.3, 5], loc.shape)
            ).clip(1e-6, 1 - 1e-6)
        )[0],
        mild=lambda rng, shape: float32(
            rng.uniform(0.2, 0.8, shape), rng.uniform(1, 9, shape)
        ),
        frozen=lambda loc, concentration: scipy.stats.beta(
            loc * concentration, (1 - loc) * concentration
        ),
    ),
    "poisson": Case(
        make=distributions.Poisson,
        wide=lambda rng, shape: float32(spread(rng, 1e-4, 1e6, shape)),
        values=counts,
        mild=lambda rng, shape: float32(spread(rng, 0.3, 60, shape)),
        frozen=scipy.stats.poisson,
        points=np.arange(150),
    ),
    "negative_binomial": Case(
        make=distributions.NegativeBinomial,
        wide=lambda rng, shape: float32(
            spread(rng, 1e-3, 1e5, shape), spread(rng, 1e-3, 1e6, shape)
        ),
        values=lambda rng, rate, shape: counts(rng, rate),
        mild=lambda rng, shape: float32(
            spread(rng, 0.5, 10, shape), spread(rng, 0.5, 8, shape)
        ),
        frozen=lambda rate, shape: scipy.stats.nbinom(
            shape, shape / (shape + rate)
        ),
        points=np.arange(500),
    ),
    "zero_inflated_negative_binomial": Case(
        make=distributions.ZeroInflatedNegativeBinomial,
        wide=lambda rng, shape: float32(
            spread(rng, 1e-3, 1e5, shape),
            spread(rng, 1e-3, 1e6, shape),
            rng.normal(0, 5, shape),
        ),
        values=lambda rng, rate, shape, logits: counts(rng, rate),
        mild=lambda rng, shape: float32(
            spread(rng, 0.5, 10, shape),
            spread(rng, 0.5, 8, shape),
            rng.normal(size=shape),
        ),
        frozen=zero_inflated,
        points=np.arange(500),
    ),
    "discretized_logistic": Case(
        make=distributions.DiscretizedLogistic,
        wide=lambda rng, shape: float32(
            rng.uniform(-1.2, 1.2, shape), spread(rng, 1e-3, 1e3, shape)
        ),
        values=lambda rng, loc, scale: rng.choice(levels(), loc.shape),
        mild=lambda rng, shape: float32(
            rng.uniform(-1.1, 1.1, shape), spread(rng, 0.02, 1, shape)
        ),
        frozen=lambda loc, scale: Discrete(
            lambda x: log_level(x, loc, scale), levels().astype("float64")
        ),
        points=levels(),
    ),
    "categorical": categorical("index", np.arange(5, dtype="float32")),
    "categorical_unit": categorical(
        "unit", np.linspace(0, 1, 5, dtype="float32")
    ),
}
