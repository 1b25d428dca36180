"""Requests and answers of REST, as bytes."""

import base64
import itertools
import json
import math
from typing import Any

import numpy as np
import orjson

from keras_vae_serving.client import failures
from keras_vae_serving.servable import Arrays, Outputs
from keras_vae_serving.status import Code, ServingError

_MAX_SHOWN = 200
# The statuses of this server and of TensorFlow Serving; one that several
# codes share means the first of them. 502 is a proxy's word: it may have
# passed the request on.
_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    408: Code.DEADLINE_EXCEEDED,
    409: Code.ABORTED,
    413: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    431: Code.INVALID_ARGUMENT,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def request_body(signature: str, inputs: Arrays) -> bytes:
    """Returns the JSON of a `:predict` request, in columns."""
    values = {k: orjson.Fragment(_text(v)) for k, v in inputs.items()}
    return orjson.dumps({"signature_name": signature, "inputs": values})


def _text(value: np.ndarray) -> bytes:
    """Returns an array's JSON.

    The contract writes what JSON lacks, NaN and the infinities, bare.
    """
    if not value.ndim:  # orjson writes arrays of at least one axis.
        return orjson.dumps(value.item())
    native = value.astype(value.dtype.newbyteorder("="), order="C", copy=False)
    text = orjson.dumps(native, option=orjson.OPT_SERIALIZE_NUMPY)
    if value.dtype.kind != "f" or np.isfinite(value).all():
        return text
    parts = text.split(b"null")
    numbers = native[~np.isfinite(native)]
    words = [*map(_word, numbers.tolist()), b""]
    return b"".join(itertools.chain(*zip(parts, words, strict=True)))


def _word(number: float) -> bytes:
    if math.isnan(number):
        return b"NaN"
    return b"Infinity" if number > 0 else b"-Infinity"


def outputs_of(status: int, body: bytes, single: str) -> Outputs:
    """Reads the answer of a `:predict` request.

    Args:
        status: Of the HTTP answer.
        body: Its JSON.
        single: The name of the output, where there is but one: it is left
            out then.

    Returns:
        By name, arrays of float32, int64, bool, or `bytes` as objects.

    Raises:
        ServingError: if the server says that something went wrong.
    """
    content = content_of(status, body)
    if not isinstance(content, dict) or "outputs" not in content:
        raise failures.malformed(f"no outputs in {_shown(body)}")
    outputs = content["outputs"]
    if not isinstance(outputs, dict):
        outputs = {single: outputs}
    return {name: _array(name, value) for name, value in outputs.items()}


def content_of(status: int, body: bytes) -> Any:
    """Reads an answer's JSON.

    Raises:
        ServingError: if the server says that something went wrong.
    """
    content = _read(body)
    if status != 200:
        message = content.get("error") if isinstance(content, dict) else None
        code = _CODES.get(status, Code.UNKNOWN)
        if not isinstance(message, str):
            message = f"HTTP {status}: {_shown(body)}"
        raise ServingError(code, message)
    if content is None:
        raise failures.malformed(f"no JSON but {_shown(body)}")
    return content


def _read(body: bytes) -> Any:
    """Reads JSON with NaN and infinities; `None` if it is no JSON at all."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # TensorFlow Serving prints strings as they are, also if not UTF-8.
        return json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _array(name: str, value: Any) -> np.ndarray:
    try:
        if name.endswith("_bytes"):  # A name says so, as the contract has it.
            return _strings(value)
        array = np.asarray(value)
    except (ValueError, TypeError, LookupError) as error:
        raise failures.malformed(f"{name} is no array ({error})") from error
    if array.dtype.kind not in "biuf":
        raise failures.malformed(f"{name} holds no numbers")
    # What is of type float has a decimal point in each number.
    return array.astype("float32") if array.dtype.kind == "f" else array


def _strings(value: Any) -> np.ndarray:
    array = np.empty(len(value), object)
    for place, one in enumerate(value):
        array[place] = base64.b64decode(one["b64"], validate=True)
    return array


def _shown(body: bytes) -> str:
    return repr(body[:_MAX_SHOWN].decode("utf-8", "replace"))
