"""Binarisation: intensities become draws of zeros and ones.

Every draw is a function of (seed, epoch, example) alone: NumPy's Philox
(Salmon et al. 2011) is keyed by (seed, epoch), and each example has a range
of the counter for itself. So neither shuffling, batch size nor the number of
workers can change it, and only raw words of the generator are used, which
NumPy keeps the same in all versions.
"""

import operator
from typing import Any

import numpy as np

from keras_vae.datasets import images as image_ops
from keras_vae.validation import one_of, require

MODES = (None, "threshold", "static", "dynamic")

_WORD = 2**64
_PIXELS, _ORDER = 0, 1  # two streams under one key
_REJECTED = 2**16 - 1
_BLOCK = 512


def check_mode(binarize: Any) -> str | None:
    """Returns `binarize`, or raises a `ValueError` that lists its values."""
    return one_of(
        "binarize",
        binarize,
        MODES,
        'Pass e.g. `binarize="dynamic"` for a Bernoulli likelihood, or None '
        "for grey levels.",
    )


def check_seed(seed: Any) -> int:
    """Returns `seed` as an integer; it is used modulo 2^64."""
    try:
        return operator.index(seed)
    except TypeError:
        raise TypeError(
            f"`seed` must be an integer. Received: seed={seed!r} of type "
            f"{type(seed).__name__}. Pass e.g. `seed=0`."
        ) from None


def check_intensities(images: Any, name: str = "images") -> np.ndarray:
    """Returns an array of uint8, or of float32 in [0, 1], to binarise.

    Raises:
        ValueError: if there is no example, or a value has no intensity.
    """
    array = np.asarray(images)
    require(
        array.ndim >= 2 and array.size > 0,
        f"`{name}` must hold at least one example and have shape "
        f"(num_examples, *event_shape). Received: shape {array.shape}. "
        "Pass e.g. an array of shape (100, 28, 28, 1).",
    )
    if array.dtype.kind == "f":
        low, high = array.min(), array.max()
        require(
            bool(low >= 0 and high <= 1),  # False for NaN too
            f"`{name}` must be uint8 grey levels or floats in [0, 1] to be "
            f"binarised. Received: floats from {low} to {high}. "
            f"Pass e.g. `{name}.astype('uint8')` for grey levels 0 to 255.",
        )
    return image_ops.canonical(array, f"`{name}`")


def apply(images: np.ndarray, mode: str | None, seed: int) -> np.ndarray:
    """Returns float32 images: intensities, thresholded or drawn once."""
    if mode == "static":
        return static(images, seed)
    if mode == "threshold":
        return threshold(images)
    return image_ops.to_intensities(images)


def threshold(images: np.ndarray) -> np.ndarray:
    """Returns 1 where the intensity exceeds one half, else 0, as float32."""
    middle = 127 if images.dtype == np.uint8 else 0.5
    return (images > middle).astype(np.float32)


def static(images: np.ndarray, seed: int) -> np.ndarray:
    """Draws each pixel once; equals the dynamic draw of epoch 0.

    Source: Salakhutdinov & Murray, 2008, "On the quantitative analysis of
    deep belief networks".

    Args:
        images: uint8, or float32 in [0, 1], of shape
            `(num_examples, *event_shape)`.
        seed: Integer.

    Returns:
        Array of 0 and 1 in float32, of the same shape.
    """
    drawn = np.empty(images.shape, np.float32)
    for start in range(0, len(images), _BLOCK):
        indices = np.arange(start, min(start + _BLOCK, len(images)))
        drawn[indices] = draw(images[indices], indices, seed, epoch=0)
    return drawn


def draw(
    images: np.ndarray, indices: np.ndarray, seed: int, epoch: int
) -> np.ndarray:
    """Draws pixels that are 1 with probability equal to the intensity.

    For uint8 the probability is v/255 exactly; for float32 it is the
    intensity rounded up to a multiple of 2^-24.

    Args:
        images: uint8, or float32 in [0, 1], of shape
            `(batch, *event_shape)`.
        indices: Each example's number in its dataset, of shape `(batch,)`.
        seed: Integer.
        epoch: Integer, at least 0.

    Returns:
        Array of 0 and 1 in float32, of the shape of `images`.
    """
    flat = images.reshape(len(images), -1)
    num_pixels = flat.shape[1]
    if images.dtype == np.uint8:
        # v/255 = 257 v / 65535: a uniform integer in 0..65534 below 257 v.
        limits = flat.astype(np.uint16) * np.uint16(257)
        ones = _uniform_16_bit(indices, num_pixels, seed, epoch) < limits
    else:
        words = _words(indices, -(-num_pixels // 2), seed, epoch)
        bits = words.view("<u4")[:, :num_pixels] >> 8
        ones = bits.astype(np.float32) < flat * np.float32(2**24)
    return ones.astype(np.float32).reshape(images.shape)


def order(num_examples: int, seed: int, epoch: int) -> np.ndarray:
    """Returns a permutation of the examples, drawn for this epoch."""
    generator = np.random.Philox(
        key=_key(seed, epoch), counter=_ORDER * _WORD**3
    )
    keys = generator.random_raw(num_examples)
    return np.argsort(keys, kind="stable")


def _uniform_16_bit(
    indices: np.ndarray, num_values: int, seed: int, epoch: int
) -> np.ndarray:
    """Returns uniform integers in 0..65534, of shape (batch, num_values).

    A 65535 is drawn again, from the example's next round: on average one
    value in 65,536.
    """
    num_words = -(-num_values // 4)
    values = _words(indices, num_words, seed, epoch).view("<u2")
    attempt = 1
    while (rejected := values == _REJECTED).any():
        rows = np.flatnonzero(rejected.any(axis=1))
        again = _words(indices[rows], num_words, seed, epoch, attempt)
        values[rows] = np.where(rejected[rows], again.view("<u2"), values[rows])
        attempt += 1
    return values[:, :num_values]


def _words(
    indices: np.ndarray,
    num_words: int,
    seed: int,
    epoch: int,
    attempt: int = 0,
) -> np.ndarray:
    """Returns random 64-bit words of shape (batch, num_words).

    The counter's four words are (position, example, attempt, stream).
    """
    generator = np.random.Philox(key=_key(seed, epoch))
    state: Any = generator.state
    counter = state["state"]["counter"]
    words = np.empty((len(indices), num_words), np.uint64)
    for row, index in enumerate(indices):
        counter[:] = 0, index, attempt, _PIXELS
        # Setting the state, rather than building a generator, keeps a batch
        # of 128 below half a millisecond.
        generator.state = state
        words[row] = generator.random_raw(num_words)
    return words.astype("<u8", copy=False)


def _key(seed: int, epoch: int) -> int:
    return int(seed) % _WORD + _WORD * int(epoch)
