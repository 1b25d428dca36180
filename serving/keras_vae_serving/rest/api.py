"""TensorFlow Serving's REST API, as an ASGI application under `/v1/`."""

import contextlib
import logging
import time
from collections.abc import Awaitable
from typing import NamedTuple

from keras_vae_serving.beside import Beside
from keras_vae_serving.budget import Budget
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
    Tensors,
    find_signature,
    read_request,
    read_tensors,
)
from keras_vae_serving.rest.hints import Headers, hints
from keras_vae_serving.rest.json_text import error_body
from keras_vae_serving.rest.statuses import metadata_body, status_body
from keras_vae_serving.rest.to_json import answer_body
from keras_vae_serving.rest.urls import Call, NoSuchVersion, read_call
from keras_vae_serving.rest.waiting import wait_for
from keras_vae_serving.servable import Servable
from keras_vae_serving.status import ServingError

LOGGER = logging.getLogger("keras_vae_serving.rest")


class RestApi:
    """Answers what is asked under `/v1/`.

    Args:
        models: What is served.
        timeout_ms: How long a request may wait for its answer.
        limits: How large a request may be.
        headers: Of every answer.
        budget: Counts what the bodies take together.
        beside: Where large ones are worked on.
    """

    def __init__(
        self,
        models: ModelServer,
        timeout_ms: int,
        limits: BodyLimits,
        headers: Headers,
        budget: Budget,
        beside: Beside,
    ) -> None:
        self._models = models
        self._timeout_ms = timeout_ms
        self._limits = limits
        self._headers = headers
        self._budget = budget
        self._beside = beside

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
        headers = self._headers
        if answer.status != 200:
            headers = headers + hints(answer.status)
        await send_answer(answer, receive, send, headers)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers = dict(scope["headers"])
        if scope["method"] == "OPTIONS":
            return _preflight(b"origin" in headers)
        call = read_call(scope["method"], target_of(scope))
        if call.verb in ("status", "metadata"):
            return await _shielded(self._describe(call))
        with self._budget.share() as share:
            # What `receive` raises belongs to whoever made it.
            body = await read_body(
                headers, receive, self._limits, share, self._beside
            )
            return await _shielded(self._carry_out(call, body, receive))

    async def _describe(self, call: Call) -> bytes:
        """Returns what is answered about a model."""
        if call.verb == "status":
            return status_body(self._models, call.spec)
        with self._models.acquire(call.spec) as servable:
            return metadata_body(servable)

    async def _carry_out(
        self, call: Call, body: bytes, receive: Receive
    ) -> bytes:
        """Returns what a signature answers to a body, if it does in time."""
        trial = _Trial(time.monotonic() + self._timeout_ms / 1000)
        work = self._compute(call, body, trial)
        try:
            return await wait_for(work, receive, self._timeout_ms)
        finally:
            trial.has_ended = True

    async def _compute(self, call: Call, body: bytes, trial: "_Trial") -> bytes:
        with contextlib.ExitStack() as stack:
            question = await self._read(call, body, trial, stack)
            outputs = await self._models.predict(
                question.servable,
                question.signature,
                question.tensors.inputs,
                trial.deadline,
            )
        size = sum(one.size for one in outputs.values())
        return await self._beside.run(
            size, answer_body, question.tensors.form, outputs
        )

    async def _read(
        self,
        call: Call,
        body: bytes,
        trial: "_Trial",
        stack: contextlib.ExitStack,
    ) -> "_Question":
        """Reads a body; the stack holds the servable that it is for."""
        size, run = len(body), self._beside.run
        async with self._beside.place(size):
            request = await run(size, read_request, body, trial.is_over)
            name = request.signature
            if call.verb != "predict":
                check_examples(request)
            servable = stack.enter_context(self._models.acquire(call.spec))
            if call.verb != "predict":
                raise no_method(servable, name, call.verb)
            signature = find_signature(servable, name)
            tensors = await run(
                size, read_tensors, request.document, signature.inputs
            )
        return _Question(servable, name, tensors)


class _Trial:
    """How long it is worth to work on an answer.

    Args:
        deadline: In seconds of `time.monotonic()`.

    Attributes:
        has_ended: Whether nobody waits any more.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.has_ended = False

    def is_over(self) -> bool:
        return self.has_ended


class _Question(NamedTuple):
    """What is to be computed."""

    servable: Servable
    signature: str
    tensors: Tensors


async def _shielded(work: Awaitable[bytes]) -> Answer:
    """Returns an answer; a mistake of the server is logged, and not told."""
    try:
        return Answer(200, await work)
    except (ServingError, BodyError, ClientGone):
        raise
    except Exception:
        LOGGER.exception("A request could not be answered")
        return Answer(500, error_body("Internal error"))


def _preflight(has_origin: bool) -> Answer:
    """Answers OPTIONS; the headers of CORS are added to every answer."""
    return Answer(
        200 if has_origin else 400, b"", b"text/html; charset=ISO-8859-1"
    )
