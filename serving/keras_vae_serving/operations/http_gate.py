"""What stands before the REST front end: admission, time limits, records."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.metrics import CONTENT_TYPE, Metrics
from keras_vae_serving.status import Code, ServingError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

METRICS_PATHS = ("/metrics", "/monitoring/prometheus/metrics")
# Asked by orchestrators, which have no key, also while the server stops.
PROBE_PATHS = ("/healthz", "/readyz")
_METHODS = {
    ":predict": "predict",
    ":classify": "classify",
    ":regress": "regress",
    "/metadata": "metadata",
}


class HttpGate:
    """An ASGI application around the REST front end.

    Args:
        app: The front end.
        admission: Who is let in.
        metrics: Where requests are counted; also what `/metrics` answers.
        body_timeout_s: How long a client may take to send a body.
    """

    def __init__(
        self,
        app: App,
        admission: Admission,
        metrics: Metrics,
        body_timeout_s: float,
    ) -> None:
        self._app = app
        self._admission = admission
        self._metrics = metrics
        self._body_timeout_s = body_timeout_s

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers a request."""
        if scope["type"] != "http" or scope["path"] in PROBE_PATHS:
            await self._app(scope, receive, send)
            return
        record = _Record(scope, send)
        try:
            with self._admission.admit(_headers(scope)):
                self._metrics.in_flight.labels("rest").inc()
                try:
                    await self._answer(scope, receive, record)
                finally:
                    self._metrics.in_flight.labels("rest").dec()
        except ServingError as error:
            await _send_error(error, record.send)
        finally:
            self._note(scope, record)

    async def _answer(
        self, scope: Scope, receive: Receive, record: "_Record"
    ) -> None:
        if scope["path"] in METRICS_PATHS and scope["method"] == "GET":
            text = self._metrics.text()
            await _send(200, CONTENT_TYPE, text, record.send)
            return
        deadline = asyncio.get_running_loop().time() + self._body_timeout_s
        is_complete = False

        async def receive_in_time() -> Message:
            nonlocal is_complete
            if is_complete:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _SlowBody from None
            is_complete = not message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_in_time, record.send)
        except _SlowBody:
            text = _error_text(
                "The request's body did not arrive within "
                f"{self._body_timeout_s:g} s"
            )
            headers = [(b"connection", b"close")]
            await _send(408, "application/json", text, record.send, headers)

    def _note(self, scope: Scope, record: "_Record") -> None:
        seconds = time.perf_counter() - record.start
        method = method_of(scope["path"])
        self._metrics.request("rest", method, str(record.status), seconds)
        client = scope.get("client")
        access_log.write(
            protocol="rest",
            client=client[0] if client else None,
            method=scope["method"],
            path=scope["path"],
            status=record.status,
            bytes=record.size,
            ms=round(1000 * seconds, 3),
            user_agent=_headers(scope).get("user-agent"),
        )


class _SlowBody(Exception):
    """A client that takes too long to send its request."""


class _Record:
    """Notes what is answered."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.start = time.perf_counter()
        self.status = 499  # unless it is answered: the client went away
        self.size = 0
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.size += len(message.get("body", b""))
        await self._send(message)


def method_of(path: str) -> str:
    """Returns a word for what a path asks for, of a fixed set."""
    if path in METRICS_PATHS:
        return "metrics"
    if not path.lower().startswith("/v1/models"):
        return "other"
    for ending, method in _METHODS.items():
        if path.endswith(ending):
            return method
    return "status"


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
    }


async def _send_error(error: ServingError, send: Send) -> None:
    headers = []
    if error.code in (Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED):
        headers.append((b"retry-after", b"1"))
    if error.code == Code.UNAUTHENTICATED:
        headers.append((b"www-authenticate", b"Bearer"))
    text = _error_text(error.message)
    status = error.http_status
    await _send(status, "application/json", text, send, headers)


def _error_text(message: str) -> bytes:
    return json.dumps({"error": message}, indent=4).encode()


async def _send(
    status: int,
    content_type: str,
    body: bytes,
    send: Send,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *(headers or []),
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})
