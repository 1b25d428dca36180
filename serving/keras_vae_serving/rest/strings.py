"""Strings of tensors in a request: text, or base64 in an object."""

import binascii
import re

from keras_vae_serving.rest.echo import echo
from keras_vae_serving.rest.json_text import Json, Members
from keras_vae_serving.status import invalid

_BASE64 = "b64"
_SPACE = re.compile(r"[ \t\n\v\f\r]+")
# Abseil takes a dot for padding, too.
_TEXT = re.compile(r"([A-Za-z0-9+/]*)([=.]*)")


def is_base64(value: Json) -> bool:
    """Whether a value is `{"b64": "..."}` and nothing more."""
    return (
        isinstance(value, dict)
        and len(value) == 1
        and not isinstance(value, Members)
        and isinstance(value.get(_BASE64), str)
    )


def decode_object(value: dict) -> bytes:
    """Returns the bytes that `{"b64": "..."}` holds.

    Raises:
        ServingError: INVALID_ARGUMENT, if it holds none.
    """
    if not is_base64(value):
        raise invalid(
            f"JSON Value: {echo(value)} not formatted correctly for base64 data"
        )
    return _decode(value[_BASE64])


def _decode(text: str) -> bytes:
    """Decodes base64 whose padding is whole, or is missing."""
    found = _TEXT.fullmatch(_SPACE.sub("", text))
    if found:
        data, padding = found.groups()
        needed = -len(data) % 4
        if needed < 3 and len(padding) in (0, needed):
            return binascii.a2b_base64(data + "=" * needed)
    raise invalid("Unable to base64 decode")
