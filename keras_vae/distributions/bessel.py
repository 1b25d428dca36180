"""Modified Bessel functions of the first kind, in logarithms and float32."""

import math

from keras import ops

from keras_vae.distributions.special import as_float32, log1p, log_gamma
from keras_vae.types import Tensor

# The power series is summed below, the uniform expansion used above.
_BORDER = 12.0
_NUM_TERMS = 32
_LOG_2PI = math.log(2.0 * math.pi)


def log_bessel_i(
    order: Tensor, x: Tensor, exponentially_scaled: bool = False
) -> Tensor:
    """Log I_order(x), the modified Bessel function of the first kind.

    Below 12 its power series, all of whose terms are positive, is summed;
    above, Debye's uniform expansion is used, which holds for every order.
    Both are differentiable by `x` and by `order`.
    Source: NIST DLMF 10.25.2 (series) and 10.41.3 (uniform expansion).

    Args:
        order: Non-negative number or tensor, up to 64.
        x: Positive tensor that broadcasts with `order`, 1e-3 to 1e4.
        exponentially_scaled: Boolean. `True` subtracts `x`, so that the
            value stays small where x is large. Defaults to `False`.

    Returns:
        Tensor, within 1e-5 of the value, or of 1 where that is smaller.

    Example:
    >>> log_bessel_i(0.5, keras.ops.ones(3)).shape
    (3,)
    """
    order, x = as_float32(order), as_float32(x)
    small = x < _BORDER
    x_small = ops.where(small, x, 1.0)
    x_large = ops.where(small, _BORDER, x)
    below = _log_leading_term(order, x_small) + ops.log(_series(order, x_small))
    above = _uniform(order, x_large)
    if exponentially_scaled:
        return ops.where(small, below - x_small, above)
    return ops.where(small, below, above + x_large)


def bessel_i_ratio(order: Tensor, x: Tensor) -> Tensor:
    """I_{order + 1}(x) / I_order(x), between 0 and 1.

    It is the mean resultant length of a von Mises-Fisher distribution in
    `2 * order + 2` dimensions, and the derivative of `log_bessel_i` by x is
    `bessel_i_ratio(order, x) + order / x`.

    Args:
        order: Non-negative number or tensor, up to 64.
        x: Positive tensor that broadcasts with `order`, 1e-3 to 1e4.

    Returns:
        Tensor, to 1e-5 relative.

    Example:
    >>> bessel_i_ratio(0.5, keras.ops.ones(3)).shape
    (3,)
    """
    order, x = as_float32(order), as_float32(x)
    small = x < _BORDER
    x_small = ops.where(small, x, 1.0)
    x_large = ops.where(small, _BORDER, x)
    series = _series(order + 1.0, x_small) / _series(order, x_small)
    below = 0.5 * x_small / (order + 1.0) * series
    return ops.where(small, below, ops.exp(_uniform_step(order, x_large)))


def _log_leading_term(order: Tensor, x: Tensor) -> Tensor:
    # (x / 2)^order / Gamma(order + 1)
    return order * ops.log(0.5 * x) - log_gamma(order + 1.0)


def _series(order: Tensor, x: Tensor) -> Tensor:
    """Sum of (x^2 / 4)^k / (k! (order + 1) ... (order + k)) over k."""
    quarter = 0.25 * ops.square(x)
    total = ops.ones_like(quarter)
    for k in range(_NUM_TERMS, 0, -1):
        total = 1.0 + total * quarter / (k * (order + k))
    return total


def _uniform(order: Tensor, x: Tensor) -> Tensor:
    """Log of exp(-x) I_order(x) by Debye's expansion."""
    p = ops.sqrt(ops.square(order) + ops.square(x))
    # p - x - order asinh(order / x) - 1/2 log(2 pi p)
    bulk = ops.square(order) / (p + x) - order * ops.arcsinh(order / x)
    return bulk - 0.5 * (_LOG_2PI + ops.log(p)) + _log_correction(order, p)


def _uniform_step(order: Tensor, x: Tensor) -> Tensor:
    """Log of the ratio of orders `order + 1` and `order`, each by Debye."""
    after = order + 1.0
    p = ops.sqrt(ops.square(order) + ops.square(x))
    q = ops.sqrt(ops.square(after) + ops.square(x))
    squares = 2.0 * order + 1.0  # after^2 - order^2 = q^2 - p^2
    # asinh(after / x) - asinh(order / x) = asinh(squares / (after p + order q))
    turn = ops.arcsinh(squares / (after * p + order * q))
    bulk = squares / (p + q) - ops.arcsinh(after / x) - order * turn
    ends = 0.25 * log1p(squares / ops.square(p))
    return bulk - ends + _log_correction(after, q) - _log_correction(order, p)


def _log_correction(order: Tensor, p: Tensor) -> Tensor:
    """Log of the sum of U_k(order / p) / order^k, in powers of 1 / p."""
    r = 1.0 / p
    s = ops.square(order * r)
    u1 = (3.0 - 5.0 * s) / 24.0
    u2 = (81.0 + s * (-462.0 + s * 385.0)) / 1152.0
    u3 = 30375.0 + s * (-369603.0 + s * (765765.0 - s * 425425.0))
    u4 = 4465125.0 + s * (
        -94121676.0 + s * (349922430.0 + s * (-446185740.0 + s * 185910725.0))
    )
    terms = u1 + r * (u2 + r * (u3 / 414720.0 + r * u4 / 39813120.0))
    return log1p(r * terms)
