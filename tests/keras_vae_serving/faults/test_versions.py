"""Version directories that change while they are served."""

import json
import shutil
import threading
import time

import numpy as np
import pytest

from tests.keras_vae_serving.directories import (
    LINEAR,
    LinearModel,
    write_version,
)
from tests.keras_vae_serving.faults.served import (
    PREDICT,
    RESPONSES,
    body_of,
    connect,
    is_image,
    requests,
    wait_for,
)

pytestmark = [pytest.mark.once, pytest.mark.slow]

POLL = "--file-system-poll-wait-seconds=0.1"
SEVERAL_POLLS_S = 0.5
NEWER = LinearModel(bias=5.0)
Z = np.array([[1, 2, 3], [0, -1, 0.5], [3, 3, 3]], "float32")


def answers_of(server, model):
    status, answer = server.decode(Z)
    return status == 200 and is_image(answer["predictions"], Z, model)


def test_a_version_that_is_deleted_serves_on(serve, models):
    server = serve(models, POLL)
    shutil.rmtree(models / "digits" / "1")
    time.sleep(SEVERAL_POLLS_S)
    assert answers_of(server, LINEAR)
    assert server.states() == {1: ("AVAILABLE", "")}
    shutil.rmtree(models)
    time.sleep(SEVERAL_POLLS_S)
    assert answers_of(server, LINEAR)
    assert server.ready()
    write_version(models / "digits", 2, NEWER)
    wait_for(lambda: answers_of(server, NEWER))


def test_a_version_that_is_corrupted_serves_on(serve, models):
    server = serve(models, POLL)
    for path in (models / "digits" / "1" / "onnx").iterdir():
        size = path.stat().st_size
        with path.open("r+b") as file:  # in place, as a bad disk would
            file.write(b"\xff" * (size // 2))
            file.truncate(size // 2)
    (models / "digits" / "1" / "manifest.json").write_text("{")
    time.sleep(SEVERAL_POLLS_S)
    for _ in range(20):
        assert answers_of(server, LINEAR)
    assert server.states() == {1: ("AVAILABLE", "")}


def flip_a_byte(directory):
    path = directory / "onnx" / "decode.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_a_graph(directory):
    path = directory / "onnx" / "generate.onnx"
    path.write_bytes(path.read_bytes()[:100])


def cut_the_manifest(directory):
    path = directory / "manifest.json"
    path.write_text(path.read_text()[:300])


def empty(directory):
    shutil.rmtree(directory)
    directory.mkdir()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (flip_a_byte, "onnx/decode.onnx"),
        (cut_a_graph, "onnx/generate.onnx"),
        (cut_the_manifest, "manifest"),
        (empty, "manifest.json"),
    ],
)
def test_a_broken_new_version_takes_nobodys_place(
    serve, models, tmp_path, spoil, message
):
    server = serve(models, POLL, "--max-num-load-retries=0")
    made = write_version(tmp_path / "elsewhere" / "digits", 2, NEWER)
    good = shutil.copytree(made, tmp_path / "good")
    spoil(made)
    made.rename(models / "digits" / "2")
    state, text = wait_for(
        lambda: server.states().get(2, (0, ""))[1] and server.states()[2]
    )
    assert state != "AVAILABLE"
    assert message in text
    assert server.states()[1] == ("AVAILABLE", "")
    assert answers_of(server, LINEAR) and server.ready()
    status, answer = server.ask(
        "/v1/models/digits/versions/2:predict", body_of(Z)
    )
    assert (status, answer) == (
        404,
        {"error": "Servable not found for request: Specific(digits, 2)"},
    )
    server.wait_said("Version 2 of model digits could not be loaded")
    # Once it is repaired it is taken, without a restart.
    shutil.rmtree(models / "digits" / "2")
    good.rename(models / "digits" / "2")
    wait_for(lambda: answers_of(server, NEWER))
    server.wait_said(r"Serving digits \(2\) from now on")


def test_a_new_version_that_is_copied_file_by_file(serve, models, tmp_path):
    server = serve(models, POLL)
    made = write_version(tmp_path / "elsewhere" / "digits", 2, NEWER)
    place = models / "digits" / "2"
    for path in sorted(made.rglob("*"), key=lambda one: one.suffix != ".json"):
        target = place / path.relative_to(made)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
            time.sleep(0.1)
            assert any(answers_of(server, one) for one in (LINEAR, NEWER))
    wait_for(lambda: answers_of(server, NEWER))


class Load(threading.Thread):
    """Asks until it is told to stop; notes the version of each answer."""

    def __init__(self, server):
        super().__init__()
        self.server = server
        self.versions = []
        self.problems = []
        self.is_over = False

    def run(self):
        ask = self.asking()
        while not self.is_over and not self.problems:
            try:
                self.versions.append(ask())
            except Exception as error:
                self.problems.append(repr(error))


class RestLoad(Load):
    def asking(self):
        connection = connect("127.0.0.1", self.server.rest_port)

        def ask():
            path = "/v1/models/digits:predict"
            connection.request("POST", path, body_of(Z))
            answer = connection.getresponse()
            return version_of(json.load(answer)["predictions"])

        return ask


class GrpcLoad(Load):
    def asking(self):
        call = self.server.channel().unary_unary(PREDICT)
        request = requests.predict("decode", model="digits", z=Z)
        data = request.SerializeToString()

        def ask():
            answer = RESPONSES[PREDICT].FromString(call(data, timeout=20))
            version = version_of(answer.outputs["x"].float_val)
            if version != answer.model_spec.version.value:
                raise AssertionError(f"It says {answer.model_spec}")
            return version

        return ask


def version_of(images):
    """The version that computed an answer, which must be one alone."""
    found = [
        number
        for number, model in ((1, LINEAR), (2, NEWER))
        if is_image(images, Z, model)
    ]
    assert len(found) == 1, "It is of neither version, or of both"
    return found[0]


def test_a_new_version_under_load(serve, models):
    server = serve(models, POLL)
    clients = [RestLoad(server) for _ in range(4)]
    clients += [GrpcLoad(server) for _ in range(2)]
    for one in clients:
        one.start()
    wait_for(lambda: all(len(one.versions) > 20 for one in clients))
    write_version(models / "digits", 2, NEWER)
    wait_for(lambda: all(one.versions[-1] == 2 for one in clients))
    wait_for(lambda: server.states()[1][0] == "END")
    time.sleep(0.2)
    for one in clients:
        one.is_over = True
        one.join(20)
    assert [one.problems for one in clients] == [[]] * len(clients)
    for one in clients:
        assert {*one.versions} == {1, 2}
        assert one.versions == sorted(one.versions)


def test_a_request_that_is_running_ends_on_its_own_version(slow, models):
    server = slow(POLL)
    z = np.array([[1.5, 2, 3]], "float32")  # It takes 1.5 s.
    found = []
    asking = threading.Thread(target=lambda: found.append(server.decode(z)))
    asking.start()
    wait_for(lambda: server.metric("requests_in_flight", protocol="rest"))
    write_version(models / "digits", 2, NEWER)
    wait_for(lambda: server.states().get(2) == ("AVAILABLE", ""))
    wait_for(lambda: server.states()[1][0] == "UNLOADING")
    assert not found
    asking.join(20)
    ((status, answer),) = found
    assert status == 200
    assert is_image(answer["predictions"], z, LINEAR)
    wait_for(lambda: server.states()[1][0] == "END")
