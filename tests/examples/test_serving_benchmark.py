"""The benchmark of the server: its clients, what it checks and keeps."""

import asyncio
import importlib.util
import json
import os
import pathlib
import sys

import numpy as np
import pytest

from keras_vae_serving.rest.from_json import Form
from keras_vae_serving.rest.to_json import answer_body
from keras_vae_serving.rpc import messages, tensors
from tests.keras_vae_serving.directories import LinearModel, write_version

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "benchmarks"
FIGURES = ROOT / "examples" / "figures"
HELPERS = ("serving_load", "serving_process")
MODEL = LinearModel(event_shape=(6, 6, 1), latent_dim=3)

pytestmark = pytest.mark.once


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    # The example finds the files beside it, as when it is run.
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    path = FOLDER / "serving.py"
    spec = importlib.util.spec_from_file_location("serving_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIGURES", tmp_path / "figures")
    yield module
    for name in HELPERS:
        sys.modules.pop(name)


@pytest.fixture
def models(tmp_path):
    for version in (1, 10, 9):  # Version 10 decodes as the benchmark expects.
        model = MODEL._replace(bias=version / 20)
        write_version(tmp_path / "models" / "linear", version, model)
    return tmp_path / "models"


@pytest.fixture
def latents():
    return np.random.default_rng(1).normal(size=(5, 3)).astype("float32")


def answers_of(protocol, images):
    """What a server answers, one image an answer."""
    if protocol == "rest":
        return [answer_body(Form.ROW, {"x": one[None]}) for one in images]
    written = []
    for one in images:
        response = messages.PredictResponse()
        response.outputs["x"].CopyFrom(tensors.to_proto(one[None]))
        written.append(response.SerializeToString())
    return written


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_every_answer_is_compared(benchmark, latents, protocol):
    images = MODEL.decode(latents)["x"]
    answers = answers_of(protocol, images)
    benchmark.check(protocol, answers, images)
    answers[3], answers[4] = answers[4], answers[3]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        benchmark.check(protocol, answers, images)


