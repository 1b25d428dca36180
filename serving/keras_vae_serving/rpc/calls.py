"""What all methods share: bytes in, bytes out, errors as gRPC's codes."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from keras_vae_serving.status import Code, ServingError, invalid

# TensorFlow Serving's. More would not fit into the headers of an answer.
MAX_ERROR_BYTES = 1024

_CODES = {code.value[0]: code for code in grpc.StatusCode}
T = TypeVar("T")

_LOG = logging.getLogger(__name__)


def unary(request_class: Any, answer: Callable[..., Awaitable[Any]]) -> Any:
    """Returns the handler of a method with one request and one response.

    Args:
        request_class: The request's message class.
        answer: Called with the request and a `grpc.aio.ServicerContext`, it
            gives the response, or raises a `ServingError`.
    """

    async def respond(data: bytes, context: Any) -> bytes:
        # Parsed here: where that fails gRPC would answer UNKNOWN.
        response = await answer(parse(request_class, data), context)
        return response.SerializeToString()

    async def call(data: bytes, context: Any) -> bytes:
        return await guarded(context, respond(data, context))

    return grpc.unary_unary_rpc_method_handler(call)


async def guarded(context: Any, work: Awaitable[T]) -> T:
    """Awaits what a call does; an error ends the call with its code."""
    try:
        return await work
    except ServingError as error:
        failure = error
    except Exception:
        _LOG.exception("A call failed.")
        failure = ServingError(
            Code.INTERNAL, "Internal error; the server's log says more."
        )
    await context.abort(_CODES[int(failure.code)], shortened(failure.message))
    raise failure  # never reached: `abort` raises


def parse(request_class: Any, data: bytes) -> Any:
    """Returns the message that bytes hold.

    Raises:
        ServingError: INVALID_ARGUMENT if they hold none.
    """
    try:
        return request_class.FromString(data)
    except DecodeError as error:
        name = request_class.DESCRIPTOR.full_name
        raise invalid(f"The request is not a valid {name} message") from error


def shortened(message: str) -> str:
    """Cuts a message as TensorFlow Serving does."""
    written = message.encode("utf-8", "replace")
    if len(written) <= MAX_ERROR_BYTES:
        return written.decode()
    return written[:MAX_ERROR_BYTES].decode(errors="ignore") + "...TRUNCATED"


def deadline_of(context: Any, timeout_s: float | None) -> float | None:
    """Returns when a call must be answered, in `time.monotonic()` seconds.

    Args:
        context: Knows how long the client waits.
        timeout_s: How long the server lets a call take.
    """
    limits = (context.time_remaining(), timeout_s)
    given = [limit for limit in limits if limit is not None]
    return time.monotonic() + min(given) if given else None
