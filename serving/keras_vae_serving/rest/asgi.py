"""ASGI as the front end uses it: what is read, and what is sent."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON_TYPE = b"application/json"
# How long a client that is refused may go on sending: a connection that is
# closed at once takes the answer with it.
_LINGER_S = 1.0


class ClientGone(Exception):
    """The client left before it was answered."""


class Answer(NamedTuple):
    """An answer of HTTP.

    Attributes:
        status: Its code.
        body: What it says.
        content_type: Of the body.
        is_last: Whether the connection ends with it, because the request
            was not read to its end.
    """

    status: int
    body: bytes
    content_type: bytes = JSON_TYPE
    is_last: bool = False


def target_of(scope: Scope) -> str:
    """Returns what a request asks for, as it was sent."""
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    query = scope.get("query_string", b"")
    target = raw + b"?" + query if query else raw
    return target.decode("utf-8", "surrogateescape")


async def send_answer(
    answer: Answer,
    receive: Receive,
    send: Send,
    headers: list[tuple[bytes, bytes]],
) -> None:
    """Sends an answer.

    Args:
        answer: What is sent.
        receive: Where the rest of a request comes from, to be thrown away.
        send: ASGI's.
        headers: Further ones.
    """
    length = str(len(answer.body)).encode()
    all_headers = [
        (b"content-type", answer.content_type),
        (b"content-length", length),
        *headers,
    ]
    if answer.is_last:
        all_headers.append((b"connection", b"close"))
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": all_headers,
        }
    )
    body = {"type": "http.response.body", "body": answer.body}
    if answer.is_last:
        await send({**body, "more_body": True})
        await _throw_away(receive)
        body["body"] = b""
    await send(body)


async def _throw_away(receive: Receive) -> None:
    # The answer is out: no error can be told any more.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_LINGER_S):
            while (await receive()).get("more_body"):
                pass
