"""One row a distribution over latents: what the shared tests hold it to.

Each has batch shape (3,). The references are NumPy's and SciPy's alone, in
float64. A later distribution over latents adds a row here.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.integrate
import scipy.special
import scipy.stats

from keras_vae import distributions
from keras_vae.distributions.bijectors import AffineCoupling, Planar

ALL = {"log_prob", "mode", "entropy", "stopped"}


class Case(NamedTuple):
    """A distribution and an independent account of it."""

    distribution: Any
    log_prob: Callable[[np.ndarray], np.ndarray] | None = None
    # (samples, 3, dim) to what has a known law, and that law for each of 3
    statistic: Callable[[np.ndarray], np.ndarray] | None = None
    laws: list | None = None
    expectation: np.ndarray | None = None
    closed: set = ALL


def compiled(function):
    """Compiles on JAX, which otherwise compiles each operation by itself."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    return jax.jit(function)


def float32(array):
    return np.asarray(array, "float32")


def rows(function):
    """Applies a function of (samples, i) to each of the 3 in the batch."""

    def apply(x):
        columns = [function(x[..., i, :], i) for i in range(3)]
        return np.stack(columns, axis=-1)

    return apply


# --- Normal distributions ----------------------------------------------------


def normal_case(distribution, loc, factor, closed=ALL):
    covariance = factor @ np.swapaxes(factor, -1, -2)
    inverse = np.linalg.inv(np.linalg.cholesky(covariance))
    return Case(
        distribution,
        log_prob=rows(
            lambda x, i: scipy.stats.multivariate_normal(
                loc[i], covariance[i]
            ).logpdf(x)
        ),
        # The last standardised element sees all of the covariance.
        statistic=rows(lambda x, i: ((x - loc[i]) @ inverse[i].T)[..., -1]),
        laws=[scipy.stats.norm()] * 3,
        expectation=loc,
        closed=closed,
    )


def multivariate_normal():
    rng = np.random.default_rng(0)
    loc = float32(rng.normal(size=(3, 4)))
    lower = np.tril(rng.normal(size=(3, 4, 4)), -1)
    scale = np.exp(rng.normal(size=(3, 4, 1)))
    factor = float32(scale * (lower + np.eye(4)))
    distribution = distributions.MultivariateNormal(loc, factor)
    return normal_case(distribution, loc, factor.astype("float64"))


def householder_normal():
    rng = np.random.default_rng(1)
    loc = float32(rng.normal(size=(3, 4)))
    scale = float32(np.exp(rng.normal(size=(3, 4))))
    vectors = float32(rng.normal(size=(3, 2, 4)))
    turn = np.stack([np.eye(4)] * 3)
    for k in range(2):
        v = vectors[:, k].astype("float64")
        v /= np.linalg.norm(v, axis=-1, keepdims=True)
        turn = (np.eye(4) - 2 * v[:, :, None] * v[:, None, :]) @ turn
    return normal_case(
        distributions.HouseholderNormal(loc, scale, vectors),
        np.einsum("bij,bj->bi", turn, loc),
        turn * scale[:, None, :],
    )


def mixture():
    rng = np.random.default_rng(2)
    logits = float32(rng.normal(size=(3, 5)))
    locs = float32(2 * rng.normal(size=(3, 5, 2)))
    scales = float32(np.exp(rng.normal(size=(3, 5, 2))))
    weights = scipy.special.softmax(logits.astype("float64"), axis=-1)

    def log_prob(x, i):
        terms = scipy.stats.norm(locs[i], scales[i]).logpdf(x[..., None, :])
        log_weights = np.log(weights[i])
        return scipy.special.logsumexp(log_weights + terms.sum(-1), axis=-1)

    def cdf(i):
        one = scipy.stats.norm(locs[i, :, 0], scales[i, :, 0])
        return lambda x: (weights[i] * one.cdf(x[:, None])).sum(-1)

    return Case(
        distributions.Mixture(logits, distributions.Normal(locs, scales)),
        log_prob=rows(log_prob),
        statistic=lambda x: x[..., 0],
        laws=[cdf(i) for i in range(3)],
        expectation=(weights[..., None] * locs).sum(1),
        closed={"log_prob", "stopped"},
    )


