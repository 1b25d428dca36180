"""The headers of an answer that tell a client what to do about an error."""

import math

Headers = list[tuple[bytes, bytes]]

_AGAIN_S = 1


def hints(status: int, retry_after_s: float | None = None) -> Headers:
    """Returns the headers that go with a status.

    Args:
        status: The answer's.
        retry_after_s: When to ask again; `None` if that is not known.
    """
    if status == 503:
        retry_after_s = retry_after_s or _AGAIN_S
    found = []
    if retry_after_s is not None:
        found.append((b"retry-after", str(math.ceil(retry_after_s)).encode()))
    if status == 401:
        found.append((b"www-authenticate", b"Bearer"))
    return found
