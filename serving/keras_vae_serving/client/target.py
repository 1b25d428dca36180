"""Where a server is, and which version of which model is meant."""

import re
import urllib.parse
from typing import Any, NamedTuple

_HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?"
_HOST_AND_PORT = re.compile(rf"(?:{_HOST}):([0-9]{{1,5}})")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~%-]+)*")
_MAX_PORT = 65535
_FIX = (
    "Pass e.g. `Client('http://localhost:8501', 'digits')` for REST, or "
    "`Client('localhost:8500', 'digits')` for gRPC."
)
# By scheme, whether the connection is encrypted.
_SCHEMES = {"http": False, "https": True, "grpc": False, "grpcs": True}


class Target(NamedTuple):
    """What a client speaks to.

    Attributes:
        protocol: `"rest"` or `"grpc"`.
        address: `"host:port"`.
        is_encrypted: Whether by TLS.
        prefix: What stands before `/v1` in a URL of REST.
        model: The model's name.
        version: Its version; `None` for the newest.
        label: Its version's label, in place of `version`.
    """

    protocol: str
    address: str
    is_encrypted: bool
    prefix: str
    model: str
    version: int | None
    label: str | None

    @property
    def path(self) -> str:
        """The model's path in URLs of REST."""
        name = urllib.parse.quote(self.model, safe="")
        path = f"{self.prefix}/v1/models/{name}"
        if self.version is not None:
            return f"{path}/versions/{self.version}"
        if self.label is not None:
            return f"{path}/labels/{urllib.parse.quote(self.label, safe='')}"
        return path


def parse(
    address: str, model: str, version: int | None, label: str | None
) -> Target:
    """Reads where a server is.

    Args:
        address: A URL `http://host:port` or `https://...` for REST;
            `host:port`, `grpc://host:port` or `grpcs://...` for gRPC.
        model: The model's name.
        version: Its version, if not the newest.
        label: Its version's label, in place of `version`.

    Raises:
        ValueError: if they are not as described.
    """
    _check_name("model", model)
    _check_version(version, label)
    if not isinstance(address, str):
        raise _wrong_address(address, "a string")
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "grpc", address
    if scheme not in _SCHEMES:
        raise _wrong_address(address, f"of the schemes {list(_SCHEMES)}")
    host, slash, path = rest.partition("/")
    prefix = (slash + path).rstrip("/")
    is_rest = scheme in ("http", "https")
    if is_rest and ":" not in host.rpartition("]")[2]:
        host += ":443" if scheme == "https" else ":80"
    if not _is_host_and_port(host):
        raise _wrong_address(address, "a URL, or host:port")
    _check_prefix(address, prefix, is_rest)
    protocol = "rest" if is_rest else "grpc"
    return Target(
        protocol, host, _SCHEMES[scheme], prefix, model, version, label
    )


def _is_host_and_port(text: str) -> bool:
    match = _HOST_AND_PORT.fullmatch(text)
    return match is not None and 0 < int(match[1]) <= _MAX_PORT


def _check_prefix(address: str, prefix: str, is_rest: bool) -> None:
    if prefix and not is_rest:
        raise _wrong_address(address, "host:port alone where gRPC is spoken")
    if "v1" in prefix.split("/"):
        raise _wrong_address(address, "the server's URL, without /v1/models")
    if not _PREFIX.fullmatch(prefix):
        raise _wrong_address(address, "a URL without a query")


def _check_version(version: Any, label: Any) -> None:
    if version is not None and label is not None:
        raise ValueError(
            "`version` and `label` must not be given together. Received: "
            f"version={version!r}, label={label!r}. Leave one out."
        )
    if label is not None:
        _check_name("label", label)
    is_int = isinstance(version, int) and not isinstance(version, bool)
    if version is not None and not (is_int and 0 <= version < 2**63):
        raise ValueError(
            "`version` must be an integer of at least 0. Received: version="
            f"{version!r} of type {type(version).__name__}. Leave it out for "
            "the newest."
        )


def _check_name(argument: str, name: Any) -> None:
    if not (isinstance(name, str) and name):
        raise ValueError(
            f"`{argument}` must be a string that is not empty. Received: "
            f"{argument}={name!r}. {_FIX}"
        )


def _wrong_address(address: Any, expected: str) -> ValueError:
    return ValueError(
        f"`address` must be {expected}. Received: address={address!r}. {_FIX}"
    )
