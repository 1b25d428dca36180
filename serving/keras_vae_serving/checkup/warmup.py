"""Reads the requests that TensorFlow Serving runs before it serves a version.

The file is a TFRecord of `tensorflow.serving.PredictionLog` messages. A
request that fails keeps the version from being loaded.
Source: https://www.tensorflow.org/tfx/serving/saved_model_warmup.
"""

import struct
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from keras_vae_serving.rpc.messages import PredictRequest

FILE = "assets.extra/tf_serving_warmup_requests"
_HEADER = struct.Struct("<QI")  # A record's length, and that number's CRC.
_CRC_SIZE = 4
_PREDICT_LOG, _REQUEST = 6, 1
_LENGTH_DELIMITED = 2


def problems(
    content: bytes, signatures: Mapping[str, Collection[str]]
) -> list[str]:
    """Says what would keep TensorFlow Serving from warming up.

    Args:
        content: The file.
        signatures: By name, the inputs of the SavedModel's signatures.
    """
    try:
        requests = list(_requests(content))
    except (ValueError, DecodeError) as error:
        return [
            f"`{FILE}` must be a TFRecord of PredictionLog messages. It "
            f"cannot be read ({error}). Export the version again."
        ]
    found = []
    for request in requests:
        name = request.model_spec.signature_name or "serving_default"
        given = set(request.inputs)
        if name not in signatures:
            found.append(f"`{FILE}` asks for `{name}`, which is no signature.")
        elif given != set(signatures[name]):
            found.append(
                f"`{FILE}` gives `{name}` the inputs {sorted(given)}, which "
                f"takes {sorted(signatures[name])}."
            )
    return [f"{one} Export the version again." for one in found]


def unbatchable(content: bytes) -> list[str]:
    """Returns the signatures that are warmed up with an input of no axis.

    TensorFlow Serving refuses such a request where it batches.

    Raises:
        ValueError: if the file cannot be read.
    """
    return [
        request.model_spec.signature_name
        for request in _requests(content)
        if any(not one.tensor_shape.dim for one in request.inputs.values())
    ]


def _requests(content: bytes) -> Iterator[Any]:
    for record in _records(content):
        log = _field(record, _PREDICT_LOG)
        if log is not None:
            yield PredictRequest.FromString(_field(log, _REQUEST) or b"")


def _records(content: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        header = content[start : start + _HEADER.size].ljust(_HEADER.size)
        length, _ = _HEADER.unpack(header)
        start += _HEADER.size
        if start + length + _CRC_SIZE > len(content):
            raise ValueError("a record ends before its length")
        yield content[start : start + length]
        start += length + _CRC_SIZE


def _field(message: bytes, number: int) -> bytes | None:
    """Returns a message's first field of a number that holds a message."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        if key & 7 != _LENGTH_DELIMITED:
            raise ValueError("a field that holds no message")
        size, place = _varint(message, place)
        if place + size > len(message):
            raise ValueError("a field ends before its length")
        if key >> 3 == number:
            return message[place : place + size]
        place += size
    return None


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if place == len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number that does not end")
