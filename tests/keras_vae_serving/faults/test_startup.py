"""How servers start, and what keeps them from it."""

import os
import shutil
import socket
import subprocess
import sys
import time

import grpc
import numpy as np
import pytest

from tests.keras_vae_serving.directories import write_version
from tests.keras_vae_serving.faults.served import (
    COMMAND,
    call,
    connect,
    wait_for,
)

pytestmark = [pytest.mark.once, pytest.mark.slow]

Z = np.array([[1, 2, 3]], "float32")
ANY = "--port=0", "--rest-api-port=0"


def refused(*arguments, program=COMMAND):
    """What a server says that ends at once: one line, and code 2."""
    done = subprocess.run(
        [sys.executable, *program, "serve", *map(str, arguments)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("Error: ").rstrip()


def test_what_is_wrong_is_told_in_one_line(models):
    said = refused(models / "letters")
    assert said.startswith("`DIR` must be a directory of exported models")


@pytest.mark.parametrize("option", ["--rest-api-port", "--port"])
def test_a_port_that_is_in_use(models, option):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(models, *ANY, f"{option}={port}")
    assert said == (
        f"Nothing can listen on 127.0.0.1:{port} (Address already in use). "
        f"Choose another `{option}`, e.g. `{option} 0` for any free one, or "
        "end what uses it."
    )


@pytest.mark.parametrize("module", ["onnxruntime", "uvicorn", "grpc"])
def test_a_library_that_is_missing(models, module):
    program = (
        "-c",
        f"import sys; sys.modules[{module!r}] = None\n" + COMMAND[1],
    )
    said = refused(models, program=program)
    assert said.startswith(f"`keras-vae serve` needs `{module}")
    assert said.endswith('pip install "keras-vae[serving]"')


WITHOUT = """
import importlib.util, sys
for name in ("uvloop", "resource", "fcntl", "termios"):
    sys.modules[name] = None
find = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "uvloop" else find(name)
"""


def test_modules_that_not_every_system_has(serve, models):
    """uvloop is optional, and Windows has none of the others either."""
    server = serve(models, program=("-c", WITHOUT + COMMAND[1]))
    assert server.decode(Z)[0] == 200
    with server.channel() as channel:
        call(channel, Z)
    server.signal()
    assert server.ended(6) == 0
    assert len(server.said()) == 2


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_the_loopback_of_ipv6(serve, models):
    if not has_ipv6():
        pytest.skip("This machine has no IPv6 on its loopback.")
    server = serve(models, "--host=::1")
    assert "REST http://[::1]:" in server.said()[0]
    assert server.decode(Z, host="::1")[0] == 200
    with server.channel("[::1]") as channel:
        call(channel, Z)
    with pytest.raises(ConnectionRefusedError):
        server.decode(Z)


def test_both_loopbacks_by_name(serve, models):
    server = serve(models, "--host=localhost")
    assert server.decode(Z, host="localhost")[0] == 200
    hosts = ["127.0.0.1"] + ["::1"] * has_ipv6()
    for host in hosts:
        try:
            connect(host, server.rest_port).connect()
        except ConnectionRefusedError:
            addresses = socket.getaddrinfo("localhost", None)
            assert host not in {one[4][0] for one in addresses}
    with server.channel("localhost") as channel:
        call(channel, Z)


@pytest.mark.parametrize("absent", ["--rest-api-port=-1", "--port=-1"])
def test_one_protocol_alone(serve, models, absent):
    server = serve(models, absent)
    line = server.said()[0]
    if absent == "--port=-1":
        assert server.grpc_port is None and "gRPC" not in line
        assert server.decode(Z)[0] == 200
    else:
        assert server.rest_port is None and "REST" not in line
        with server.channel() as channel:
            call(channel, Z)
    server.signal()
    assert server.ended(6) == 0


def test_the_flags_of_tensorflow_serving(serve, models):
    server = serve(
        "--model_name=mnist",
        f"--model_base_path={models / 'digits'}",
        "--rest_api_timeout_in_ms=5000",
        "--enable_batching=false",
        "--file_system_poll_wait_seconds=0",
        "--enable_grpc_healthcheck_service=true",
        "--monitoring_config_file=monitoring.config",
        "--allow_version_labels_for_unavailable_models=true",
        ports=("--port=0", "--rest_api_port=0"),
    )
    assert server.said()[0].startswith("Serving mnist (1): ")
    status, _ = server.ask(
        "/v1/models/mnist:predict", '{"instances": [[1, 2, 3]]}'
    )
    assert status == 200


# Loads that wait until a file is there.
WAITING = """
import pathlib, sys, time
from keras_vae_serving.store import manager, model_store, onnx_servable
load = onnx_servable.load
def wait(*arguments):
    while not pathlib.Path(sys.argv[-1]).exists():
        time.sleep(0.02)
    return load(*arguments)
manager_init = model_store.Manager.__init__
def init(self, registry, source, options, _):
    manager_init(self, registry, source, options, wait)
model_store.Manager.__init__ = init
import keras_vae_serving.command
raise SystemExit(keras_vae_serving.command.main(sys.argv[1:-1]))
"""


def free_ports():
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def starting(serve, models, tmp_path):
    """A server whose model is still being loaded, and what ends that."""
    rest_port, grpc_port = free_ports()
    go = tmp_path / "go"
    server = serve(
        models,
        go,
        program=("-c", WAITING),
        ports=(f"--rest-api-port={rest_port}", f"--port={grpc_port}"),
        wait=False,
    )
    server.rest_port, server.grpc_port = rest_port, grpc_port

    def is_up():
        try:
            return server.ask("/healthz")[0] == 200
        except ConnectionError:
            return False

    wait_for(is_up)
    return server, go


def test_while_it_loads_it_says_so(starting):
    server, go = starting
    assert server.ask("/readyz")[0] == 503
    status, answer = server.decode(Z)
    assert (status, answer["error"]) == (
        503,
        "The server is starting: its models are being loaded.",
    )
    with server.channel() as channel:
        with pytest.raises(grpc.RpcError, match="is starting") as caught:
            call(channel, Z)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        assert server.said() == []
        go.touch()
        server.wait_ready()
        assert server.ready()
        call(channel, Z)


def refuses(server):
    """Whether nothing listens any longer.

    A connection that waits to be accepted when a server stops listening is
    reset: it was not refused, and says nothing.
    """
    try:
        server.ask("/healthz")
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass
    return False


def test_while_it_loads_it_can_be_stopped(starting):
    server, go = starting
    start = time.monotonic()
    server.signal()
    server.wait_said("Stopping")
    wait_for(lambda: refuses(server))
    go.touch()  # A load that has begun goes to its end.
    assert server.ended(5) == 0
    assert time.monotonic() - start < 5


def test_a_model_that_is_broken_from_the_beginning(serve, models):
    write_version(models / "letters")
    graph = models / "digits" / "1" / "onnx" / "decode.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[:-10])
    server = serve(models, "--file-system-poll-wait-seconds=0.1")
    assert "digits (not ready), letters (1)" in server.wait_said("Serving ")
    assert server.ask("/healthz")[0] == 200
    assert not server.ready()
    assert server.decode(Z)[0] == 404
    status, _ = server.ask(
        "/v1/models/letters:predict", '{"instances": [[1, 2, 3]]}'
    )
    assert status == 200
    assert "onnx/decode.onnx" in server.states()[1][1]
    server.wait_said("Version 1 of model digits could not be loaded")
    graph.write_bytes(content)
    wait_for(server.ready)
    assert server.decode(Z)[0] == 200
    shutil.rmtree(models / "letters")
    time.sleep(0.4)
    assert server.ready()
