"""Who is let in: keys, how many requests at once, and a server that stops."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping

from keras_vae_serving.budget import Budget
from keras_vae_serving.operations.keys import Keys
from keras_vae_serving.status import Code, ServingError


class Admission:
    """Counts the requests of both protocols, and turns away what is too much.

    Args:
        keys: Who may ask.
        max_requests: How many requests are answered at once.
        max_bytes: How many bytes of them are held at once; `None` for any
            number.

    Attributes:
        keys: Who may ask.
        budget: Counts the bytes that are held.
        in_flight: How many requests are being answered.
        is_starting: Whether nobody is let in yet.
        is_stopping: Whether nobody is let in any more.
    """

    def __init__(
        self, keys: Keys, max_requests: int, max_bytes: int | None = None
    ) -> None:
        self.keys = keys
        self.budget = Budget(max_bytes)
        self.in_flight = 0
        self.is_starting = False
        self.is_stopping = False
        self._max_requests = max_requests
        self._idle = asyncio.Event()
        self._idle.set()

    @contextlib.contextmanager
    def admit(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Lets a request in for as long as the block runs.

        Args:
            headers: Those of HTTP, or gRPC's metadata, by lower-case name.

        Raises:
            ServingError: UNAVAILABLE if the server starts or stops, or
                answers too much already; or what `Keys.check` raises.
        """
        if self.is_stopping:
            raise ServingError(Code.UNAVAILABLE, "The server is stopping.")
        if self.is_starting:
            raise ServingError(
                Code.UNAVAILABLE,
                "The server is starting: its models are being loaded.",
            )
        self.keys.check(headers)
        if self.in_flight >= self._max_requests:
            raise ServingError(
                Code.UNAVAILABLE,
                f"The server answers {self.in_flight} requests already, as "
                "many as it may: try again",
            )
        self.in_flight += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()

    async def stop(self, timeout_s: float) -> bool:
        """Lets nobody in any more, and waits for those who are in.

        Returns:
            Whether all were answered in time.
        """
        self.is_stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        return not self.in_flight
