"""API keys: who may ask, and how often."""

import hashlib
import hmac
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping

from keras_vae_serving.status import Code, ServingError

_BEARER = "bearer "
_MIN_LENGTH = 16
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")


class TooManyRequests(ServingError):
    """A key that makes more requests than it may.

    Args:
        retry_after_s: When it may make the next one, in seconds.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            Code.RESOURCE_EXHAUSTED,
            "This API key makes too many requests: try again in "
            f"{retry_after_s} s",
        )
        self.retry_after_s = retry_after_s


class Keys:
    """Checks the key of each request, and how many requests it makes.

    Keys are kept and compared as hashes, each time with all of them, so that
    the time that a comparison takes tells nothing about a key.

    Args:
        keys: The keys; none admits everybody.
        requests_per_second: How many requests a key may make, on average;
            `None` for any number. As many at once as in one second.
        clock: Gives the time in seconds.

    Raises:
        ValueError: if a key is shorter than 16 characters.
    """

    def __init__(
        self,
        keys: Iterable[str] = (),
        requests_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        given = list(keys)
        for key in given:
            _check_key(key)
        self._hashes = [_hash(key) for key in given]
        self._buckets = {
            digest: _Bucket(requests_per_second, clock)
            for digest in self._hashes
        }

    @property
    def required(self) -> bool:
        """Whether a request needs a key."""
        return bool(self._hashes)

    def check(self, headers: Mapping[str, str]) -> None:
        """Raises unless a request may be answered.

        Args:
            headers: By lower-case name, those of HTTP or gRPC metadata. The
                key stands in `authorization: Bearer KEY` or `x-api-key: KEY`.

        Raises:
            ServingError: UNAUTHENTICATED without a valid key,
                RESOURCE_EXHAUSTED for too many requests.
        """
        if not self.required:
            return
        given = _hash(_key_of(headers))
        found = None
        for digest in self._hashes:
            if hmac.compare_digest(digest, given):
                found = digest
        if found is None:
            raise ServingError(
                Code.UNAUTHENTICATED,
                "A valid API key is needed: send `Authorization: Bearer KEY` "
                "or `X-API-Key: KEY`",
            )
        wait_s = self._buckets[found].take()
        if wait_s > 0:
            raise TooManyRequests(math.ceil(wait_s))


class _Bucket:
    """A token bucket: one second's requests at most, refilled evenly."""

    def __init__(
        self, per_second: float | None, clock: Callable[[], float]
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._largest = max(1.0, per_second or 1.0)
        self._tokens = self._largest
        self._time = clock()

    def take(self) -> float:
        """Takes a token; returns 0, or how many seconds there is none."""
        if self._per_second is None:
            return 0.0
        now = self._clock()
        refill = (now - self._time) * self._per_second
        self._tokens = min(self._largest, self._tokens + refill)
        self._time = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._per_second


def read_keys(text: str) -> list[str]:
    """Reads a file of keys: one a line.

    `#` begins a comment at a line's start or after white space; a key may
    hold it.
    """
    lines = (_COMMENT.sub("", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _check_key(key: str) -> None:
    is_plain = key.isascii() and key.isprintable() and " " not in key
    if len(key) < _MIN_LENGTH or not is_plain:
        raise ValueError(
            f"An API key must be at least {_MIN_LENGTH} printable ASCII "
            "characters, without spaces or line ends. Received: one of "
            f"{len(key)} characters. Make one with `python -c "
            '"import secrets; print(secrets.token_urlsafe(32))"`.'
        )


def _key_of(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    if authorization.lower().startswith(_BEARER):
        return authorization[len(_BEARER) :].strip()
    return headers.get("x-api-key", "")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
