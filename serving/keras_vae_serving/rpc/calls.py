"""What all methods share: bytes in, bytes out, errors as gRPC's codes."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError

from keras_vae_serving.beside import Beside
from keras_vae_serving.status import Code, ServingError, invalid

# TensorFlow Serving's. More would not fit into the headers of an answer.
MAX_ERROR_BYTES = 1024

_CODES = {code.value[0]: code for code in grpc.StatusCode}
T = TypeVar("T")

_LOG = logging.getLogger(__name__)


def unary(
    request_class: Any,
    answer: Callable[..., Awaitable[Any]],
    beside: Beside,
) -> Any:
    """Returns the handler of a method with one request and one response.

    Args:
        request_class: The request's message class.
        answer: Called with the request and a `grpc.aio.ServicerContext`, it
            gives the response, or raises a `ServingError`.
        beside: Where large requests are parsed.
    """

    async def respond(data: bytes, context: Any) -> bytes:
        # Parsed here: where that fails gRPC would answer UNKNOWN.
        request = await beside.run(len(data), parse, request_class, data)
        response = await answer(request, context)
        return response.SerializeToString()

    return of_bytes(respond)


def of_bytes(answer: Callable[[bytes, Any], Awaitable[bytes]]) -> Any:
    """Returns the handler of a method that parses its request itself."""

    async def call(data: bytes, context: Any) -> bytes:
        return await guarded(context, answer(data, context))

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


def seconds_for(context: Any, timeout_s: float | None) -> float | None:
    """Returns how long a call may take; `None` for any time.

    Args:
        context: Knows how long the client waits.
        timeout_s: How long the server lets a call take.
    """
    limits = (context.time_remaining(), timeout_s)
    return min((one for one in limits if one is not None), default=None)


def deadline_of(context: Any, timeout_s: float | None) -> float | None:
    """Returns when a call must be answered, in `time.monotonic()` seconds.

    Args:
        context: Knows how long the client waits.
        timeout_s: How long the server lets a call take.
    """
    seconds = seconds_for(context, timeout_s)
    return None if seconds is None else time.monotonic() + seconds
