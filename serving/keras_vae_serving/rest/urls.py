"""What a method and a path ask for."""

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.status import ServingError, invalid

_FLAGS = re.IGNORECASE | re.ASCII
_SPEC = r"(?:/versions/([0-9]+)|/labels/([^/:]+))?"
# As the real server's: the path is matched whole, in either case.
_POST = re.compile(
    rf"/v1/models/([^/:]+){_SPEC}:(classify|regress|predict)", _FLAGS
)
_GET = re.compile(rf"/v1/models(?:/([^/:]+))?{_SPEC}(?:/(metadata))?", _FLAGS)
_DISPATCHED = re.compile("/v1/.*", _FLAGS)
_MAX_INT64 = 2**63 - 1
_VERBS = ("classify", "regress", "predict")


class Call(NamedTuple):
    """What is asked of which model.

    Attributes:
        verb: "predict", "classify", "regress", "metadata" or "status".
        spec: The model, and perhaps a version or a label.
    """

    verb: str
    spec: ModelSpec


class NoSuchVersion(Exception):
    """A version that is no 64-bit number: answered without a word."""


def is_dispatched(target: str) -> bool:
    """Whether a path belongs to the API at all."""
    return _DISPATCHED.fullmatch(target) is not None


def read_call(method: str, target: str) -> Call:
    """Returns what a request asks for.

    Args:
        method: HTTP's, e.g. "GET".
        target: The path as it was sent, with its percent signs and what
            follows a question mark.

    Raises:
        ServingError: INVALID_ARGUMENT, if it asks for nothing.
        NoSuchVersion: if its version is too big.
    """
    pattern = {"POST": _POST, "GET": _GET}.get(method)
    found = pattern.fullmatch(target) if pattern else None
    if found is None:
        raise _malformed(method, target)
    name, version, label, verb = found.groups()
    spec = ModelSpec(
        _decode(name or ""),
        _read_version(version) if version else None,
        _decode(label) if label else None,
    )
    if method == "POST":
        if verb not in _VERBS:
            raise _malformed(method, target)
        return Call(verb, spec)
    if not spec.name:
        raise invalid("Missing model name in request.")
    return Call("metadata" if verb == "metadata" else "status", spec)


def _malformed(method: str, target: str) -> ServingError:
    return invalid(f"Malformed request: {method} {target}")


def _decode(text: str) -> str:
    raw = unquote_to_bytes(text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "surrogateescape")


def _read_version(digits: str) -> int:
    number = digits.lstrip("0") or "0"
    if len(number) > len(str(_MAX_INT64)) or int(number) > _MAX_INT64:
        raise NoSuchVersion
    return int(number)
