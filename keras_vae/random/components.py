"""Which component of a mixture a sample's uniform bits choose."""

from typing import Any

import numpy as np

from keras_vae.validation import require


def thresholds(weights: Any) -> np.ndarray:
    """Returns the integers that split 32 uniform bits by mixture weights.

    Args:
        weights: Floats of shape `(num_components,)`, at least 0; they are
            divided by their sum.

    Returns:
        uint64 array of shape `(num_components,)`: the cumulative weights times
        2^32, rounded down. The last one is 2^32, so no bits reach it.

    Raises:
        ValueError: if `weights` is not a vector of finite numbers of at least
            0 with a positive sum.

    Example:
    >>> from keras_vae import random
    >>> random.thresholds([0.25, 0.75])
    array([1073741824, 4294967296], dtype=uint64)
    """
    values = np.asarray(weights, np.float64)
    usable = (
        values.ndim == 1
        and bool(np.all(np.isfinite(values) & (values >= 0)))
        and 0 < float(values.sum()) < np.inf
    )
    require(
        usable,
        "`weights` must be a vector of finite numbers of at least 0 with a "
        f"positive sum. Received: weights={weights!r}. "
        "Pass e.g. `thresholds([0.25, 0.75])`.",
    )
    cumulative = np.cumsum(values)
    return np.floor(cumulative / cumulative[-1] * 2.0**32).astype(np.uint64)


def choose(bits: Any, thresholds: Any) -> np.ndarray:
    """Returns the mixture component that uniform bits fall into.

    Args:
        bits: uint32 array of any shape, from `uniform_bits`.
        thresholds: uint64 array of shape `(num_components,)`, from
            `thresholds`.

    Returns:
        int64 array of the shape of `bits`: how many thresholds are at most
        the bits.

    Example:
    >>> from keras_vae import random
    >>> random.choose([0, 2**30 - 1, 2**30], random.thresholds([0.25, 0.75]))
    array([0, 0, 1])
    """
    return np.searchsorted(
        np.asarray(thresholds, np.uint64),
        np.asarray(bits, np.uint64),
        side="right",
    )


def choose_each(bits: Any, thresholds: Any) -> np.ndarray:
    """Returns what each of a sample's uniforms chooses.

    Args:
        bits: uint32 array of shape `(num_samples, num_choices)`.
        thresholds: uint64 array of shape `(num_choices, num_components)`,
            whose rows are from `thresholds`.

    Returns:
        int32 array of the shape of `bits`.

    Example:
    >>> from keras_vae import random
    >>> random.choose_each([[0, 2**31]], [random.thresholds([0.5, 0.5])] * 2)
    array([[0, 1]], dtype=int32)
    """
    columns = np.asarray(bits)
    choices = np.zeros(columns.shape, dtype="int32")
    for number, row in enumerate(thresholds):
        choices[:, number] = choose(columns[:, number], row)
    return choices
