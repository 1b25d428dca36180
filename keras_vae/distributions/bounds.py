"""Smooth bounds for parameters that must stay positive and finite."""

import math

from keras import ops

from keras_vae.types import Tensor

# exp(-7) = 0.0009 and exp(7) = 1,097 bound every learned scale.
LOG_SCALE_LIMIT = 7.0


def bounded(raw: Tensor, limit: float) -> Tensor:
    """Maps real numbers smoothly to (-limit, limit).

    Near 0 it is the identity; far away its gradient fades as 1 / raw^2, so
    that it never gets lost in rounding: a hyperbolic tangent's is zero in
    float32 from `raw = 64` on, as a hard clip's.

    Args:
        raw: Tensor of any shape.
        limit: Positive float, the largest absolute value.

    Returns:
        Tensor of the same shape.
    """
    # c * arctan(raw / c), c = 2 / pi * limit
    c = 2.0 / math.pi * limit
    return c * ops.arctan(raw / c)


def positive_scale(raw: Tensor, limit: float = LOG_SCALE_LIMIT) -> Tensor:
    """Maps real numbers smoothly to scales in (exp(-limit), exp(limit)).

    Near 0 it is `exp(raw)`; far away its gradient fades as that of
    `bounded`.

    Args:
        raw: Tensor of any shape.
        limit: Positive float, the largest absolute value of log-scale.

    Returns:
        Tensor of the same shape, positive.
    """
    return ops.exp(bounded(raw, limit))
