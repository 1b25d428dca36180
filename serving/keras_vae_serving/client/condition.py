"""What a conditional model is told: labels or vectors."""

import numpy as np
from numpy.typing import ArrayLike

_FIX = "Pass labels, one a row, or vectors of shape (N, condition_dim)."


def checked(condition: ArrayLike, num_rows: int) -> np.ndarray:
    """Returns a condition as an array of labels or vectors.

    Args:
        condition: Labels `(N,)` or `(N, 1)`, or vectors `(N, condition_dim)`;
            one label, or one vector `(1, condition_dim)`, stands for all.
        num_rows: N.

    Raises:
        TypeError: if it holds no numbers.
        ValueError: if its shape is another, or a number is not finite.
    """
    array = np.asarray(condition)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            "`condition` must hold numbers. Received: an array of dtype "
            f"{array.dtype}. {_FIX}"
        )
    rows = array[None] if array.ndim == 0 else array
    if rows.ndim > 2 or len(rows) not in (1, num_rows):
        raise ValueError(
            "`condition` must hold one label or vector, or one for each of "
            f"the {num_rows} rows. Received: shape {array.shape}. {_FIX}"
        )
    if not np.isfinite(rows).all():
        raise ValueError(
            "`condition` must hold finite numbers. Received: NaN or infinity "
            f"in an array of shape {array.shape}. {_FIX}"
        )
    return rows


def may_be_labels(rows: np.ndarray) -> bool:
    """Whether the model must be asked what the condition is."""
    return rows.ndim == 1 or rows.shape[1] == 1


def as_vectors(
    rows: np.ndarray, condition_dim: int | None, num_rows: int
) -> np.ndarray:
    """Returns float32 vectors `(num_rows, condition_dim)`; labels one-hot.

    Args:
        rows: What `checked` returns.
        condition_dim: What the model takes; `None` if it takes none.
        num_rows: How many rows there shall be.

    Raises:
        ValueError: if the model takes no condition, or no such label.
    """
    if condition_dim is None:
        raise ValueError(
            "`condition` must be left out: the model takes none. Received: "
            f"an array of shape {rows.shape}. Call without `condition`."
        )
    if condition_dim > 1 and may_be_labels(rows):
        rows = _one_hot(rows.reshape(-1), condition_dim)
    vectors = rows.reshape(-1, condition_dim).astype("float32")
    return np.broadcast_to(vectors, (num_rows, condition_dim))


def _one_hot(labels: np.ndarray, condition_dim: int) -> np.ndarray:
    bad = (labels != np.floor(labels)) | (labels < 0)
    bad |= labels >= condition_dim
    if bad.any():
        place = int(np.argmax(bad))
        raise ValueError(
            f"`condition` must hold labels of the {condition_dim} classes. "
            f"Received: condition[{place}]={labels[place]}. Pass labels from "
            f"0 to {condition_dim - 1}."
        )
    return np.eye(condition_dim, dtype="float32")[labels.astype(int)]
