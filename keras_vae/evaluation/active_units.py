"""Active units: which latent dimensions a VAE uses."""

import math
import numbers
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_vae.validation import positive_int, require


class ActiveUnits(NamedTuple):
    """The latent dimensions that vary with x.

    Attributes:
        count: Integer, how many do.
        variances: Array `(latent_dim,)`, the variance over the examples of
            each dimension's posterior mean.
    """

    count: int  # type: ignore[assignment]  # A tuple has a method count.
    variances: np.ndarray


def active_units(
    vae: Any,
    x: Any,
    threshold: float = 0.01,
    batch_size: int = 1000,
    condition: Any = None,
) -> ActiveUnits:
    """Counts the latent dimensions whose posterior mean varies with x.

    Dimension u is active where the variance over x of E_q(u|x)[u] is above
    the threshold; the others have collapsed to the prior and carry next to
    nothing of x. The variance is over the examples given, divided by their
    number.
    Source: Burda et al., 2016, section 5.2,
    https://arxiv.org/abs/1509.00519.

    Args:
        vae: `keras_vae.VAE`.
        x: Array `(num_examples, *event_shape)`, at least 2 examples.
        threshold: Non-negative float, in squared units of z. Defaults to
            the paper's `0.01`.
        batch_size: Positive integer, examples encoded at a time.
        condition: A `ConditionalVAE`'s array of labels or vectors; `None`
            for a VAE.

    Returns:
        Named tuple `count, variances`.

    Raises:
        TypeError: if `threshold` is no number, or `batch_size` no integer.
        ValueError: if `x` has another shape, values outside the
            likelihood's support or fewer than 2 examples, or a number is
            out of its range.

    Example:
    >>> keras_vae.evaluation.active_units(vae, x_test).count
    19
    """
    threshold = _checked_threshold(threshold)
    size = positive_int("batch_size", batch_size, "Pass `batch_size=1000`.")
    vae.check_data(x, condition)
    count = int(x.shape[0])
    require(
        count >= 2,
        "`x` must hold at least 2 examples, whose posterior means can vary. "
        f"Received: x.shape={tuple(x.shape)}. Pass e.g. "
        "`active_units(vae, x_test)`.",
    )
    means = [
        _means(vae, x, condition, slice(first, first + size))
        for first in range(0, count, size)
    ]
    variances = np.concatenate(means).astype("float64").var(axis=0)
    return ActiveUnits(int((variances > threshold).sum()), variances)


def _means(vae: Any, x: Any, condition: Any, part: slice) -> np.ndarray:
    given = None if condition is None else condition[part]
    return ops.convert_to_numpy(vae.encode(x[part], given).mean())


def _checked_threshold(threshold: Any) -> float:
    message = (
        "`threshold` must be a finite number of at least 0. Received: "
        f"threshold={threshold!r} of type {type(threshold).__name__}. "
        "Pass e.g. `threshold=0.01`."
    )
    is_number = isinstance(threshold, numbers.Real)
    if not is_number or isinstance(threshold, bool):
        raise TypeError(message)
    value = float(threshold)
    require(math.isfinite(value) and value >= 0, message)
    return value
