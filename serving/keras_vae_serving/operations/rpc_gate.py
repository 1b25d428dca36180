"""What stands before the gRPC services: admission, time limits, records."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.status import Code, ServingError, invalid

_HEALTH = "/grpc.health.v1.Health/"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
# A call without a message is given up by gRPC itself where one was too large.
_PATIENCE_S = 0.1

Answer = Callable[[Any, Any], Awaitable[Any]]


class RpcGate(grpc.aio.ServerInterceptor):
    """Lets calls in, counts and logs them.

    Health checks pass freely: orchestrators have no key.

    Args:
        admission: Who is let in.
        metrics: Where calls are counted.
        message_timeout_s: How long a client may take to send its message.
    """

    def __init__(
        self,
        admission: Admission,
        metrics: Metrics,
        message_timeout_s: float,
    ) -> None:
        self._admission = admission
        self._metrics = metrics
        self._message_timeout_s = message_timeout_s

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Returns the handler of a call, with the gate around it.

        It is one that reads the message itself, so that who is refused need
        not send it, and who is let in must.
        """
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or handler.unary_unary is None:
            return handler
        if method.startswith(_HEALTH):
            return handler

        async def guarded(_: Any, context: Any) -> Any:
            metadata = _text_of(context.invocation_metadata())
            record = _Record(self._metrics, context, method, metadata)
            with record.noting():
                return await self._answer(
                    handler.unary_unary, context, metadata
                )

        return grpc.stream_unary_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )

    async def _answer(
        self, answer: Answer, context: Any, metadata: dict[str, str]
    ) -> Any:
        try:
            # Until the answer is sent: a client that does not take it would
            # let others pile up in memory.
            stack = contextlib.ExitStack()
            stack.enter_context(self._admission.admit(metadata))
            in_flight = self._metrics.in_flight.labels("grpc")
            stack.enter_context(in_flight.track_inprogress())
            share = stack.enter_context(self._admission.budget.share())
            context.add_done_callback(lambda _: stack.close())
            message = await self._message(context)
            # How much there was of it before is known to gRPC alone.
            share.take(len(message))
            return await answer(message, context)
        except ServingError as error:
            await context.abort(_CODES[int(error.code)], error.message)

    async def _message(self, context: Any) -> Any:
        """Returns the call's message, once the client has sent it."""
        seconds = self._message_timeout_s
        try:
            async with asyncio.timeout(seconds):
                message = await context.read()
        except TimeoutError:
            raise ServingError(
                Code.DEADLINE_EXCEEDED,
                f"The call's message did not arrive within {seconds:g} s",
            ) from None
        if message is grpc.aio.EOF:
            await asyncio.sleep(_PATIENCE_S)
            raise invalid("The call has no message")
        return message


class _Record:
    """Notes how a call ends."""

    def __init__(
        self,
        metrics: Metrics,
        context: Any,
        method: str,
        metadata: dict[str, str],
    ) -> None:
        self._metrics = metrics
        self._context = context
        self._method = method
        self._metadata = metadata

    @contextlib.contextmanager
    def noting(self) -> Any:
        """Notes the code with which the block ends."""
        start = time.perf_counter()
        code = Code.OK.name
        try:
            yield
        except asyncio.CancelledError:
            code = self._code_of_cancelled()
            raise
        except BaseException:
            code = self._code()
            raise
        finally:
            self._note(code, time.perf_counter() - start)

    def _note(self, code: str, seconds: float) -> None:
        name = self._method.rpartition("/")[2]
        self._metrics.request("grpc", name, code, seconds)
        access_log.write(
            protocol="grpc",
            client=self._context.peer(),
            method=self._method,
            code=code,
            ms=round(1000 * seconds, 3),
            user_agent=self._metadata.get("user-agent"),
        )

    def _code_of_cancelled(self) -> str:
        """Why gRPC gave a call up: it was late, or the client left."""
        left_s = self._context.time_remaining()
        is_late = left_s is not None and left_s <= 0
        return (Code.DEADLINE_EXCEEDED if is_late else Code.CANCELLED).name

    def _code(self) -> str:
        code = self._context.code()
        number = code.value[0] if isinstance(code, grpc.StatusCode) else code
        return Code(number or Code.UNKNOWN).name


def _text_of(metadata: Any) -> dict[str, str]:
    return {
        name: value for name, value in metadata or () if isinstance(value, str)
    }
