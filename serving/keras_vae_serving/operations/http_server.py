"""uvicorn as a part of a process that has other parts too."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import uvicorn

from keras_vae_serving.operations.http_gate import App
from keras_vae_serving.operations.http_protocol import GuardedProtocol
from keras_vae_serving.operations.tls import TlsFiles

_KEEP_ALIVE_S = 75
_POLL_S = 0.005


@contextlib.asynccontextmanager
async def serving(
    app: App,
    sockets: Sequence[socket.socket],
    protocol: type[GuardedProtocol],
    tls: TlsFiles | None,
) -> AsyncIterator[None]:
    """Answers HTTP as long as the block runs.

    Args:
        app: An ASGI application.
        sockets: Bound ones; they are closed in the end.
        protocol: What reads and writes.
        tls: What HTTPS is spoken with; `None` for HTTP.
    """
    # What fails is logged, and answered, before it comes to uvicorn.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = _Uvicorn(_config(app, protocol, tls))
    task = asyncio.create_task(server.serve([*sockets]))
    while not (server.started or task.done()):
        await asyncio.sleep(_POLL_S)
    try:
        if not task.done():
            yield
    finally:
        server.should_exit = True
        await task


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leaves signals to others: what runs is finished first."""
        yield


def _config(
    app: App, protocol: type[GuardedProtocol], tls: TlsFiles | None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
