"""Waiting for an answer: no longer than allowed, nor than the client does."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from keras_vae_serving.rest.asgi import ClientGone, Receive
from keras_vae_serving.status import Code, ServingError

T = TypeVar("T")


async def wait_for(
    work: Coroutine[Any, Any, T], receive: Receive, timeout_ms: int
) -> T:
    """Returns what work comes to; it is cancelled where nobody wants it.

    Args:
        work: Awaited in this task.
        receive: ASGI's, after the whole body: it tells when a client leaves.
        timeout_ms: How long it may take.

    Raises:
        ServingError: DEADLINE_EXCEEDED, if it takes longer.
        ClientGone: if the client leaves.
    """
    watch = _Watch(receive)
    listener = asyncio.create_task(watch.listen())
    try:
        async with asyncio.timeout(timeout_ms / 1000):
            return await work
    except TimeoutError:
        raise ServingError(
            Code.DEADLINE_EXCEEDED, f"Timed out after {timeout_ms} ms"
        ) from None
    except asyncio.CancelledError:
        if watch.is_gone and not watch.task.uncancel():
            raise ClientGone from None
        raise
    finally:
        listener.cancel()


class _Watch:
    """Cancels the task that made it when the client leaves."""

    def __init__(self, receive: Receive) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("`wait_for` must be awaited in a task.")
        self.task = task
        self.is_gone = False
        self._receive = receive

    async def listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        self.task.cancel()
