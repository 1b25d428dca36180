"""What stands before the REST front end: admission, time limits, records."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.metrics import CONTENT_TYPE, Metrics
from keras_vae_serving.rest.asgi import (
    Answer,
    Message,
    Receive,
    Scope,
    Send,
    send_answer,
)
from keras_vae_serving.rest.hints import Headers, hints
from keras_vae_serving.rest.json_text import error_body
from keras_vae_serving.status import Code, ServingError

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger(__name__)

METRICS_PATHS = ("/metrics", "/monitoring/prometheus/metrics")
# Asked by orchestrators, which have no key, also while the server stops.
PROBE_PATHS = ("/healthz", "/readyz")
_PIECE = 64 * 1024
_SMALL_BODY = 64 * 1024
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
        headers: Those of CORS, for what is answered here; with them, who
            asks by OPTIONS what a page may send needs no key.
    """

    def __init__(
        self,
        app: App,
        admission: Admission,
        metrics: Metrics,
        body_timeout_s: float,
        headers: Headers | None = None,
    ) -> None:
        self._app = app
        self._admission = admission
        self._metrics = metrics
        self._body_timeout_s = body_timeout_s
        self._headers = headers or []

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers a request."""
        if scope["type"] != "http" or self._is_free(scope):
            await self._app(scope, receive, send)
            return
        record = _Record(scope, send)
        try:
            await self._let_in(scope, receive, record)
        except ServingError as error:
            await self._refuse(error, scope, receive, record)
        except asyncio.CancelledError:
            if record.is_begun or not self._admission.is_stopping:
                raise
            text = "The server stopped before it could answer"
            late = ServingError(Code.UNAVAILABLE, text)
            await self._refuse(late, scope, receive, record)
        finally:
            self._note(scope, record)

    def _is_free(self, scope: Scope) -> bool:
        """Whether anybody may ask this at any time."""
        if scope["path"] in PROBE_PATHS:
            return True
        # A browser never sends a key with it.
        return bool(self._headers) and scope["method"] == "OPTIONS"

    async def _refuse(
        self,
        error: ServingError,
        scope: Scope,
        receive: Receive,
        record: "_Record",
    ) -> None:
        is_last = self._admission.is_stopping or _has_large_body(scope)
        body = error_body(error.message)
        answer = Answer(error.http_status, body, is_last=is_last)
        hinted = hints(error.http_status, error.retry_after_s)
        headers = self._headers + hinted
        await send_answer(answer, receive, record.send, headers)

    async def _let_in(
        self, scope: Scope, receive: Receive, record: "_Record"
    ) -> None:
        headers = _headers(scope)
        if scope["path"] in METRICS_PATHS and scope["method"] == "GET":
            # Wanted most of all when there is too much to do.
            self._admission.keys.check(headers)
            answer = Answer(200, self._metrics.text(), CONTENT_TYPE.encode())
            await send_answer(answer, receive, record.send, [])
            return
        with self._admission.admit(headers):
            in_flight = self._metrics.in_flight.labels("rest")
            with in_flight.track_inprogress():
                await self._answer(scope, receive, record)

    async def _answer(
        self, scope: Scope, receive: Receive, record: "_Record"
    ) -> None:
        receive_in_time = _in_time(receive, self._body_timeout_s)
        try:
            await self._app(scope, receive_in_time, record.send)
        except _SlowBody:
            text = (
                "The request's body did not arrive within "
                f"{self._body_timeout_s:g} s"
            )
            answer = Answer(408, error_body(text), is_last=True)
        except Exception:
            _LOG.exception("A request could not be answered.")
            if record.is_begun:  # uvicorn cuts the connection.
                raise
            answer = Answer(500, error_body("Internal error"), is_last=True)
        else:
            return
        await send_answer(answer, receive, record.send, self._headers)

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


def _in_time(receive: Receive, seconds: float) -> Receive:
    """Returns a `receive` that raises `_SlowBody` if a body is late."""
    deadline = asyncio.get_running_loop().time() + seconds
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

    return receive_in_time


class _Record:
    """Notes what is answered, and sends it piece by piece.

    uvicorn writes a piece once the client has taken the one before. So a
    client that is slow holds one piece in the connection's buffer, and its
    place among the requests until it has taken nearly all.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self.start = time.perf_counter()
        self.status = 499  # unless it is answered: the client went away
        self.size = 0
        self.is_begun = False
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_begun = True
        body = message.get("body", b"")
        self.size += len(body)
        if len(body) <= _PIECE:
            await self._send(message)
            return
        last = (len(body) - 1) // _PIECE * _PIECE
        for start in range(0, last, _PIECE):
            piece = body[start : start + _PIECE]
            await self._send({**message, "body": piece, "more_body": True})
        await self._send({**message, "body": body[last:]})


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


def _has_large_body(scope: Scope) -> bool:
    """Whether it is not worth it to read a body that nobody needs."""
    headers = dict(scope["headers"])
    digits = headers.get(b"content-length", b"0")
    is_small = digits.isdigit() and float(digits) <= _SMALL_BODY
    return not is_small or b"transfer-encoding" in headers
