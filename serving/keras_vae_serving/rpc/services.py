"""The gRPC services, registered by their names: no generated code."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from keras_vae_serving.beside import Beside
from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rpc import (
    calls,
    messages,
    model_metadata,
    model_status,
    predict,
    reload_config,
)
from keras_vae_serving.rpc.health import Health
from keras_vae_serving.status import Code, ServingError

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
HEALTH_SERVICE = "grpc.health.v1.Health"

MAX_MESSAGE_BYTES = 64 * 2**20
MAX_WATCHERS = 100

_LABELLING = ("Classify", "Regress", "MultiInference")


def add_services(
    server: grpc.aio.Server,
    model_server: ModelServer,
    health: Health,
    *,
    max_message_bytes: int = MAX_MESSAGE_BYTES,
    timeout_s: float | None = None,
    max_watchers: int = MAX_WATCHERS,
    beside: Beside | None = None,
) -> None:
    """Registers PredictionService, ModelService and Health with a server.

    Args:
        server: Not started yet.
        model_server: Answers the requests.
        health: What Health tells.
        max_message_bytes: What the tensors of a request may take.
        timeout_s: How long a prediction may take; a client's own deadline
            holds if it is sooner.
        max_watchers: How many calls of Health's Watch there may be at once.
        beside: Where large messages are worked on; `None` to make it here.
    """
    beside = beside or Beside()
    services = {
        PREDICTION_SERVICE: _prediction_service(
            model_server, max_message_bytes, timeout_s, beside
        ),
        MODEL_SERVICE: _model_service(model_server, timeout_s, beside),
        HEALTH_SERVICE: _health_service(health, max_watchers, beside),
    }
    server.add_generic_rpc_handlers(
        tuple(
            grpc.method_handlers_generic_handler(name, methods)
            for name, methods in services.items()
        )
    )


def _prediction_service(
    server: ModelServer,
    max_bytes: int,
    timeout_s: float | None,
    beside: Beside,
) -> dict[str, Any]:
    async def call_predict(data: bytes, context: Any) -> bytes:
        deadline = calls.deadline_of(context, timeout_s)
        return await predict.answer(server, data, deadline, max_bytes, beside)

    async def get_metadata(request: Any, context: Any) -> Any:
        return model_metadata.answer(server, request)

    return {
        "Predict": calls.of_bytes(call_predict),
        "GetModelMetadata": calls.unary(
            messages.GetModelMetadataRequest, get_metadata, beside
        ),
        **{name: _not_offered(name) for name in _LABELLING},
    }


def _not_offered(name: str) -> Any:
    async def refuse(data: bytes, context: Any) -> bytes:
        message = f"{name} is not offered: a VAE has no labels. Use Predict."
        raise ServingError(Code.UNIMPLEMENTED, message)

    return calls.of_bytes(refuse)


def _model_service(
    server: ModelServer, timeout_s: float | None, beside: Beside
) -> dict[str, Any]:
    async def get_status(request: Any, context: Any) -> Any:
        return model_status.answer(server, request)

    async def reload(request: Any, context: Any) -> Any:
        configs = reload_config.read(request)
        seconds = calls.seconds_for(context, timeout_s)
        # It waits for models to be loaded.
        await asyncio.to_thread(server.reload, configs, seconds)
        return reload_config.response()

    return {
        "GetModelStatus": calls.unary(
            messages.GetModelStatusRequest, get_status, beside
        ),
        "HandleReloadConfigRequest": calls.unary(
            messages.ReloadConfigRequest, reload, beside
        ),
    }


def _health_service(
    health: Health, max_watchers: int, beside: Beside
) -> dict[str, Any]:
    async def check(request: Any, context: Any) -> Any:
        status = health.check(request.service)
        return messages.HealthCheckResponse(status=status)

    return {
        "Check": calls.unary(messages.HealthCheckRequest, check, beside),
        "Watch": grpc.unary_stream_rpc_method_handler(
            _watch(health, asyncio.Semaphore(max_watchers))
        ),
    }


def _watch(
    health: Health, places: asyncio.Semaphore
) -> Callable[[bytes, Any], Awaitable[None]]:
    async def watch(data: bytes, context: Any) -> None:
        request = calls.parse(messages.HealthCheckRequest, data)
        if places.locked():
            message = "As many calls watch the health as may: use Check."
            raise ServingError(Code.RESOURCE_EXHAUSTED, message)
        async with places:
            async for status in health.watch(request.service):
                response = messages.HealthCheckResponse(status=status)
                await context.write(response.SerializeToString())

    async def call(data: bytes, context: Any) -> None:
        await calls.guarded(context, watch(data, context))

    return call
