"""Smooth bounds for parameters that must stay positive and finite."""

from keras import ops

from keras_vae.types import Tensor

# exp(-7) = 0.0009 and exp(7) = 1,097 bound every learned scale.
LOG_SCALE_LIMIT = 7.0


def positive_scale(raw: Tensor, limit: float = LOG_SCALE_LIMIT) -> Tensor:
    """Maps real numbers smoothly to scales in (exp(-limit), exp(limit)).

    Near 0 it is `exp(raw)`; far away its gradient fades and never jumps to
    zero, as a hard clip's would.

    Args:
        raw: Tensor of any shape.
        limit: Positive float, the largest absolute value of log-scale.

    Returns:
        Tensor of the same shape, positive.
    """
    # log scale = limit * tanh(raw / limit)
    return ops.exp(limit * ops.tanh(raw / limit))
