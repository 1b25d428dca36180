"""What stands before the gRPC services: admission and records."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from keras_vae_serving.operations import access_log
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.status import Code, ServingError

_HEALTH = "/grpc.health.v1.Health/"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class RpcGate(grpc.aio.ServerInterceptor):
    """Lets calls in, counts and logs them.

    Health checks pass freely: orchestrators have no key.

    Args:
        admission: Who is let in.
        metrics: Where calls are counted.
    """

    def __init__(self, admission: Admission, metrics: Metrics) -> None:
        self._admission = admission
        self._metrics = metrics

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Returns the handler of a call, with the gate around it."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or handler.unary_unary is None:
            return handler
        if method.startswith(_HEALTH):
            return handler
        metadata = {
            name: value
            for name, value in handler_call_details.invocation_metadata
            if isinstance(value, str)
        }

        async def guarded(request: Any, context: Any) -> Any:
            return await self._answer(
                handler.unary_unary, request, context, method, metadata
            )

        return grpc.unary_unary_rpc_method_handler(
            guarded, handler.request_deserializer, handler.response_serializer
        )

    async def _answer(
        self,
        answer: Callable[[Any, Any], Awaitable[Any]],
        request: Any,
        context: Any,
        method: str,
        metadata: dict[str, str],
    ) -> Any:
        start = time.perf_counter()
        try:
            with self._admission.admit(metadata):
                in_flight = self._metrics.in_flight.labels("grpc")
                with in_flight.track_inprogress():
                    return await answer(request, context)
        except ServingError as error:
            await context.abort(_CODES[int(error.code)], error.message)
        finally:
            seconds = time.perf_counter() - start
            self._note(context, method, metadata, seconds)

    def _note(
        self,
        context: Any,
        method: str,
        metadata: dict[str, str],
        seconds: float,
    ) -> None:
        code = _code_of(context)
        name = method.rpartition("/")[2]
        self._metrics.request("grpc", name, code, seconds)
        access_log.write(
            protocol="grpc",
            client=context.peer(),
            method=method,
            code=code,
            ms=round(1000 * seconds, 3),
            user_agent=metadata.get("user-agent"),
        )


def _code_of(context: Any) -> str:
    code = context.code()
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    return Code(number or 0).name
