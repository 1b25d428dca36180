"""The server in this process; tests/faults has it in one of its own."""

import asyncio
import contextlib
import gc
import http.client
import json
import signal
import socket

import grpc
import pytest

from keras_vae_serving import server as server_module
from keras_vae_serving.operations import access_log, listening
from keras_vae_serving.rpc import messages
from keras_vae_serving.server import Server
from keras_vae_serving.settings import ServerSettings
from keras_vae_serving.status import ServingError
from keras_vae_serving.store import onnx_servable
from keras_vae_serving.store.options import StoreOptions
from tests.keras_vae_serving.directories import write_version
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import CHECK, RELOAD, WATCH

pytestmark = pytest.mark.once

TIMEOUT_S = 20
NAMES = {
    number: name
    for name, number in messages.HealthCheckResponse.ServingStatus.items()
}


@pytest.fixture
def models(tmp_path):
    write_version(tmp_path / "models" / "digits")
    return tmp_path / "models"


def run(scenario, models, **options):
    """Runs a scenario with a server; returns what the server said."""
    said = []
    options = {"rest_api_port": 0, "port": 0, **options}

    async def main():
        server = Server(ServerSettings(models, **options), said.append)
        async with asyncio.timeout(TIMEOUT_S), server.running():
            await server.loaded()
            await scenario(server)

    asyncio.run(main())
    return said


