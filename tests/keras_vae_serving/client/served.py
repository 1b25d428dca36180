"""The real server, on free ports of 127.0.0.1, in a thread of its own."""

import asyncio
import contextlib
import threading

from keras_vae_serving.server import Server
from keras_vae_serving.settings import ServerSettings

TIMEOUT_S = 20
PROTOCOLS = ("rest", "grpc")


class Served:
    """What runs: where each protocol is, and the server itself.

    Attributes:
        addresses: By protocol, what a client is given.
        server: The `Server`.
    """

    def __init__(self, server, loop, is_encrypted):
        self.server = server
        self._loop = loop
        rest, grpc = ("https", "grpcs://") if is_encrypted else ("http", "")
        self.addresses = {
            "rest": f"{rest}://127.0.0.1:{server.rest_port}",
            "grpc": f"{grpc}127.0.0.1:{server.grpc_port}",
        }

    def run(self, coroutine):
        """Runs a coroutine on the server's loop."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return future.result(TIMEOUT_S)


@contextlib.contextmanager
def serve(directory, **settings):
    """Serves a directory of models for as long as the block runs."""
    chosen = ServerSettings(
        directory, **{"rest_api_port": 0, "port": 0, **settings}
    )
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started, ended = threading.Event(), asyncio.Event()
    found = []

    async def run():
        server = Server(chosen, say=lambda text: None)
        async with server.running():
            found.append(server)
            started.set()
            await ended.wait()

    task = asyncio.run_coroutine_threadsafe(run(), loop)
    task.add_done_callback(lambda _: started.set())
    try:
        started.wait(TIMEOUT_S)
        if not found:
            task.result(0)
        yield Served(found[0], loop, chosen.tls_certificate is not None)
    finally:
        loop.call_soon_threadsafe(ended.set)
        with contextlib.suppress(Exception):
            task.result(TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()
