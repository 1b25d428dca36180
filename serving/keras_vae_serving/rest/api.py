"""TensorFlow Serving's REST API, as an ASGI application under `/v1/`."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rest.asgi import (
    Answer,
    ClientGone,
    Receive,
    Scope,
    Send,
    send_answer,
    target_of,
)
from keras_vae_serving.rest.body import BodyError, BodyLimits, read_body
from keras_vae_serving.rest.examples import check_examples, no_method
from keras_vae_serving.rest.from_json import (
    find_signature,
    read_request,
    read_tensors,
)
from keras_vae_serving.rest.json_text import error_body
from keras_vae_serving.rest.statuses import metadata_body, status_body
from keras_vae_serving.rest.to_json import answer_body
from keras_vae_serving.rest.urls import Call, NoSuchVersion, read_call
from keras_vae_serving.rest.waiting import wait_for
from keras_vae_serving.status import ServingError

T = TypeVar("T")

LOGGER = logging.getLogger("keras_vae_serving.rest")

_CORS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST, GET"),
    (b"access-control-allow-headers", b"Content-Type"),
]
# Work on so many bytes, or so many values, is done beside the loop.
_LARGE_BODY = 64 * 1024
_LARGE_OUTPUT = 64 * 1024


class RestApi:
    """Answers what is asked under `/v1/`.

    Args:
        models: What is served.
        timeout_ms: How long a request may wait for its answer.
        limits: How large a request may be.
        enable_cors: Whether pages of other origins may ask.
    """

    def __init__(
        self,
        models: ModelServer,
        timeout_ms: int,
        limits: BodyLimits,
        enable_cors: bool,
    ) -> None:
        self._models = models
        self._timeout_ms = timeout_ms
        self._limits = limits
        self._headers = _CORS if enable_cors else []

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers one request."""
        try:
            answer = await self._answer(scope, receive)
        except ServingError as error:
            answer = Answer(error.http_status, error_body(error.message))
        except BodyError as error:
            body = error_body(error.message)
            answer = Answer(error.status, body, is_last=not error.is_read)
        except NoSuchVersion:
            answer = Answer(400, b"")
        except ClientGone:
            return
        if scope["method"] == "HEAD":
            answer = answer._replace(body=b"")
        await send_answer(answer, receive, send, self._headers)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            return _preflight(b"origin" in headers)
        call = read_call(scope["method"], target_of(scope))
        body = b""
        if call.verb not in ("status", "metadata"):
            # What `receive` raises belongs to whoever made it.
            body = await read_body(headers, receive, self._limits)
        try:
            return Answer(200, await self._carry_out(call, body, receive))
        except (ServingError, ClientGone):
            raise
        except Exception:
            LOGGER.exception("A request could not be answered")
            return Answer(500, error_body("Internal error"))

    async def _carry_out(
        self, call: Call, body: bytes, receive: Receive
    ) -> bytes:
        """Returns what is answered to a call."""
        if call.verb == "status":
            return status_body(self._models, call.spec)
        if call.verb == "metadata":
            with self._models.acquire(call.spec) as servable:
                return metadata_body(servable)
        return await self._compute(call, body, receive)

    async def _compute(
        self, call: Call, body: bytes, receive: Receive
    ) -> bytes:
        """Returns what a signature answers to a body."""
        size = len(body)
        request = await _beside(size > _LARGE_BODY, read_request, body)
        if call.verb != "predict":
            check_examples(request)
        with self._models.acquire(call.spec) as servable:
            if call.verb != "predict":
                raise no_method(servable, request.signature, call.verb)
            signature = find_signature(servable, request.signature)
            tensors = await _beside(
                size > _LARGE_BODY,
                read_tensors,
                request.document,
                signature.inputs,
            )
            deadline = time.monotonic() + self._timeout_ms / 1000
            work = self._models.predict(
                servable, request.signature, tensors.inputs, deadline
            )
            outputs = await wait_for(work, receive, self._timeout_ms)
        size = sum(one.size for one in outputs.values())
        return await _beside(
            size > _LARGE_OUTPUT, answer_body, tensors.form, outputs
        )


async def _beside(
    is_large: bool, function: Callable[..., T], *arguments: Any
) -> T:
    """Calls a function; in a thread if it may take long."""
    if is_large:
        return await asyncio.to_thread(function, *arguments)
    return function(*arguments)


def _preflight(has_origin: bool) -> Answer:
    """Answers OPTIONS; the headers of CORS are added to every answer."""
    return Answer(
        200 if has_origin else 400, b"", b"text/html; charset=ISO-8859-1"
    )
