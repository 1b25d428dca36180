"""Special functions in float32, written in `keras.ops` alone.

`keras.ops` has no log-gamma, and a float32 difference of log-gammas
cancels. All functions of the gamma family here are made of one primitive
that stays small, `stirling_error`, so that what would cancel is never formed.
ONNX has neither log1p nor expm1: they stand here in functions that it has.
"""

import math

import keras
from keras import ops

from keras_vae.types import Tensor

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
# Arguments are raised by this many ones before an asymptotic series.
_SHIFT = 4


def as_float32(value: Tensor) -> Tensor:
    """Returns a number, array or tensor as a float32 tensor."""
    return ops.cast(ops.convert_to_tensor(value), "float32")


# --- Logarithms and exponentials --------------------------------------------


def log1p(x: Tensor) -> Tensor:
    """Log(1 + x), relatively exact near 0.

    Args:
        x: Tensor above -1.
    """
    x = as_float32(x)
    near = ops.logical_and(x > -0.5, x < 1.0)
    x_near = ops.where(near, x, 0.0)
    x_far = ops.where(near, 0.0, x)
    # log(1 + x) = 2 artanh(x / (2 + x))
    series = 2.0 * ops.arctanh(x_near / (2.0 + x_near))
    return ops.where(near, series, ops.log(1.0 + x_far))


def expm1(x: Tensor) -> Tensor:
    """Exp(x) - 1, relatively exact near 0.

    Args:
        x: Tensor below 80.
    """
    x = as_float32(x)
    return ops.tanh(0.5 * x) * (ops.exp(x) + 1.0)


def log1mexp(x: Tensor) -> Tensor:
    """Log(1 - exp(-x)), exact near 0 and far from it.

    Args:
        x: Positive tensor.
    """
    x = as_float32(x)
    return ops.log(ops.tanh(0.5 * x) * (1.0 + ops.exp(-x)))


def log_sigmoid(x: Tensor) -> Tensor:
    """Log(1 / (1 + exp(-x))), relatively exact, as the backend is fastest.

    PyTorch has one kernel for it. JAX's own, a `logaddexp` that cares for
    infinities, takes twice as long as the same from a logarithm.

    Args:
        x: Tensor.
    """
    if keras.backend.backend() != "jax":
        return ops.log_sigmoid(x)
    below = ops.where(x < 0.0, x, 0.0)
    return below - ops.log1p(ops.exp(-ops.abs(x)))


def log1p_square(x: Tensor) -> Tensor:
    """Log(1 + x^2) for x of any size: x^2 is never formed where it is large.

    Args:
        x: Non-negative tensor.
    """
    x = as_float32(x)
    small = x < 1.0
    larger = ops.where(small, 1.0, x)
    ratio = ops.where(small, x, 1.0) / larger
    return 2.0 * ops.log(larger) + log1p(ops.square(ratio))


def log_sigmoid_difference(low: Tensor, gap: Tensor) -> Tensor:
    """Log(sigmoid(low + gap) - sigmoid(low)), without cancellation.

    Args:
        low: Tensor.
        gap: Positive tensor.
    """
    low, gap = as_float32(low), as_float32(gap)
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a))
    tails = ops.softplus(-low - gap) + ops.softplus(low)
    return log1mexp(gap) - tails


# --- The gamma family -------------------------------------------------------


def stirling_error(x: Tensor) -> Tensor:
    """What Stirling's formula leaves of log-gamma (Binet's function).

    log Gamma(x) = (x - 1/2) log x - x + 1/2 log(2 pi) + stirling_error(x).
    Source: Loader, 2000, "Fast and accurate computation of binomial
    probabilities", equation 4; NIST DLMF 5.11.1.

    Args:
        x: Positive tensor, at least 1e-18.

    Returns:
        Tensor of the same shape, to 2e-6 absolute.
    """
    x = as_float32(x)
    small = x < _SHIFT
    low = ops.where(small, x, 1.0)
    # log Gamma(x) = log Gamma(x + 4) - log x (x + 1) (x + 2) (x + 3), with
    # each factor divided by x + 4, so that nothing large is formed.
    steps = math.prod((low + n) / (low + _SHIFT) for n in range(_SHIFT))
    raised = (low - 0.5) * ops.log(1.0 + _SHIFT / low) - _SHIFT
    series = _stirling_series(ops.where(small, x + _SHIFT, x))
    return series + ops.where(small, raised - ops.log(steps), 0.0)


