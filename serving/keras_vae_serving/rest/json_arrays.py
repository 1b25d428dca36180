"""Arrays as JSON, in which strings need not be UTF-8."""

import base64

import numpy as np
import orjson

from keras_vae_serving import dtypes
from keras_vae_serving.rest.json_text import quote
from keras_vae_serving.status import invalid

# Outputs of such names are written in base64, not as text.
_BYTES_SUFFIX = "_bytes"
_WITHOUT_JSON = frozenset(
    np.dtype(name) for name in ("float16", "uint16", "complex64", "complex128")
)
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def check_array(array: np.ndarray) -> None:
    """Raises for a type that JSON answers do not have.

    Raises:
        ServingError: INVALID_ARGUMENT, as the real server says it.
    """
    if array.dtype in _WITHOUT_JSON:
        word = dtypes.of_numpy(array.dtype).word
        raise invalid(f"Failed to write JSON value for tensor type: {word}")


def is_plain(array: np.ndarray) -> bool:
    """Whether orjson writes an array as it shall be written."""
    kind = array.dtype.kind
    return kind in "biu" or (kind == "f" and bool(np.isfinite(array).all()))


def array_text(name: str, array: np.ndarray) -> bytes:
    """Returns an array as JSON.

    Args:
        name: The output's: it may say that its strings are no text.
        array: Of strings (objects of type `bytes`) or numbers.
    """
    if not array.size or is_plain(array):
        return _plain_text(array if array.size else array.astype(bool))
    if array.dtype.kind == "f":
        texts = _number_texts(array)
    else:
        texts = _string_texts(array, name.endswith(_BYTES_SUFFIX))
    for size in reversed(array.shape):
        texts = [
            b"[%b]" % b",".join(texts[start : start + size])
            for start in range(0, len(texts), size)
        ]
    return texts[0]


def _plain_text(array: np.ndarray) -> bytes:
    if not array.ndim:
        return orjson.dumps(array[()], option=_OPTIONS)
    if not array.flags.c_contiguous:
        array = array.copy()
    return orjson.dumps(array, option=_OPTIONS)


def _number_texts(array: np.ndarray) -> list[bytes]:
    """Returns each number; those that JSON lacks by their names."""
    flat = array.ravel()
    texts = orjson.dumps(flat, option=_OPTIONS)[1:-1].split(b",")
    for index in np.flatnonzero(~np.isfinite(flat)):
        number = flat[index]
        if np.isnan(number):
            texts[index] = b"NaN"
        else:
            texts[index] = b"Infinity" if number > 0 else b"-Infinity"
    return texts


def _string_texts(array: np.ndarray, is_bytes: bool) -> list[bytes]:
    if is_bytes:
        encoded = (base64.b64encode(one) for one in array.ravel())
        return [b'{"b64":"%b"}' % text for text in encoded]
    texts = (quote(one.decode("latin-1")) for one in array.ravel())
    return [text.encode("latin-1") for text in texts]
