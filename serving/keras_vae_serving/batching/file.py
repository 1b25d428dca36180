"""Reads TensorFlow Serving's file of batching parameters."""

import pathlib

from keras_vae_serving.batching.parameters import (
    BatchingParameters,
    from_fields,
)
from keras_vae_serving.store.text_format import Field, Message, parse
from keras_vae_serving.store.text_tokens import TextFormatError

_WRAPPED = ("int64", "bool", "string")
_INT, _BOOL, _STRING = (
    Field(Message(kind, {"value": Field(kind)})) for kind in _WRAPPED
)
SCHEMA = Message(
    "BatchingParameters",
    {
        "max_batch_size": _INT,
        "batch_timeout_micros": _INT,
        "max_enqueued_batches": _INT,
        "num_batch_threads": _INT,
        "thread_pool_name": _STRING,
        "allowed_batch_sizes": Field("int64", repeated=True),
        "pad_variable_length_inputs": Field("bool"),
        "enable_large_batch_splitting": _BOOL,
        "max_execution_batch_size": _INT,
    },
)


def read(path: pathlib.Path) -> BatchingParameters:
    """Reads a batching parameters file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not in the text format, or a value is not one
            that a scheduler takes.
    """
    text = path.read_text(encoding="utf-8")
    try:
        fields = parse(text, SCHEMA)
    except TextFormatError as error:
        raise ValueError(
            f"{str(path)!r} must be a file of batching parameters: {error}"
        ) from error
    return from_fields(fields)