def _stirling_series(x: Tensor) -> Tensor:
    r = 1.0 / x
    s = r * r
    return r * (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680))))


def log_gamma(x: Tensor) -> Tensor:
    """Log Gamma(x), for 1e-18 <= x <= 1e30.

    Args:
        x: Positive tensor.
    """
    x = as_float32(x)
    bulk = (x - 0.5) * ops.log(x) - x
    return bulk + _HALF_LOG_2PI + stirling_error(x)


def log_gamma_ratio(x: Tensor, step: Tensor) -> Tensor:
    """Log Gamma(x + step) - log Gamma(x), without cancellation.

    Args:
        x: Positive tensor.
        step: Non-negative tensor.
    """
    x, step = as_float32(x), as_float32(step)
    small = x < _SHIFT
    low = ops.where(small, x, 1.0)
    # ratio(x) - ratio(x + 1) = -log(1 + step / x)
    later = math.prod(1.0 + step / (low + n) for n in range(1, _SHIFT))
    steps = log1p(step / low) + ops.log(later)
    x = ops.where(small, x + _SHIFT, x)
    end = x + step
    bulk = (x - 0.5) * log1p(step / x) + step * (ops.log(end) - 1.0)
    errors = _stirling_series(end) - _stirling_series(x)
    return bulk + errors - ops.where(small, steps, 0.0)


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """Log of the beta function B(a, b), for a, b from 1e-6 to 1e8.

    Args:
        a: Positive tensor.
        b: Positive tensor that broadcasts with `a`.
    """
    a, b = as_float32(a), as_float32(b)
    small, large = ops.minimum(a, b), ops.maximum(a, b)
    return log_gamma(small) - log_gamma_ratio(large, small)


def log_binomial(n: Tensor, k: Tensor) -> Tensor:
    """Log of the binomial coefficient, n over k, for n up to 1e6.

    Args:
        n: Non-negative tensor.
        k: Tensor from 0 to n.
    """
    n, k = as_float32(n), as_float32(k)
    # n over k = 1 / ((n + 1) B(k + 1, n - k + 1))
    return -log_beta(k + 1.0, n - k + 1.0) - ops.log(n + 1.0)


def deviance(x: Tensor, mean: Tensor, difference: Tensor) -> Tensor:
    """The term x log(x / mean) + mean - x, without cancellation.

    It is what remains of a Poisson or a binomial mass beside its Stirling
    errors, and at least 0.
    Source: Loader, 2000, equation 5.

    Args:
        x: Non-negative tensor.
        mean: Positive tensor.
        difference: `x - mean`, which the caller may know more exactly.
    """
    x, mean = as_float32(x), as_float32(mean)
    difference = as_float32(difference)
    v = difference / (x + mean)
    near = ops.abs(v) < 0.2
    v = ops.where(near, v, 0.0)
    s = ops.square(v)
    # x log(x / m) = 2 x artanh(v),  2 x v - (x - m) = v (x - m)
    odd = [1.0 / (2 * j + 1) for j in range(6, 0, -1)]
    tail = 0.0
    for coefficient in odd:
        tail = s * (tail + coefficient)
    series = v * difference + 2.0 * x * v * tail
    ratio = ops.where(near, 1.0, ops.maximum(x, 1e-30) / mean)
    return ops.where(near, series, x * ops.log(ratio) - difference)


def log_poisson(x: Tensor, rate: Tensor) -> Tensor:
    """Log-mass of a Poisson variable in nats, without cancellation.

    Source: Loader, 2000, equation 4.

    Args:
        x: Whole numbers of at least 0, as floats.
        rate: Positive tensor.
    """
    x, rate = as_float32(x), as_float32(rate)
    # log p(x) = -D(x, rate) - 1/2 log(2 pi x) - stirling_error(x)
    none = x < 0.5
    some = ops.where(none, 1.0, x)
    ends = 0.5 * ops.log(some) + _HALF_LOG_2PI + stirling_error(some)
    return -deviance(x, rate, x - rate) - ops.where(none, 0.0, ends)
