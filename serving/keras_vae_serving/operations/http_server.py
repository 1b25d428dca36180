"""uvicorn as a part of a process that has other parts too."""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import uvicorn

from keras_vae_serving.operations.http_gate import App
from keras_vae_serving.operations.http_protocol import (
    MAX_LINGERING,
    GuardedProtocol,
)
from keras_vae_serving.operations.tls import TlsFiles
from keras_vae_serving.operations.tls_front import TlsFront, TlsLimits

_KEEP_ALIVE_S = 75
_POLL_S = 0.005
_HANDSHAKE_S = 5.0


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
    server = _Uvicorn(_config(app, protocol))
    # What is encrypted is accepted here, and not by uvicorn.
    task = asyncio.create_task(server.serve([] if tls else [*sockets]))
    while not (server.started or task.done()):
        await asyncio.sleep(_POLL_S)
    front: Any = contextlib.nullcontext()
    if tls is not None:
        front = _front(server, protocol, tls).listening(sockets)
    try:
        if not task.done():
            async with front:
                yield
    finally:
        server.should_exit = True
        await task


def _front(
    server: uvicorn.Server, protocol: type[GuardedProtocol], tls: TlsFiles
) -> TlsFront:
    limits, state = protocol.limits, server.server_state
    make_http = functools.partial(
        protocol, config=server.config, server_state=state, app_state={}
    )
    return TlsFront(
        tls.context(),
        TlsLimits(
            limits.max_connections + MAX_LINGERING,
            min(limits.header_timeout_s, _HANDSHAKE_S),
        ),
        make_http,
        lambda: len(state.connections),
        protocol.observer,
    )


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leaves signals to others: what runs is finished first."""
        yield


def _config(app: App, protocol: type[GuardedProtocol]) -> uvicorn.Config:
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
    )
