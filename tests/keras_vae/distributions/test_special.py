"""Special functions and their derivatives in float32 against scipy.

Each row's functions are compared over the ranges that its docstring states,
to 1e-5 of the value, or of 1 where that is smaller.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import scipy.special
from keras import ops

from keras_vae.distributions import bessel, special
from tests.keras_vae.distributions.compiling import run, slope

TOLERANCE = 1e-5
SIZE = 3000
EULER = np.log(2 * np.pi) / 2


def log_uniform(low, high):
    return lambda rng: np.exp(rng.uniform(np.log(low), np.log(high), SIZE))


def either_sign(low, high, lowest):
    def draw(rng):
        sizes = log_uniform(low, high)(rng)
        return np.where(rng.random(SIZE) < 0.5, sizes, -sizes).clip(lowest)

    return draw


class Row(NamedTuple):
    function: Callable  # in float32, of the arguments
    expected: Callable  # in float64
    slope: Callable  # derivative of `expected` by its first argument
    arguments: list  # of functions from a generator to arrays


def ratio_slope(x, step):
    return scipy.special.digamma(x + step) - scipy.special.digamma(x)


def stirling(x):
    return scipy.special.gammaln(x) - ((x - 0.5) * np.log(x) - x + EULER)


def stirling_slope(x):
    return scipy.special.digamma(x) - np.log(x) + 0.5 / x


def binomial(n, k):
    return -scipy.special.betaln(k + 1, n - k + 1) - np.log(n + 1)


def binomial_slope(n, k):
    return scipy.special.digamma(n + 1) - scipy.special.digamma(n - k + 1)


def poisson_slope(x, rate):
    return np.log(rate) - scipy.special.digamma(x + 1)


def whole(high):
    return lambda rng: np.floor(log_uniform(1, high)(rng))


def sigmoid_difference(low, gap):
    # sigmoid(a) - sigmoid(b) = sinh((a - b) / 2) / (2 cosh(a/2) cosh(b/2))
    ends = np.logaddexp(low / 2, -low / 2)
    ends = ends + np.logaddexp((low + gap) / 2, -(low + gap) / 2)
    return gap / 2 + np.log1p(-np.exp(-gap)) - ends


def sigmoid_difference_slope(low, gap):
    return scipy.special.expit(-low - gap) - scipy.special.expit(low)


ROWS = {
    "log1p": Row(
        special.log1p,
        np.log1p,
        lambda x: 1 / (1 + x),
        [either_sign(1e-9, 1e6, -0.999)],
    ),
    "expm1": Row(special.expm1, np.expm1, np.exp, [either_sign(1e-9, 80, -80)]),
    "log1mexp": Row(
        special.log1mexp,
        lambda x: np.log(-np.expm1(-x)),
        lambda x: 1 / np.expm1(x),
        [log_uniform(1e-9, 300)],
    ),
    "log_sigmoid": Row(
        special.log_sigmoid,
        scipy.special.log_expit,
        lambda x: scipy.special.expit(-x),
        [either_sign(1e-6, 1e3, -1e3)],
    ),
    "log1p_square": Row(
        special.log1p_square,
        lambda x: 2 * np.log(np.hypot(1, x)),
        lambda x: 2 / (1 / x + x),
        [log_uniform(1e-12, 1e30)],
    ),
    "log_sigmoid_difference": Row(
        special.log_sigmoid_difference,
        sigmoid_difference,
        sigmoid_difference_slope,
        [either_sign(1e-3, 1e4, -1e4), log_uniform(1e-6, 100)],
    ),
    "stirling_error": Row(
        special.stirling_error,
        stirling,
        stirling_slope,
        [log_uniform(1e-6, 1e5)],
    ),
    "log_gamma": Row(
        special.log_gamma,
        scipy.special.gammaln,
        scipy.special.digamma,
        [log_uniform(1e-6, 1e8)],
    ),
    "log_gamma_ratio": Row(
        special.log_gamma_ratio,
        lambda x, step: (
            -scipy.special.betaln(x, step) + scipy.special.gammaln(step)
        ),
        ratio_slope,
        [log_uniform(1e-6, 1e8), log_uniform(1e-6, 1e4)],
    ),
    "log_beta": Row(
        special.log_beta,
        scipy.special.betaln,
        lambda a, b: -ratio_slope(a, b),
        [log_uniform(1e-6, 1e8)] * 2,
    ),
    "log_binomial": Row(
        special.log_binomial,
        binomial,
        binomial_slope,
        [lambda rng: 1e3 + whole(1e6 - 1e3)(rng), whole(1e3)],
    ),
    "log_poisson": Row(
        special.log_poisson,
        lambda x, rate: x * np.log(rate) - rate - scipy.special.gammaln(x + 1),
        None,
        [lambda rng: whole(1e6)(rng) - 1, log_uniform(1e-6, 1e6)],
    ),
    "log_bessel_i": Row(
        lambda x, order: bessel.log_bessel_i(order, x),
        lambda x, order: np.log(scipy.special.ive(order, x)) + x,
        lambda x, order: (
            scipy.special.ive(order + 1, x) / scipy.special.ive(order, x)
            + order / x
        ),
        [log_uniform(1e-3, 1e4), lambda rng: rng.uniform(0, 64, SIZE)],
    ),
    "log_bessel_i_scaled": Row(
        lambda x, order: bessel.log_bessel_i(order, x, True),
        lambda x, order: np.log(scipy.special.ive(order, x)),
        lambda x, order: (
            scipy.special.ive(order + 1, x) / scipy.special.ive(order, x)
            + order / x
            - 1
        ),
        [log_uniform(1e-3, 1e4), lambda rng: rng.integers(0, 129, SIZE) / 2],
    ),
}
every_row = pytest.mark.parametrize("name", ROWS)


def arguments_of(name):
    rng = np.random.default_rng(0)
    return [draw(rng).astype("float32") for draw in ROWS[name].arguments]


def float64(arrays):
    return [np.asarray(array, "float64") for array in arrays]


def assert_close(received, expected, tolerance=TOLERANCE, least=1.0):
    received = np.asarray(ops.convert_to_numpy(received), "float64")
    assert np.isfinite(expected).all()
    excess = np.abs(received - expected) / np.maximum(least, np.abs(expected))
    worst = np.argmax(excess)
    assert excess[worst] < tolerance, (received[worst], expected[worst], worst)


@every_row
def test_values_match_scipy(name):
    row, arguments = ROWS[name], arguments_of(name)
    received = run(row.function, *arguments)
    assert_close(received, row.expected(*float64(arguments)))


@every_row
def test_slopes_match_scipy(name):
    row, (x, *others) = ROWS[name], arguments_of(name)
    if row.slope is None:
        row = row._replace(
            function=lambda rate, x: special.log_poisson(x, rate),
            slope=lambda rate, x: x / rate - 1,
        )
        x, others = others[0], [x]
    gradient = slope(row.function, x, *others)
    assert_close(gradient, row.slope(*float64([x, *others])))


def test_log_sigmoid_at_zero_and_at_infinity():
    x = np.array([0.0, np.inf, -np.inf], "float32")
    received = run(special.log_sigmoid, x)
    np.testing.assert_allclose(received, [-np.log(2.0), 0.0, -np.inf], 1e-6)
    np.testing.assert_allclose(slope(special.log_sigmoid, x[:1]), 0.5, 1e-6)


@pytest.mark.parametrize("name", ["log1p", "expm1"])
def test_small_values_keep_their_digits(name):
    row, (x,) = ROWS[name], arguments_of(name)
    expected = row.expected(x.astype("float64"))
    assert_close(run(row.function, x), expected, 1e-6, 1e-30)


def test_differences_of_log_gammas_do_not_cancel():
    """In float32 the two log-gammas alone are wrong by about 100."""
    x = np.float32([1e8])
    expected = scipy.special.digamma(1e8) / 2  # to 1e-9
    plain = special.log_gamma(x + np.float32(16)) - special.log_gamma(x)
    ratio = special.log_gamma_ratio(x, 16.0)
    assert_close(ratio, np.array([32 * expected]))
    assert abs(float(plain[0]) - 32 * expected) > 1


@pytest.mark.parametrize("spread", [1e-7, 1e-4, 1e-2, 0.3, 3.0])
def test_deviance_keeps_its_digits_near_zero(spread):
    rng = np.random.default_rng(0)
    mean = log_uniform(1e-2, 1e6)(rng).astype("float32")
    x = (mean * (1 + spread * rng.random(SIZE))).astype("float32")
    received = run(special.deviance, x, mean, x - mean)
    # x log(x / m) + m - x = m (u^2 / 2 - u^3 / 6 + u^4 / 12 - ...)
    m, u = mean.astype("float64"), x.astype("float64") / mean - 1
    series = sum(m * (-u) ** k / (k * (k - 1)) for k in range(2, 12))
    direct = m * ((1 + u) * np.log1p(u) - u)
    expected = np.where(np.abs(u) < 0.01, series, direct)
    moved = expected > 0
    assert_close(received[moved], expected[moved], TOLERANCE, 1e-30)


def test_nothing_counted_has_the_deviance_of_its_mean():
    mean = np.float32([1e-6, 1, 1e6])
    received = special.deviance(np.zeros(3, "float32"), mean, -mean)
    np.testing.assert_allclose(ops.convert_to_numpy(received), mean, 1e-6)


def test_bessel_ratio_matches_scipy():
    x, order = arguments_of("log_bessel_i")
    above, below = (
        scipy.special.ive(order.astype("float64") + n, x.astype("float64"))
        for n in (1, 0)
    )
    received = run(bessel.bessel_i_ratio, order, x)
    assert_close(received, above / below, TOLERANCE, 1e-30)


def test_bessel_ratio_has_the_slope_of_its_equation():
    # R' = 1 - R^2 - (2 order + 1) / x R
    x, order = arguments_of("log_bessel_i")
    gradient = slope(lambda x, order: bessel.bessel_i_ratio(order, x), x, order)
    x, order = float64([x, order])
    ratio = scipy.special.ive(order + 1, x) / scipy.special.ive(order, x)
    # In float64 the right-hand side cancels by a factor below 1e8.
    assert_close(gradient, 1 - ratio**2 - (2 * order + 1) / x * ratio)


def test_bessel_functions_meet_at_the_border():
    x = np.float32([11.9999, 12.0001])
    for order in (0.0, 0.5, 7.0, 64.0):
        values = run(bessel.log_bessel_i, np.float32(order), x)
        assert abs(np.diff(values)[0] - 2e-4 * (1 + order / 12)) < 2e-4
