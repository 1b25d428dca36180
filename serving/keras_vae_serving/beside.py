"""Long work on messages, done beside the event loop."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from keras_vae_serving.status import Code, ServingError

T = TypeVar("T")

# Work on more bytes, or on as many values, is done in a thread.
LARGE = 64 * 1024
_NUM_PLACES = 2
_NUM_THREADS = 4
_HERE = contextlib.nullcontext()


class Beside:
    """Threads that read and write large messages."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_NUM_THREADS, "keras-vae-message")
        self._places = asyncio.Semaphore(_NUM_PLACES)

    def place(self, size: int) -> contextlib.AbstractAsyncContextManager[Any]:
        """Returns a block in which a message may be taken apart.

        What a text becomes takes ten times its size: the blocks of large
        ones wait for each other.
        """
        return self._places if size > LARGE else _HERE

    async def run(
        self, size: int, function: Callable[..., T], *arguments: Any
    ) -> T:
        """Calls a function; in a thread if it is about much.

        Raises:
            ServingError: UNAVAILABLE if the threads have ended.
        """
        if size <= LARGE:
            return function(*arguments)
        loop = asyncio.get_running_loop()
        try:
            work = loop.run_in_executor(self._pool, function, *arguments)
        except RuntimeError as error:
            text = "The server is stopping."
            raise ServingError(Code.UNAVAILABLE, text) from error
        return await work

    def close(self) -> None:
        """Ends the threads, but waits for none that is at work."""
        self._pool.shutdown(wait=False, cancel_futures=True)
