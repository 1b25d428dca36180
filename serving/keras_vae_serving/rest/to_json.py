"""Answers in JSON: what a signature computed."""

import numpy as np
import orjson

from keras_vae_serving.rest.from_json import Form
from keras_vae_serving.rest.json_arrays import (
    array_text,
    check_array,
    is_plain,
)
from keras_vae_serving.rest.json_text import quote, wire
from keras_vae_serving.servable import Arrays
from keras_vae_serving.status import invalid


def answer_body(form: Form, outputs: Arrays) -> bytes:
    """Returns the body of an answer, in the form of its request.

    Args:
        form: The request's.
        outputs: Every output by name.

    Raises:
        ServingError: INVALID_ARGUMENT if JSON or rows cannot show them.
    """
    if not outputs:
        raise invalid("Cannot convert empty tensor map to JSON")
    for array in outputs.values():
        check_array(array)
    if form is Form.COLUMNAR:
        return b'{\n    "outputs": %b\n}' % _columns(outputs)
    count = _count_rows(outputs)
    return b'{\n    "predictions": %b\n}' % _rows(outputs, count)


def _columns(outputs: Arrays) -> bytes:
    texts = {name: array_text(name, one) for name, one in outputs.items()}
    if len(texts) > 1:
        return _object(texts)
    return next(iter(texts.values()))


def _count_rows(outputs: Arrays) -> int:
    """Returns how many rows every output has.

    The last name is looked at first, as the real server was seen to do.
    """
    count = 0
    for name in sorted(outputs, reverse=True):
        shape = outputs[name].shape
        if not shape:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if not shape[0]:
            raise invalid(f"Tensor name: {name} has invalid batch size: 0")
        if count and shape[0] != count:
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: "
                f"{shape[0]} expecting: {count}"
            )
        count = shape[0]
    return count


def _rows(outputs: Arrays, count: int) -> bytes:
    if len(outputs) == 1:
        return _columns(outputs)
    arrays = {name: np.asarray(one, order="C") for name, one in outputs.items()}
    if all(map(is_plain, arrays.values())):
        rows = [
            {name: one[index] for name, one in arrays.items()}
            for index in range(count)
        ]
        return orjson.dumps(rows, option=orjson.OPT_SERIALIZE_NUMPY)
    texts = [_row_text(arrays, index) for index in range(count)]
    return b"[%b]" % b",".join(texts)


def _row_text(arrays: Arrays, index: int) -> bytes:
    # `[index, ...]` is an array even if it holds but one value.
    return _object(
        {
            name: array_text(name, one[index, ...])
            for name, one in arrays.items()
        }
    )


def _object(texts: dict[str, bytes]) -> bytes:
    members = (
        b"%b:%b" % (quote(wire(name)).encode("latin-1"), text)
        for name, text in texts.items()
    )
    return b"{%b}" % b",".join(members)
