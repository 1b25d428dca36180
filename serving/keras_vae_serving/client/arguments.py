"""Checks of what a user passes to a client, before anything is sent."""

import secrets
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

_INT32_MAX = 2**31 - 1
_INT64 = np.iinfo(np.int64)
_SEED_RANGE = "from -2^63 to 2^63 - 1"


def count(num_samples: Any) -> np.ndarray:
    """Returns how many samples are wanted, as int32.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is negative or no int32.
    """
    message = (
        f"`num_samples` must be an integer from 0 to {_INT32_MAX}. Received: "
        f"num_samples={num_samples!r} of type {type(num_samples).__name__}. "
        "Pass e.g. `num_samples=16`."
    )
    value = _index(num_samples, message)
    if not 0 <= value <= _INT32_MAX:
        raise ValueError(message)
    return np.asarray(value, "int32")


def seed(value: Any) -> np.ndarray:
    """Returns a seed as int64; for `None` a fresh one.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is no int64.
    """
    if value is None:
        value = secrets.randbits(63)
    message = (
        f"`seed` must be an integer {_SEED_RANGE}. Received: seed={value!r} "
        f"of type {type(value).__name__}. Pass e.g. `seed=7`."
    )
    number = _index(value, message)
    if not _INT64.min <= number <= _INT64.max:
        raise ValueError(message)
    return np.asarray(number, "int64")


def seeds(values: ArrayLike) -> np.ndarray:
    """Returns a vector of seeds as int64.

    Raises:
        TypeError: if they are no integers.
        ValueError: if one is no int64, or they are no vector.
    """
    fix = "Pass e.g. `seeds=[7, 8, 9]`."
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(
            "`seeds` must have shape (num_samples,). Received: shape "
            f"{array.shape}. {fix}"
        )
    if array.size == 0:
        return array.astype("int64")
    # Beyond 64 bits NumPy has objects, or floats.
    large = array.dtype.kind == "O" and all(isinstance(v, int) for v in array)
    if array.dtype.kind not in "iu" and not large:
        raise TypeError(
            f"`seeds` must be integers {_SEED_RANGE}. Received: an array of "
            f"dtype {array.dtype}. {fix}"
        )
    if not _INT64.min <= int(array.min()) <= int(array.max()) <= _INT64.max:
        raise ValueError(
            f"`seeds` must be integers {_SEED_RANGE}. Received: "
            f"{int(array.min())} to {int(array.max())}. {fix}"
        )
    return array.astype("int64")


def temperature(value: Any) -> np.ndarray:
    """Returns a temperature as float32.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is negative, or not finite.
    """
    return temperatures(value, ())


def temperatures(values: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
    """Returns temperatures as float32 of a shape; one may stand for all.

    Raises:
        TypeError: if they are no numbers.
        ValueError: if one is negative or not finite, or they do not fit.
    """
    array = np.asarray(values)
    fix = "Pass e.g. `temperature=0.8`."
    if array.dtype.kind not in "iuf":
        raise TypeError(
            "`temperature` must hold numbers of at least 0. Received: "
            f"temperature={values!r}. {fix}"
        )
    if array.shape not in ((), shape):
        expected = f"be one number or have shape {shape}"
        if not shape:
            expected = "be one number"
        raise ValueError(
            f"`temperature` must {expected}. Received: shape {array.shape}. "
            f"{fix}"
        )
    with np.errstate(over="ignore"):
        scales = array.astype("float32")
    if not bool(np.all(np.isfinite(scales) & (scales >= 0))):
        raise ValueError(
            "`temperature` must be at least 0 and finite in float32. "
            f"Received: temperature={values!r}. {fix}"
        )
    return np.broadcast_to(scales, shape)


def latents(z: ArrayLike) -> np.ndarray:
    """Returns latents as float32.

    Raises:
        TypeError: if they are no numbers.
        ValueError: if they have another rank than 2.
    """
    array = _floats("z", z)
    if array.ndim != 2:
        raise ValueError(
            "`z` must have shape (N, latent_dim). Received: shape "
            f"{array.shape}. Pass one row for each image, e.g. `z[None]` for "
            "a single one."
        )
    return array


def observations(x: ArrayLike) -> np.ndarray:
    """Returns observations as float32.

    Raises:
        TypeError: if they are no numbers.
        ValueError: if there is no batch axis.
    """
    array = _floats("x", x)
    if array.ndim < 2:
        raise ValueError(
            "`x` must have shape (N, ...). Received: shape "
            f"{array.shape}. Pass a batch, e.g. `x[None]` for a single one."
        )
    return array


def seeds_of_rows(value: Any, num_rows: int) -> np.ndarray:
    """Returns a seed for each row; one integer stands for all.

    Raises:
        TypeError: if they are no integers.
        ValueError: if one is no int64, or they do not fit.
    """
    if np.ndim(value) == 0:
        return np.broadcast_to(seed(value), num_rows)
    given = seeds(value)
    if len(given) != num_rows:
        raise ValueError(
            "`seed` must be one integer, or one for each row of `x`. "
            f"Received: {len(given)} for {num_rows} rows. Pass e.g. `seed=0`."
        )
    return given


def _floats(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must hold real numbers. Received: an array of dtype "
            f"{array.dtype}. Pass a float32 array."
        )
    return array.astype("float32", copy=False)


def _index(value: Any, message: str) -> int:
    """Returns a Python integer; a bool is none."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        raise TypeError(message)
    return int(value.__index__())
