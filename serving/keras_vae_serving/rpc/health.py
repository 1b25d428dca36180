"""The state that `grpc.health.v1.Health` tells."""

import asyncio
from collections.abc import AsyncIterator

from keras_vae_serving.rpc.messages import HealthCheckResponse
from keras_vae_serving.status import Code, ServingError

# As TensorFlow Serving calls them; "" is the server as a whole.
SERVICES = ("", "ModelService", "PredictionService")


class Health:
    """Whether the server takes requests.

    To be used on the event loop of the server alone.

    Args:
        is_serving: Whether it does to begin with.
    """

    def __init__(self, is_serving: bool = True) -> None:
        self._is_serving = is_serving
        self._is_stopped = False
        self._changed = asyncio.Event()

    def set_serving(self, is_serving: bool) -> None:
        """Says whether the server takes requests from now on."""
        if is_serving != self._is_serving and not self._is_stopped:
            self._is_serving = is_serving
            self._tell()

    def stop(self) -> None:
        """Says that the server stops: NOT_SERVING for good.

        Those who watch are told, and their calls end: a server that stops
        waits for its calls.
        """
        self._is_serving = False
        self._is_stopped = True
        self._tell()

    def check(self, service: str) -> int:
        """Returns the status of a service, as `HealthCheckResponse` has it.

        Raises:
            ServingError: NOT_FOUND if there is no such service.
        """
        if service not in SERVICES:
            raise ServingError(Code.NOT_FOUND, "service name unknown")
        return self._status(service)

    async def watch(self, service: str) -> AsyncIterator[int]:
        """Yields the status of a service now, and whenever it changes.

        It ends when the server stops.
        """
        last = None
        while True:
            # Read before the status is sent: it may change meanwhile.
            changed, is_stopped = self._changed, self._is_stopped
            status = self._status(service)
            if status != last:
                yield status
                last = status
            if is_stopped:
                return
            await changed.wait()

    def _status(self, service: str) -> int:
        if service not in SERVICES:
            return HealthCheckResponse.SERVICE_UNKNOWN
        if self._is_serving:
            return HealthCheckResponse.SERVING
        return HealthCheckResponse.NOT_SERVING

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
