"""One process that answers REST and gRPC from one store of models."""

import asyncio
import contextlib
import functools
import gc
import importlib.util
import os
import signal
from collections.abc import AsyncIterator, Callable

from keras_vae_serving import models_source
from keras_vae_serving.batched_server import BatchedModelServer
from keras_vae_serving.batching import Scheduler
from keras_vae_serving.beside import Beside
from keras_vae_serving.model_server import State
from keras_vae_serving.operations import access_log, http_server, listening
from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.http_gate import HttpGate
from keras_vae_serving.operations.http_protocol import (
    ConnectionLimits,
    guarded,
)
from keras_vae_serving.operations.keys import Keys
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.operations.rpc_gate import RpcGate
from keras_vae_serving.operations.tls import TlsFiles
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.rest.body import BodyLimits
from keras_vae_serving.rest.cors import cors_headers
from keras_vae_serving.rpc.health import Health
from keras_vae_serving.rpc.server import create_server
from keras_vae_serving.settings import ServerSettings
from keras_vae_serving.store import onnx_servable
from keras_vae_serving.store.model_store import ModelStore

_POLL_S = 0.25
_SPARE_FILES = 128  # For models and logs, beside the connections.
_CLOSE_S = 1.0  # For what is still in the connections' buffers.
# Who was answered last may ask again at once. It is told that the server
# stops; gRPC would say CANCELLED to it, which nobody tries again.
_TELL_S = 0.2

Say = Callable[[str], None]