class Sent:
    """Takes what a client writes."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)


def test_an_answer_is_gathered_from_its_pieces(benchmark):
    async def scenario():
        client, sent = benchmark.KINDS["rest"](), Sent()
        client.connection_made(sent)
        for body in (b"one", b"four"):
            waiting = client.ask(b"a request")
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
            for piece in (head, b"\r\n" + body[:2], body[2:]):
                assert not waiting.done()
                client.data_received(piece)
            assert await waiting == body
        assert sent.written == [b"a request"] * 2
        waiting = client.ask(b"another")
        client.connection_lost(None)
        with pytest.raises(ConnectionError, match="closed a connection"):
            await waiting

    asyncio.run(scenario())


def test_clients_share_requests_and_answers_stay_in_order(benchmark):
    class Client:
        def __init__(self, pause):
            self.pause, self.asked = pause, []

        async def ask(self, request):
            self.asked.append(request)
            await asyncio.sleep(self.pause)
            return request + b"!"

    quick, slow = Client(0.001), Client(0.05)
    requests = [b"%d" % number for number in range(10)]
    send = sys.modules["serving_load"].send
    block = asyncio.run(send([slow, quick], requests))
    assert block.answers == [request + b"!" for request in requests]
    assert sorted(quick.asked + slow.asked) == requests
    assert len(slow.asked) < len(quick.asked)
    assert block.latencies[0] >= 0.05
    assert min(block.latencies) < 0.05 <= block.seconds


def test_the_figures_of_a_block(benchmark):
    block = sys.modules["serving_load"].Block(
        seconds=0.5,
        latencies=[0.001 * number for number in range(101)],
        answers=[b""] * 101,
    )
    found = benchmark.figures(block)
    assert [*found] == ["p50", "p99", "per_second"]
    np.testing.assert_allclose([*found.values()], (50.0, 99.0, 202.0))


def test_the_newest_version_says_what_is_expected(benchmark, models):
    decoder = benchmark.Decoder(models)
    z, images = decoder.draw(4)
    assert (decoder.model, z.shape) == ("linear", (4, 3))
    expected = MODEL.decode(z)["x"]
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-6)
    assert not np.array_equal(decoder.draw(4)[0], z)


def test_models_must_be_there(benchmark, tmp_path):
    with pytest.raises(SystemExit, match="must hold NAME/VERSION"):
        benchmark.Decoder(tmp_path)


def test_a_row_of_the_table(benchmark):
    one = {"p50": 0.5349, "p99": 12.0, "per_second": 1785.4}
    row = {"protocol": "grpc", "clients": 16}
    row |= dict.fromkeys(benchmark.SERVERS, one)
    line = benchmark.line(row)
    assert line.startswith("| gRPC | 16 | 0.53 | 12.00 | 1,785 | 0.53 |")
    assert {line.count("|")} == {
        head.count("|") for head in benchmark.head().split("\n")
    }


@pytest.mark.slow
def test_the_load_is_measured(benchmark, models, monkeypatch, capsys):
    options = [f"--models={models}", "--clients=3", "--rounds=1"]
    monkeypatch.setattr(sys, "argv", ["serving.py", *options, "--requests=60"])
    benchmark.main()
    lines = capsys.readouterr().out.split("\n")
    assert [line[:11] for line in lines[4:6]] == ["| REST | 3 ", "| gRPC | 3 "]
    report = json.loads((benchmark.FIGURES / "serving.json").read_text())
    assert 0 < report["start"]["seconds"] and 20 < report["start"]["mib"]
    for row in report["rows"]:
        for server in benchmark.SERVERS:
            assert 0 < row[server]["p50"] <= row[server]["p99"]
            assert 0 < row[server]["per_second"]


@pytest.mark.slow
def test_the_memory_is_measured(benchmark, models, monkeypatch, capsys):
    for name, value in (("CLIENTS", 3), ("BLOCK", 40), ("WARM_UP", 1)):
        monkeypatch.setattr(benchmark, f"SOAK_{name}", value)
    options = [f"--models={models}", "--soak=150"]
    monkeypatch.setattr(sys, "argv", ["serving.py", *options])
    benchmark.main()
    assert "160 answers, all right" in capsys.readouterr().out
    report = json.loads((benchmark.FIGURES / "serving.json").read_text())
    assert (report["soak"]["requests"], report["soak"]["clients"]) == (160, 6)
    assert 20 < report["soak"]["mib"]


@pytest.mark.slow
def test_an_error_ends_the_benchmark(benchmark, models, latents):
    load, process = (sys.modules[name] for name in HELPERS)
    with process.serving(models, "other") as server:
        with pytest.raises(RuntimeError, match="404 Not Found"):
            asyncio.run(load.ask_all(server.place, "rest", 2, latents))
        with pytest.raises(load.grpc.RpcError, match="NOT_FOUND"):
            asyncio.run(load.ask_all(server.place, "grpc", 2, latents))


@pytest.mark.slow
def test_a_server_that_does_not_start_says_why(benchmark, tmp_path):
    process = sys.modules["serving_process"]
    with pytest.raises(RuntimeError, match="did not start: .*directory"):
        with process.serving(tmp_path / "missing", "linear"):
            pass


@pytest.mark.slow
def test_the_vae_is_exported(benchmark, tmp_path):
    benchmark.export_vae(tmp_path)
    decoder = benchmark.Decoder(tmp_path)
    z, images = decoder.draw(2)
    assert (z.shape, images.shape) == ((2, 50), (2, 28, 28, 1))


def test_the_figures_that_were_kept():
    report = json.loads((FIGURES / "serving.json").read_text())
    found = {(one["protocol"], one["clients"]): one for one in report["rows"]}
    assert [*found] == [(p, n) for p in ("rest", "grpc") for n in (1, 16, 64)]
    assert found["rest", 1]["batching"]["p50"] < 1.5
    assert report["start"]["seconds"] < 1 and report["start"]["mib"] < 150
    assert report["soak"]["requests"] >= 100_000
    assert report["soak"]["growth_mib"] < 10
