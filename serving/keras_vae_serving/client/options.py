"""How a client connects: time limits, its key, whom it trusts."""

import math
import os
import ssl
from typing import Any, NamedTuple

from keras_vae_serving.client.steps import Describe, Request
from keras_vae_serving.client.target import Target


class Options(NamedTuple):
    """What a transport is made with.

    Attributes:
        target: What it speaks to.
        timeout_s: How long one request may take, in seconds.
        headers: What is sent with every request, by lower-case name.
        authorities: PEM text of the authorities to trust; `None` for those
            of the system.
    """

    target: Target
    timeout_s: float
    headers: dict[str, str]
    authorities: str | None

    def seconds_for(self, request: Request) -> float:
        """Returns how long a request may take."""
        if isinstance(request, Describe) and request.timeout_s is not None:
            return min(self.timeout_s, request.timeout_s)
        return self.timeout_s


def make_options(
    target: Target,
    timeout_s: float,
    api_key: str | None,
    tls_ca: str | os.PathLike[str] | None,
) -> Options:
    """Checks what a client is made with.

    Args:
        target: What it speaks to.
        timeout_s: How long one request may take, in seconds.
        api_key: The key that the server asks for, if it does.
        tls_ca: Path of a PEM file with the authorities to trust.

    Raises:
        ValueError: if an argument is not as described.
        OSError: if the file cannot be read.
    """
    check_seconds("timeout_s", timeout_s)
    headers = {}
    if api_key is not None:
        _check_key(api_key)
        headers["authorization"] = f"Bearer {api_key}"
    authorities = None
    if tls_ca is not None:
        authorities = _read_authorities(tls_ca, target)
    return Options(target, float(timeout_s), headers, authorities)


def check_seconds(name: str, value: Any) -> None:
    """Raises a `ValueError` unless a value is a time to wait."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value and math.isfinite(value)):
        raise ValueError(
            f"`{name}` must be a number of seconds above 0. Received: "
            f"{name}={value!r}. Pass e.g. `{name}=30.0`."
        )


def _check_key(api_key: Any) -> None:
    is_key = isinstance(api_key, str) and api_key.isascii()
    # The key itself is kept out of messages, and so out of logs.
    if not (is_key and api_key.isprintable() and api_key.strip() == api_key):
        raise ValueError(
            "`api_key` must be printable ASCII without spaces around it. "
            f"Received: another value, of type {type(api_key).__name__}. "
            "Pass e.g. `api_key=os.environ['KERAS_VAE_API_KEY']`."
        )
    if not api_key:
        raise ValueError(
            "`api_key` must not be empty. Received: api_key=''. Leave it out "
            "where the server asks for none."
        )


def _read_authorities(path: str | os.PathLike[str], target: Target) -> str:
    if not target.is_encrypted:
        raise ValueError(
            "`tls_ca` must be given with an encrypted address. Received: "
            f"tls_ca={os.fspath(path)!r}. Pass an address that begins with "
            "`https://` or `grpcs://`, or leave it out."
        )
    with open(path, "rb") as file:
        # Only what stands between certificates may be of other characters.
        text = file.read().decode("ascii", "ignore")
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError(
            "`tls_ca` must be a PEM file of certificates. Received: "
            f"tls_ca={os.fspath(path)!r}, which holds none ({error}). Pass "
            "the file of the authority that signed the server's certificate."
        ) from error
    return text
