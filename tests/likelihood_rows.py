"""A row for each way of making a likelihood, and data in its support."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from keras_vae import likelihoods
from keras_vae.likelihoods import Likelihood

IMAGE = (4, 4, 3)
VECTOR = (6,)
JOINT = (8,)
BATCH = 16


class Row(NamedTuple):
    """How a likelihood is made, and x in its support and outside of it."""

    name: str
    make: Callable[[], Likelihood]
    event_shape: tuple
    draw: Callable[[np.random.Generator, tuple], Any]
    outside: tuple  # values, each put into x alone
    support: str  # begins what the error says of the support
    remedy: str
    weights: tuple = ()  # shapes of weights beside the head's


def part(name, **options):
    return lambda: likelihoods.registry.classes[name](**options)


def levels(count):
    return lambda rng, shape: rng.integers(0, count, shape) / (count - 1)


def counts(rng, shape):
    return rng.negative_binomial(2, 0.4, shape)


def real(rng, shape):
    return rng.standard_t(3, shape)


def positive(rng, shape):
    return np.exp(rng.normal(size=shape))


def unit(rng, shape):
    return rng.uniform(0.01, 0.99, shape)


def one_hot(rng, shape):
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


def table(rng, shape):
    parts = [
        rng.normal(size=(shape[0], 2)),
        rng.integers(0, 2, (shape[0], 1)),
        one_hot(rng, (shape[0], 3)),
        counts(rng, (shape[0], 2)),
    ]
    return np.concatenate(parts, axis=1)


def joint():
    blocks = [
        likelihoods.Normal(scale="per_output"),
        "bernoulli",
        likelihoods.Categorical(3, one_hot=True),
        likelihoods.Poisson(),
    ]
    return likelihoods.Joint(blocks, sizes=[2, 1, 3, 2])


INF = np.inf
GRID = "the 256 levels k / 255"
ROWS = {
    "normal": Row(
        "normal", part("normal"), IMAGE, real, (INF, -INF), "finite", "Remove"
    ),
    "normal-per_output": Row(
        "normal",
        part("normal", scale="per_output"),
        VECTOR,
        real,
        (INF,),
        "finite",
        "Remove",
        (VECTOR,),
    ),
    "bernoulli": Row(
        "bernoulli",
        part("bernoulli"),
        IMAGE,
        lambda rng, shape: rng.integers(0, 2, shape),
        (0.5, 2, -1, INF),
        "zeros and ones",
        "ContinuousBernoulli",
    ),
    "continuous_bernoulli": Row(
        "continuous_bernoulli",
        part("continuous_bernoulli"),
        IMAGE,
        unit,
        (-0.01, 1.01, INF),
        "values in",
        "x / 255",
    ),
    "laplace": Row(
        "laplace",
        part("laplace", scale="predicted"),
        IMAGE,
        real,
        (INF, -INF),
        "finite",
        "Remove",
    ),
    "student_t": Row(
        "student_t", part("student_t"), VECTOR, real, (INF,), "finite", "Remove"
    ),
    "student_t-learned": Row(
        "student_t",
        part("student_t", df="shared", scale="per_output"),
        VECTOR,
        real,
        (INF,),
        "finite",
        "Remove",
        ((), VECTOR),
    ),
    "log_normal": Row(
        "log_normal",
        part("log_normal", scale="shared"),
        VECTOR,
        positive,
        (0, -1, INF),
        "positive",
        "likelihoods.Normal",
        ((),),
    ),
    "beta": Row(
        "beta",
        part("beta"),
        VECTOR,
        unit,
        (0, 1, -1, 2, INF, 1 - 1e-12),
        "numbers strictly",
        "Move the ends inside",
    ),
    "categorical": Row(
        "categorical",
        part("categorical"),
        IMAGE,
        levels(256),
        (0.5, -1 / 255, 2, INF),
        GRID,
        "datasets.load",
    ),
    "categorical-index": Row(
        "categorical",
        part("categorical", num_categories=5, unit_interval=False),
        VECTOR,
        lambda rng, shape: rng.integers(0, 5, shape),
        (0.5, -1, 5, INF),
        "whole numbers from 0 to 4",
        "num_categories=5",
    ),
    "categorical-one_hot": Row(
        "categorical",
        part("categorical", num_categories=6, one_hot=True),
        VECTOR,
        one_hot,
        (0.5, 2, -1, INF),
        "zeros and a single one",
        "numpy.eye",
    ),
    "discretized_logistic": Row(
        "discretized_logistic",
        part("discretized_logistic"),
        IMAGE,
        levels(256),
        (0.5, -1 / 255, 2, INF),
        GRID,
        "binarize=None",
    ),
    "mixture_of_discretized_logistics": Row(
        "mixture_of_discretized_logistics",
        part("mixture_of_discretized_logistics", num_mixtures=3),
        IMAGE,
        levels(256),
        (0.5, -1 / 255, 2, INF),
        GRID,
        "binarize=None",
    ),
    "mixture_of_discretized_logistics-vector": Row(
        "mixture_of_discretized_logistics",
        part("mixture_of_discretized_logistics", num_mixtures=2, num_levels=8),
        VECTOR,
        levels(8),
        (0.5, 2),
        "the 8 levels k / 7",
        "binarize=None",
    ),
    "poisson": Row(
        "poisson",
        part("poisson"),
        VECTOR,
        counts,
        (0.5, -1, 2.0**25, INF),
        "whole numbers from 0",
        "raw counts",
    ),
    "negative_binomial": Row(
        "negative_binomial",
        part("negative_binomial"),
        VECTOR,
        counts,
        (0.5, -1, INF),
        "whole numbers from 0",
        "raw counts",
        (VECTOR,),
    ),
    "zero_inflated_negative_binomial": Row(
        "zero_inflated_negative_binomial",
        part("zero_inflated_negative_binomial", inverse_dispersion="shared"),
        VECTOR,
        counts,
        (0.5, -1, INF),
        "whole numbers from 0",
        "raw counts",
        ((),),
    ),
    "joint": Row(
        "joint", joint, JOINT, table, (INF,), "finite", "Remove", ((2,),)
    ),
}


def x_of(row, seed=0, batch=BATCH):
    rng = np.random.default_rng(seed)
    return row.draw(rng, (batch, *row.event_shape)).astype("float32")
