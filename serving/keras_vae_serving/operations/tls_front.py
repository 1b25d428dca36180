"""TLS before HTTP: a connection counts from the moment it is accepted.

asyncio's own server tells a protocol of a connection once it has shaken
hands. Who never does would hold a socket that no limit knows of.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, NamedTuple

_BACKLOG = 2048
_PAUSE_S = 0.1  # Where the system has no socket left.

_LOG = logging.getLogger(__name__)

HttpProtocol = Callable[[], asyncio.Protocol]


class TlsLimits(NamedTuple):
    """What clients are held to before they speak HTTP.

    Attributes:
        max_connections: How many may shake hands, with those that have; the
            next ones are cut off without a word.
        handshake_s: How long a client may take for it.
    """

    max_connections: int
    handshake_s: float


class TlsFront:
    """Accepts connections, and has HTTP spoken once they are encrypted.

    Args:
        context: What is spoken.
        limits: Of those that have not shaken hands.
        make_http: Makes the protocol of a connection that has.
        num_connections: How many there are of those.
        observer: Told 503 for each that is cut off.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        limits: TlsLimits,
        make_http: HttpProtocol,
        num_connections: Callable[[], int],
        observer: Callable[[int], None],
    ) -> None:
        self._context = context
        self._limits = limits
        self._make_http = make_http
        self._num_connections = num_connections
        self._observer = observer
        self._tasks: set[asyncio.Task[None]] = set()
        self._num_shaking = 0

    @contextlib.asynccontextmanager
    async def listening(
        self, sockets: Sequence[socket.socket]
    ) -> AsyncIterator[None]:
        """Accepts what comes to bound sockets, as long as the block runs."""
        for one in sockets:
            one.listen(_BACKLOG)
            self._start(self._accept(one))
        try:
            yield
        finally:
            for task in [*self._tasks]:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for one in sockets:
                one.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(_PAUSE_S)
                continue
            count = self._num_connections() + self._num_shaking
            if count < self._limits.max_connections:
                self._num_shaking += 1
                self._start(self._shake(accepted))
            else:
                self._observer(503)
                accepted.close()

    async def _shake(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._make_http,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=self._limits.handshake_s,
            )
        except Exception as error:  # Of whatever a stranger sends.
            _LOG.debug("A client did not shake hands: %s", error)
            accepted.close()
        finally:
            self._num_shaking -= 1