def coupled():
    """A flow whose inverse has a closed form: x_1 = z_1 exp(z_0) + z_0."""
    rng = np.random.default_rng(3)
    base = float32(rng.normal(size=(3, 2))), float32([[0.5, 0.7]] * 3)

    def network(z):
        first = z[..., :1] + 0.0 * z
        return first, 0.5 * first

    def log_prob(x, i):
        z = (x[..., 1] - x[..., 0]) * np.exp(-0.5 * x[..., 0])
        back = np.stack([x[..., 0], z], axis=-1)
        one = scipy.stats.norm(base[0][i], base[1][i])
        return one.logpdf(back).sum(-1) - 0.5 * x[..., 0]

    return Case(
        distributions.Transformed(
            distributions.Normal(*base), [AffineCoupling([1.0, 0.0], network)]
        ),
        log_prob=rows(log_prob),
        statistic=rows(
            lambda x, i: (x[..., 1] - x[..., 0]) * np.exp(-0.5 * x[..., 0])
        ),
        laws=[scipy.stats.norm(base[0][i, 1], 0.7) for i in range(3)],
        closed={"log_prob"},
    )


def planar():
    rng = np.random.default_rng(4)
    u, w, loc = float32(rng.normal(size=(3, 3, 2)))
    base = distributions.Normal(loc, 1.0)
    steps = [Planar(u, w, float32([0.1, 0.0, -0.3]))]
    # Orthogonal to u_hat the flow leaves the base as it is.
    u_hat = keras.ops.convert_to_numpy(steps[0].u_hat).astype("float64")
    across = np.stack([-u_hat[:, 1], u_hat[:, 0]], axis=-1)
    lengths = np.linalg.norm(across, axis=-1)
    middles = (across * loc).sum(-1)
    return Case(
        distributions.Transformed(base, steps),
        statistic=lambda x: (x * across).sum(-1),
        laws=[
            scipy.stats.norm(m, s)
            for m, s in zip(middles, lengths, strict=True)
        ],
        closed=set(),
    )


# --- On the sphere -----------------------------------------------------------


def half_beta(dim):
    """The law of one element of a uniform point of the sphere."""
    one = scipy.stats.beta((dim - 1) / 2, (dim - 1) / 2)
    return lambda t: one.cdf((1 + t) / 2)


def uniform_sphere():
    dim = 3
    surface = 2 * np.pi ** (dim / 2) / scipy.special.gamma(dim / 2)
    return Case(
        distributions.UniformSphere(dim),
        log_prob=lambda x: np.full(x.shape[:-1], -np.log(surface)),
        statistic=lambda x: x[..., 0],
        laws=half_beta(dim),
        expectation=np.zeros(dim),
        closed=ALL - {"mode"},
    )


def height_law(dim, kappa):
    """Distribution function of the height along the mean direction."""
    angles = np.linspace(0, np.pi, 20_001)
    density = np.sin(angles) ** (dim - 2) * np.exp(kappa * (np.cos(angles) - 1))
    mass = scipy.integrate.cumulative_trapezoid(density, angles, initial=0)
    return lambda w: 1 - np.interp(np.arccos(w), angles, mass / mass[-1])


def von_mises_fisher(dim=4):
    rng = np.random.default_rng(5)
    mu = rng.normal(size=(3, dim))
    mu[1] = -np.eye(dim)[0]  # Where a reflection would be singular.
    mu = float32(mu / np.linalg.norm(mu, axis=-1, keepdims=True))
    kappa = float32([0.5, 8.0, 300.0])
    unit = mu.astype("float64")
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    ratio = scipy.special.ive(dim / 2, kappa) / scipy.special.ive(
        dim / 2 - 1, kappa
    )
    return Case(
        distributions.VonMisesFisher(mu, kappa),
        log_prob=rows(
            lambda x, i: scipy.stats.vonmises_fisher(unit[i], kappa[i]).logpdf(
                x / np.linalg.norm(x, axis=-1, keepdims=True)
            )
        ),
        statistic=rows(lambda x, i: np.clip(x @ unit[i], -1, 1)),
        laws=[height_law(dim, one) for one in kappa.astype("float64")],
        expectation=ratio[:, None] * unit,
    )


# --- Discrete and relaxed ----------------------------------------------------

LOGITS = float32(np.random.default_rng(6).normal(0, 1.5, (3, 2, 3)))
BITS = float32([[0.3, -2.0], [4.0, 0.0], [-0.5, 1.0]])


def categories(x):
    """The number of the joint category of two variables of three."""
    both = x.reshape(*x.shape[:-1], 2, 3).argmax(-1)
    return both[..., 0] * 3 + both[..., 1]


