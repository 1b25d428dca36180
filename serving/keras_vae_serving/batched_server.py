"""The model server: a store of versions behind a scheduler of batches."""

import asyncio
import time

from keras_vae_serving.batching.scheduler import Scheduler
from keras_vae_serving.checks import InputLimits, check_inputs
from keras_vae_serving.model_server import Models
from keras_vae_serving.servable import Arrays, Outputs, Servable


class BatchedModelServer:
    """Answers what the front ends ask; see `ModelServer` for the methods.

    Args:
        store: The versions that are loaded.
        scheduler: Runs the requests.
        limits: How much one request may ask for.
    """

    def __init__(
        self, store: Models, scheduler: Scheduler, limits: InputLimits
    ) -> None:
        self._scheduler = scheduler
        self._limits = limits
        self.statuses = store.statuses
        self.acquire = store.acquire
        self.reload = store.reload

    async def predict(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        deadline: float | None = None,
    ) -> Outputs:
        """Checks a request and runs it; see `ModelServer.predict`."""
        check_inputs(servable.signatures[signature], inputs, self._limits)
        if deadline is not None:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + deadline - time.monotonic()
        return await self._scheduler.run(servable, signature, inputs, deadline)
