"""The model server: a store of versions behind a scheduler of batches."""

import asyncio
import time

from keras_vae_serving.batching.scheduler import Scheduler
from keras_vae_serving.checks import InputLimits, check_inputs
from keras_vae_serving.model_server import Models
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.servable import Arrays, Outputs, Servable
from keras_vae_serving.status import Code, ServingError


class BatchedModelServer:
    """Answers what the front ends ask; see `ModelServer` for the methods.

    Args:
        store: The versions that are loaded.
        scheduler: Runs the requests.
        limits: How much one request may ask for.
        metrics: Where calls of signatures are counted.
    """

    def __init__(
        self,
        store: Models,
        scheduler: Scheduler,
        limits: InputLimits,
        metrics: Metrics,
    ) -> None:
        self._scheduler = scheduler
        self._metrics = metrics
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
        code = Code.CANCELLED
        try:
            check_inputs(servable.signatures[signature], inputs, self._limits)
            outputs = await self._scheduler.run(
                servable, signature, inputs, _on_loops_clock(deadline)
            )
            code = Code.OK
            return outputs
        except ServingError as error:
            code = error.code
            raise
        except Exception:
            code = Code.INTERNAL
            raise
        finally:
            self._metrics.prediction(servable, signature, code)


def _on_loops_clock(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    loop = asyncio.get_running_loop()
    return loop.time() + deadline - time.monotonic()