def categorical_masses():
    p = scipy.special.softmax(LOGITS.astype("float64"), axis=-1)
    return (p[:, 0, :, None] * p[:, 1, None, :]).reshape(3, 9)


def categorical_case(distribution, closed):
    p = scipy.special.softmax(LOGITS.astype("float64"), axis=-1)
    return Case(
        distribution,
        log_prob=rows(lambda x, i: x @ np.log(p[i]).reshape(6)),
        statistic=categories,
        laws=[mass for mass in categorical_masses()],
        expectation=p.reshape(3, 6),
        closed=closed,
    )


def one_hot_categorical():
    one = distributions.OneHotCategorical(LOGITS)
    return categorical_case(one, ALL - {"stopped"})


def straight_through_categorical():
    one = distributions.StraightThroughCategorical(LOGITS, 0.5)
    return categorical_case(one, ALL - {"stopped"})


def straight_through_bernoulli():
    p = scipy.special.expit(BITS.astype("float64"))
    masses = np.stack([1 - p, p], axis=-1)
    return Case(
        distributions.StraightThroughBernoulli(BITS, 0.5),
        log_prob=rows(
            lambda x, i: scipy.stats.bernoulli(p[i]).logpmf(x).sum(-1)
        ),
        statistic=lambda x: (2 * x[..., 0] + x[..., 1]).astype(int),
        laws=[np.outer(*one).reshape(4) for one in masses],
        expectation=p,
        closed=ALL - {"stopped"},
    )


def relaxed_categorical(temperature=0.6):
    """Two categories: the log-ratio of a variable's elements is logistic."""
    rng = np.random.default_rng(7)
    logits = float32(rng.normal(0, 1.5, (3, 1, 2)))
    apart = (logits[:, 0, 0] - logits[:, 0, 1]).astype("float64")
    laws = [
        scipy.stats.logistic(a / temperature, 1 / temperature) for a in apart
    ]

    def ratio(x):
        return np.log(x[..., 0]) - np.log(x[..., 1])

    return Case(
        distributions.RelaxedCategorical(logits, temperature),
        log_prob=rows(
            lambda x, i: laws[i].logpdf(ratio(x)) - np.log(x).sum(-1)
        ),
        statistic=ratio,
        laws=laws,
        closed={"log_prob", "stopped"},
    )


def relaxed_bernoulli(temperature=0.6):
    laws = [
        scipy.stats.logistic(row / temperature, 1 / temperature)
        for row in BITS.astype("float64")
    ]

    def ratio(x):
        return scipy.special.logit(x)

    def log_prob(x, i):
        density = laws[i].logpdf(ratio(x)) - np.log(x * (1 - x))
        edge = scipy.special.logit(1 - 2.0**-20)
        density = np.where(x >= 1 - 2.0**-20, laws[i].logsf(edge), density)
        density = np.where(x <= 2.0**-20, laws[i].logcdf(-edge), density)
        return density.sum(-1)

    def first(i):
        one = scipy.stats.logistic(BITS[i, 0] / temperature, 1 / temperature)
        return one

    return Case(
        distributions.RelaxedBernoulli(BITS, temperature),
        log_prob=rows(log_prob),
        statistic=lambda x: ratio(x[..., 0]),
        laws=[first(i) for i in range(3)],
        closed={"log_prob", "stopped"},
    )


MAKERS = {
    "householder_normal": householder_normal,
    "mixture": mixture,
    "multivariate_normal": multivariate_normal,
    "one_hot_categorical": one_hot_categorical,
    "relaxed_bernoulli": relaxed_bernoulli,
    "relaxed_categorical": relaxed_categorical,
    "straight_through_bernoulli": straight_through_bernoulli,
    "straight_through_categorical": straight_through_categorical,
    "transformed_coupling": coupled,
    "transformed_planar": planar,
    "uniform_sphere": uniform_sphere,
    "von_mises_fisher": von_mises_fisher,
}
LATENT_CLASSES = {
    distributions.HouseholderNormal,
    distributions.Mixture,
    distributions.MultivariateNormal,
    distributions.OneHotCategorical,
    distributions.RelaxedBernoulli,
    distributions.RelaxedCategorical,
    distributions.StraightThroughBernoulli,
    distributions.StraightThroughCategorical,
    distributions.Transformed,
    distributions.UniformSphere,
    distributions.VonMisesFisher,
}