async def ask(server, path, body=None, host="127.0.0.1"):
    """The status and the text of an answer."""

    def wait():
        connection = http.client.HTTPConnection(
            host, server.rest_port, timeout=TIMEOUT_S
        )
        with contextlib.closing(connection):
            connection.request("POST" if body else "GET", path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    return await asyncio.to_thread(wait)


async def health(server):
    address = f"127.0.0.1:{server.grpc_port}"
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await channel.unary_unary(CHECK)(b"", timeout=TIMEOUT_S)
    return status_of(answer)


def status_of(answer):
    return NAMES[messages.HealthCheckResponse.FromString(answer).status]


def test_it_answers_and_tells_where(models):
    ports = []

    async def scenario(server):
        ports.extend((server.rest_port, server.grpc_port))
        body = json.dumps({"instances": [[1, 2, 3]]})
        status, _ = await ask(server, "/v1/models/digits:predict", body)
        assert status == 200
        assert (await ask(server, "/readyz"))[0] == 200
        await until(lambda: health(server), "SERVING")

    (line,) = run(scenario, models)
    rest, rpc = ports
    assert line == (
        f"Serving digits (1): REST http://127.0.0.1:{rest}, gRPC "
        f"127.0.0.1:{rpc}"
    )


async def until(ask, expected):
    while await ask() != expected:
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("absent", ["rest_api_port", "port"])
def test_one_protocol_alone(models, absent):
    async def scenario(server):
        ports = {"rest_api_port": server.rest_port, "port": server.grpc_port}
        assert ports.pop(absent) is None
        assert all(ports.values())

    (line,) = run(scenario, models, **{absent: None})
    assert ("gRPC" in line, "REST" in line) == (
        absent != "port",
        absent != "rest_api_port",
    )


def test_it_tells_of_versions_that_come(models):
    async def scenario(server):
        write_version(models / "digits", 2)
        write_version(models / "letters")

        async def served():
            status, _ = await ask(server, "/v1/models/letters/versions/1")
            return status

        await until(served, 200)
        await asyncio.sleep(0.4)

    _, *more = run(
        scenario,
        models,
        store=StoreOptions(file_system_poll_wait_seconds=0.05),
    )
    assert "Serving digits (2) from now on." in more
    assert "Serving letters (1) from now on." in more


def test_a_reload_is_answered_once_its_models_are_there(models):
    async def scenario(server):
        write_version(models / "letters")
        config = {
            "name": "letters",
            "base_path": str(models / "letters"),
            "model_platform": "tensorflow",
            "version_labels": {"stable": 1},
        }
        address = f"127.0.0.1:{server.grpc_port}"
        async with grpc.aio.insecure_channel(address) as channel:
            request = requests.reload(config).SerializeToString()
            await channel.unary_unary(RELOAD)(request, timeout=TIMEOUT_S)
        body = json.dumps({"instances": [[1, 2, 3]]})
        path = "/v1/models/letters/labels/stable:predict"
        assert (await ask(server, path, body))[0] == 200

    run(scenario, models)


@pytest.mark.filterwarnings("ignore:Exception in thread")
@pytest.mark.parametrize("failing", ["_look", "_poll"])
def test_a_server_that_does_not_look_after_its_models_says_so(
    models, monkeypatch, failing
):
    """An orchestrator starts it again."""

    async def scenario(server):
        assert (await ask(server, "/healthz"))[0] == 200

        def fail(*arguments):
            raise SystemExit

        if failing == "_look":
            server._watching.cancel()
            server._watching = asyncio.create_task(broken())
        else:
            monkeypatch.setattr(server._store._manager, "_poll", fail)

        async def healthy():
            return (await ask(server, "/healthz"))[0]

        await until(healthy, 503)

    async def broken():
        raise RuntimeError

    store = StoreOptions(file_system_poll_wait_seconds=0.05)
    run(scenario, models, store=store)


def test_threads_of_a_run(models, monkeypatch):
    given = []
    load = onnx_servable.load

    def noted(*arguments, num_threads):
        given.append(num_threads)
        return load(*arguments, num_threads=num_threads)

    async def scenario(server):
        pass

    monkeypatch.setattr(onnx_servable, "load", noted)
    run(scenario, models)
    run(scenario, models, num_threads=3)
    assert given == [1, 3]


def test_what_is_there_once_it_is_ready_is_no_garbage(models, monkeypatch):
    seen = []

    async def scenario(server):
        seen.append(gc.get_freeze_count())

    gc.unfreeze()
    run(scenario, models)
    gc.unfreeze()
    assert seen[0] > 10_000


def test_while_it_drains_it_says_so_everywhere(models):
    async def scenario(server):
        address = f"127.0.0.1:{server.grpc_port}"
        async with grpc.aio.insecure_channel(address) as channel:
            await until(lambda: health(server), "SERVING")
            watch = channel.unary_stream(WATCH)(b"", timeout=TIMEOUT_S)
            assert status_of(await watch.read()) == "SERVING"
            draining = asyncio.create_task(server.drain())
            await asyncio.sleep(0.05)
            assert (await ask(server, "/healthz"))[0] == 200
            assert (await ask(server, "/readyz"))[0] == 503
            status, text = await ask(server, "/v1/models/digits")
            assert (status, "is stopping" in text) == (503, True)
            assert await health(server) == "NOT_SERVING"
            assert status_of(await watch.read()) == "NOT_SERVING"
            assert await watch.read() is grpc.aio.EOF
            assert await draining == 0

    assert run(scenario, models, drain_s=0.5)[-1] == "Stopping."


def test_requests_that_do_not_end_are_counted(models):
    async def scenario(server):
        with server._admission.admit({}), server._admission.admit({}):
            assert await server.drain() == 2

    assert run(scenario, models, grace_s=0.05)[-2:] == [
        "Stopping, once 2 requests are answered.",
        "After 0.05 s 2 requests are cut off.",
    ]


def test_what_it_cannot_begin_with_leaves_nothing_behind(models, tmp_path):
    async def main(settings):
        server = Server(settings, lambda text: None)
        async with server.running():
            pytest.fail("It runs.")

    config = tmp_path / "models.config"
    config.write_text("model")
    bad = ServerSettings(models_config_file=config, rest_api_port=0, port=0)
    with pytest.raises(ServingError, match="models.config"):
        asyncio.run(main(bad))
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as one:
        taken = one.getsockname()[1]
        settings = ServerSettings(models, rest_api_port=port, port=taken)
        with pytest.raises(OSError, match="Choose another `--port`"):
            asyncio.run(main(settings))
    # REST's port, which it had taken first, is free again.
    listening.check_free("127.0.0.1", port, "")


def test_the_access_log_is_turned_on(models, monkeypatch):
    enabled = []
    monkeypatch.setattr(access_log, "enable", lambda: enabled.append(1))

    async def scenario(server):
        pass

    run(scenario, models)
    assert enabled == []
    run(scenario, models, access_log=True)
    assert enabled == [1]


@pytest.mark.parametrize(
    ("allowed", "options", "expected"),
    [
        (20_128, {}, (10_000, 10_000)),
        (15_128, {}, (10_000, 5000)),
        (4128, {}, (3000, 1000)),
        (4128, {"port": None}, (4000, 4000)),
        (12_000, {"rest_api_port": None}, (10_000, 10_000)),
        (100, {}, (1, 1)),
        (100, {"port": None}, (1, 1)),
    ],
)
def test_open_files_are_shared(monkeypatch, models, allowed, options, expected):
    wanted = []

    def allow(number):
        wanted.append(number)
        return allowed

    monkeypatch.setattr(listening, "allow_open_files", allow)
    settings = ServerSettings(models, **options)
    assert server_module._shares(settings) == expected
    assert wanted == [10_128 if options else 20_128]


def test_fewer_connections_than_wanted_are_told(models, monkeypatch):
    monkeypatch.setattr(listening, "allow_open_files", lambda wanted: 528)

    async def scenario(server):
        pass

    _, note = run(scenario, models)
    assert note.startswith("Note: at most 300 connections to REST")


@pytest.mark.parametrize("is_windows", [False, True])
def test_signals(monkeypatch, is_windows):
    """The first one tells, the second one ends; also without a loop's own."""
    said, ends = [], []
    monkeypatch.setattr(server_module.os, "_exit", ends.append)
    kept = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT)
    }

    async def main():
        if is_windows:
            loop = asyncio.get_running_loop()
            monkeypatch.setattr(loop, "add_signal_handler", not_offered)
        told = asyncio.Event()
        server_module._listen_to_signals(told, said.append)
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await told.wait()
        assert said == ends == []
        signal.raise_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            while not ends:
                await asyncio.sleep(0.01)

    def not_offered(*arguments):
        raise NotImplementedError

    try:
        asyncio.run(main())
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    assert ends == [128 + signal.SIGINT]
    assert said == ["Stopped at once: what was being answered is cut off."]
