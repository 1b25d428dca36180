"""Checks of what the seeded stream is asked for."""

import operator
from typing import Any

import numpy as np

from keras_vae.validation import require

# Each seed has 2^64 blocks: the first half for normals, the other for uniforms.
FIRST_UNIFORM_BLOCK = 2**63

_INT64 = np.iinfo(np.int64)


def checked_seed(seed: Any) -> np.ndarray:
    """Returns a seed as uint64 of shape `(1, 1)`."""
    message = (
        "`seed` must be an integer from -2^63 to 2^63 - 1. Received: "
        f"seed={seed!r} of type {type(seed).__name__}. Pass e.g. `seed=7`."
    )
    value = _as_index(seed, message)
    require(_INT64.min <= value <= _INT64.max, message)
    return np.full((1, 1), value % 2**64, np.uint64)


def checked_seeds(seeds: Any) -> np.ndarray:
    """Returns a vector of seeds as uint64 of shape `(num_seeds, 1)`."""
    expected = "integers from -2^63 to 2^63 - 1"
    fix = "Pass e.g. `seeds=[7, 8, 9]`."
    values = _as_integers("seeds", seeds, expected, fix)
    require(
        values.ndim == 1,
        "`seeds` must have shape (num_samples,). "
        f"Received: shape {values.shape}. {fix}",
    )
    largest = int(values.max(initial=0))
    require(
        largest <= _INT64.max,
        f"`seeds` must be {expected}. Received: {largest} among them. {fix}",
    )
    return values.astype(np.int64).view(np.uint64)[:, None]


def checked_counters(counters: Any) -> np.ndarray:
    """Returns block numbers as uint64 of their own shape."""
    expected = "integers from 0 to 2^64 - 1"
    fix = "Pass e.g. `counters=range(8)`."
    values = _as_integers("counters", counters, expected, fix)
    smallest = int(values.min(initial=0))
    require(
        smallest >= 0,
        f"`counters` must be {expected}. "
        f"Received: {smallest} among them. {fix}",
    )
    return values.astype(np.uint64)


def checked_stream(
    num_samples: Any, dim_name: str, dim: Any, start: Any
) -> tuple[int, int, int]:
    """Checks that the samples lie within a seed's half of the stream."""
    num_samples = checked_count("num_samples", num_samples)
    dim = checked_count(dim_name, dim)
    start = checked_count("start", start)
    require(
        (start + num_samples) * ((dim + 1) // 2) <= FIRST_UNIFORM_BLOCK,
        "`start + num_samples` must not pass the end of the seed's stream, "
        f"which has 2^64 values. Received: start={start}, "
        f"num_samples={num_samples}, {dim_name}={dim}. "
        "Pass another seed, e.g. `seed=8`, in place of so late a start.",
    )
    return num_samples, dim, start


def checked_count(name: str, value: Any) -> int:
    """Returns a count as an integer of at least 0."""
    message = (
        f"`{name}` must be an integer of at least 0. Received: "
        f"{name}={value!r} of type {type(value).__name__}. "
        f"Pass e.g. `{name}=16`."
    )
    count = _as_index(value, message)
    require(count >= 0, message)
    return count


def checked_temperatures(
    name: str, temperatures: Any, num_samples: int
) -> np.ndarray:
    """Returns temperatures as float32 of shape `(num_samples, 1)`."""
    values = np.asarray(temperatures)
    received = f"Received: {name}={temperatures!r}. Pass e.g. `{name}=0.8`."
    if values.dtype.kind not in "fiu":
        raise TypeError(f"`{name}` must hold numbers of at least 0. {received}")
    require(
        values.shape in ((), (num_samples,)),
        f"`{name}` must be one number or have shape ({num_samples},). "
        f"Received: shape {values.shape}. Pass e.g. `{name}=0.8`.",
    )
    with np.errstate(over="ignore"):
        scales = np.broadcast_to(values, num_samples).astype(np.float32)
    require(
        bool(np.all(np.isfinite(scales) & (scales >= 0))),
        f"`{name}` must be at least 0 and finite in float32. {received}",
    )
    return scales[:, None]


def _as_integers(name: str, values: Any, expected: str, fix: str) -> np.ndarray:
    """Returns an array of integers; an empty one may be of any type."""
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"`{name}` must be {expected}. "
            f"Received: an array of dtype {array.dtype}. {fix}"
        )
    return array


def _as_index(value: Any, message: str) -> int:
    """Returns a Python integer; a bool is none."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(message)
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(message) from error