def run(settings: ServerSettings, say: Say = print) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit code.

    A second signal ends the process at once.

    Args:
        settings: What to serve, where and how.
        say: Is told of the addresses, and of what goes wrong.

    Returns:
        0, or 1 if requests had to be cut off.

    Raises:
        ServingError: if the configuration of the models is not valid.
        ValueError: if a file is not what it should be.
        OSError: if an address cannot be listened on, or a file not be read.
    """
    if importlib.util.find_spec("uvloop") is not None:
        import uvloop

        return uvloop.run(_until_told(settings, say))
    return asyncio.run(_until_told(settings, say))


async def _until_told(settings: ServerSettings, say: Say) -> int:
    server = Server(settings, say)
    told = asyncio.Event()
    _listen_to_signals(told, say)
    async with server.running():
        await told.wait()
        left = await server.drain()
    return 1 if left else 0


def _listen_to_signals(told: asyncio.Event, say: Say) -> None:
    def hear(number: int) -> None:
        if told.is_set():
            say("Stopped at once: what was being answered is cut off.")
            os._exit(128 + number)
        told.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, hear, number)
        except NotImplementedError:  # Windows
            signal.signal(
                number, lambda n, _: loop.call_soon_threadsafe(hear, n)
            )


class Server:
    """The store, the scheduler and the two front ends of one process.

    To be made on the event loop that it runs on.

    Args:
        settings: What to serve, where and how.
        say: Is told of the addresses, and of versions that come and go.

    Attributes:
        rest_port: The port of REST, once it runs; `None` without REST.
        grpc_port: The port of gRPC, once it runs; `None` without gRPC.
    """

    def __init__(self, settings: ServerSettings, say: Say = print) -> None:
        self.rest_port: int | None = None
        self.grpc_port: int | None = None
        self._settings = settings
        self._say = say
        self._metrics = Metrics()
        keys = Keys(settings.api_keys, settings.requests_per_second)
        self._admission = Admission(
            keys, settings.max_requests, settings.max_held_bytes
        )
        self._admission.is_starting = True
        self._health = Health(is_serving=False)
        self._store = ModelStore(
            models_source.find(settings),
            settings.store,
            functools.partial(
                onnx_servable.load, num_threads=settings.num_threads
            ),
        )
        self._beside = Beside()
        self._watching: asyncio.Task[None] | None = None
        self._scheduler = Scheduler(settings.batching, self._metrics.batch)
        self._metrics.watch_queue(self._scheduler.num_waiting)
        self._models = BatchedModelServer(
            self._store, self._scheduler, settings.input_limits, self._metrics
        )
        self._served: dict[str, str] = {}
        self._tls: TlsFiles | None = None
        if settings.tls_certificate and settings.tls_key:
            self._tls = TlsFiles(settings.tls_certificate, settings.tls_key)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the server for as long as the block runs.

        Until the models are loaded, which `loaded` waits for, requests are
        answered 503.

        Raises:
            ServingError: if the configuration of the models is not valid.
            ValueError: if a file is not what it should be.
            OSError: if an address cannot be listened on.
        """
        if self._tls is not None:
            self._tls.check()
        if self._settings.access_log:
            access_log.enable()
        async with contextlib.AsyncExitStack() as stack:
            # A run that goes on cannot be ended, and is not waited for.
            stack.callback(self._scheduler.close, wait=False)
            stack.callback(self._beside.close)
            await self._store.start(wait=False)
            stack.push_async_callback(self._store.stop, _CLOSE_S)
            rest, rpc = _shares(self._settings)
            if self._settings.rest_api_port is not None:
                await stack.enter_async_context(self._rest(rest))
            if self._settings.port is not None:
                await stack.enter_async_context(self._grpc(rpc))
            self._watching = asyncio.create_task(self._watch_store(rest))
            stack.push_async_callback(_cancel, self._watching)
            yield

    async def loaded(self) -> None:
        """Waits until each version that is wanted was tried to load."""
        while self._admission.is_starting:
            await asyncio.sleep(_POLL_S / 10)

    async def drain(self) -> int:
        """Answers 503 from now on, and waits for what is being answered.

        Returns:
            How many requests were not answered in time.
        """
        settings, admission = self._settings, self._admission
        self._health.stop()
        waiting = admission.in_flight
        self._say(
            f"Stopping, once {_counted(waiting)} answered."
            if waiting
            else "Stopping."
        )
        await asyncio.gather(
            admission.stop(settings.grace_s), asyncio.sleep(settings.drain_s)
        )
        await asyncio.sleep(_TELL_S)
        left = admission.in_flight
        if left:
            self._say(f"After {settings.grace_s:g} s {_counted(left)} cut off.")
        return left

    # --- The front ends -------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _rest(self, max_connections: int) -> AsyncIterator[None]:
        settings = self._settings
        limits = ConnectionLimits(
            max_connections,
            settings.max_header_bytes,
            settings.header_timeout_s,
            settings.write_timeout_s,
        )
        sockets = listening.bind(
            settings.host, settings.rest_api_port or 0, "--rest-api-port"
        )
        self.rest_port = sockets[0].getsockname()[1]
        protocol = guarded(limits, self._metrics.refused)
        app = self._rest_app()
        async with http_server.serving(app, sockets, protocol, self._tls):
            yield

    def _rest_app(self) -> HttpGate:
        settings, admission = self._settings, self._admission
        headers = cors_headers(settings.enable_cors, bool(settings.api_keys))
        app = make_app(
            self._models,
            rest_api_timeout_in_ms=round(1000 * settings.timeout_s),
            limits=BodyLimits(settings.max_body_bytes, settings.max_body_bytes),
            headers=headers,
            budget=admission.budget,
            beside=self._beside,
            is_alive=self._is_alive,
            is_ready=self._is_ready,
        )
        return HttpGate(
            app, admission, self._metrics, settings.timeout_s, headers
        )

    @contextlib.asynccontextmanager
    async def _grpc(self, max_connections: int) -> AsyncIterator[None]:
        settings = self._settings
        gate = RpcGate(self._admission, self._metrics, settings.timeout_s)
        server = create_server(
            self._models,
            self._health,
            max_message_bytes=settings.max_body_bytes,
            max_connections=max_connections,
            timeout_s=settings.timeout_s,
            beside=self._beside,
            interceptors=[gate],
        )
        # It would say why it cannot listen in its own log alone.
        host, port = settings.host, settings.port or 0
        listening.check_free(host, port, "--port")
        address = f"{listening.bracketed(host)}:{port}"
        if self._tls is None:
            self.grpc_port = server.add_insecure_port(address)
        else:
            credentials = self._tls.grpc_credentials()
            self.grpc_port = server.add_secure_port(address, credentials)
        await server.start()
        try:
            yield
        finally:
            self._health.stop()
            await server.stop(grace=_CLOSE_S)

    # --- State ----------------------------------------------------------------

    def _is_ready(self) -> bool:
        closed = self._admission.is_starting or self._admission.is_stopping
        return self._store.is_ready() and not closed

    def _is_alive(self) -> bool:
        """Whether what keeps the models as they should be still runs."""
        watching = self._watching
        has_failed = (
            watching is not None
            and watching.done()
            and not watching.cancelled()
        )
        return self._store.is_alive() and not has_failed

    async def _watch_store(self, max_connections: int) -> None:
        """Opens once all is loaded; tells of how the models are from then."""
        await self._store.settled()
        _freeze()
        self._admission.is_starting = False
        self._served = self._look()
        self._announce(max_connections)
        while True:
            self._health.set_serving(self._is_ready())
            served = self._look()
            for name in served:
                if served[name] != self._served.get(name):
                    self._say(f"Serving {name} ({served[name]}) from now on.")
            self._served = served
            await asyncio.sleep(_POLL_S)

    def _look(self) -> dict[str, str]:
        """Counts the versions; returns those that answer, for people."""
        configs = self._store.configs()
        self._metrics.keep([config.name for config in configs])
        found = {}
        for config in configs:
            with contextlib.suppress(Exception):  # dropped meanwhile
                available = {
                    one.version: one.state == State.AVAILABLE
                    for one in self._store.statuses(config.name)
                }
                self._metrics.versions(config.name, available)
                numbers = [
                    str(k) for k, answers in available.items() if answers
                ]
                found[config.name] = ", ".join(numbers) or "not ready"
        return found

    def _announce(self, max_connections: int) -> None:
        settings, host = (
            self._settings,
            listening.bracketed(self._settings.host),
        )
        scheme = "http" if self._tls is None else "https"
        places = []
        if self.rest_port is not None:
            places.append(f"REST {scheme}://{host}:{self.rest_port}")
        if self.grpc_port is not None:
            places.append(f"gRPC {host}:{self.grpc_port}")
        models = [f"{name} ({text})" for name, text in self._served.items()]
        self._say(f"Serving {', '.join(models)}: {', '.join(places)}")
        if max_connections < settings.max_connections:
            self._say(
                f"Note: at most {max_connections} connections to REST, as "
                "many as this system's limit of open files (`ulimit -n`) has "
                "room for."
            )


def _shares(settings: ServerSettings) -> tuple[int, int]:
    """Returns how many connections REST and gRPC may have."""
    most = settings.max_connections
    ports = (settings.rest_api_port, settings.port)
    wanted = sum(most for port in ports if port is not None)
    room = listening.allow_open_files(wanted + _SPARE_FILES) - _SPARE_FILES
    if None in ports:
        return max(min(most, room), 1), max(min(most, room), 1)
    rest = max(min(most, room * 3 // 4), 1)  # gRPC's clients need one each.
    return rest, max(min(most, room - rest), 1)


def _freeze() -> None:
    """Leaves what is there by now out of each later search for garbage.

    Modules and models stay; looking through all of them again and again would
    hold up a request every now and then. Measured with 16 clients, the
    slowest hundredth of the answers came in half the time.
    """
    gc.collect()
    gc.freeze()


def _counted(requests: int) -> str:
    return "1 request is" if requests == 1 else f"{requests} requests are"


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
