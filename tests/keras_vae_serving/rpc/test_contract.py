"""The recorded calls of a real TensorFlow Serving, made here."""

import pathlib
import re

import grpc
import pytest

from keras_vae_serving.model_server import State, VersionStatus
from keras_vae_serving.rpc import messages
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rpc import requests
from tests.keras_vae_serving.rpc.loopback import (
    CHECK,
    METADATA,
    PREDICT,
    RELOAD,
    STATUS,
    Loopback,
)

pytestmark = pytest.mark.once

RECORDED = (
    pathlib.Path(__file__).parents[1] / "contract" / "grpc.txt"
).read_text(encoding="utf-8")

X = [1.0]
TWO = {"a": [[1.0, 2.0]], "n": requests.tensor([1], "int64")}
CONFIG = {
    "name": "echo",
    "base_path": "/models/echo",
    "model_platform": "tensorflow",
}
# By what a line is called: what was asked, and where.
ASKED = {
    "predict": (PREDICT, requests.predict(x=[1, 2])),
    "predict v9": (PREDICT, requests.predict(x=X, version=9)),
    "label stable": (PREDICT, requests.predict(x=X, label="stable")),
    "label none": (PREDICT, requests.predict(x=X, label="none")),
    "no model": (PREDICT, requests.predict(x=X, model="nope")),
    "empty model": (PREDICT, requests.predict(x=X, model="")),
    "bad sig": (PREDICT, requests.predict("nope", x=X)),
    "missing input": (PREDICT, requests.predict()),
    "extra input": (PREDICT, requests.predict(x=X, q=X)),
    "wrong name": (PREDICT, requests.predict(z=X)),
    "wrong dtype": (
        PREDICT,
        requests.predict(x=requests.tensor(X, "float64")),
    ),
    "rank2 wrong shape": (PREDICT, requests.predict("rank2", x=[[1, 2]])),
    "f16": (
        PREDICT,
        requests.predict("echo_f16", x=requests.tensor([1.5], "float16")),
    ),
    "output_filter": (
        PREDICT,
        requests.predict("uneven_out", x=X, only=["b"]),
    ),
    "bad filter": (PREDICT, requests.predict("uneven_out", x=X, only=["zz"])),
    "fails": (PREDICT, requests.predict("fails", x=X)),
    "scalar_in": (
        PREDICT,
        requests.predict("scalar_in", k=requests.tensor(3, "int32"), t=0.5),
    ),
    "meta no field": (METADATA, requests.metadata()),
    "meta bad field": (METADATA, requests.metadata("x")),
    "status": (STATUS, requests.status("vae")),
    "status nope": (STATUS, requests.status("nope")),
    "status empty": (STATUS, requests.status("")),
    "reload": (RELOAD, requests.reload(CONFIG)),
    "reload bad path": (
        RELOAD,
        requests.reload(CONFIG | {"base_path": "/nowhere"}),
    ),
    r"health b''": (CHECK, messages.HealthCheckRequest()),
    r"health b'\n\x0cModelService'": (
        CHECK,
        messages.HealthCheckRequest(service="ModelService"),
    ),
    r"health b'\n\x04nope'": (
        CHECK,
        messages.HealthCheckRequest(service="nope"),
    ),
}
# What is not answered as it was recorded, and why.
DIFFERENT = {
    "fails": "What TensorFlow's graph adds, the names of its nodes, is not "
    "part of the contract.",
}
# What is not asked for here, and why.
LEFT_OUT = {
    "generate": "It shows the numbers of a second model, `vae`.",
    "meta": "It shows the signatures of a second model, `vae`; those of "
    "`echo` are compared with REST's recording.",
}


class WithVae(EchoServer):
    """Has a second model, `vae`, as the recorded server had."""

    def statuses(self, name, version=None):
        if name == "vae":
            return [VersionStatus(1, State.AVAILABLE)]
        return super().statuses(name, version)


@pytest.fixture(scope="module")
def loopback():
    with Loopback(WithVae()) as started:
        yield started


def lines():
    """Yields each line's name, and what was answered."""
    names = sorted([*ASKED, *LEFT_OUT], key=len, reverse=True)
    for line in RECORDED.splitlines():
        told = line.partition(" ")[2]
        name = next(one for one in names if told.startswith(one + " "))
        yield name, line


def ask(loopback, name):
    """Makes a call, and tells it as the recording does."""
    path, request = ASKED[name]
    data = request.SerializeToString()
    try:
        answered = loopback.send(path, data)
    except grpc.RpcError as error:
        return f"ERR {name} {error.code().name} {error.details()!r}"
    if path == CHECK:
        return f"OK {name} {answered!r}"
    shown = str(loopback.call(path, request))
    return f"OK {name} {' '.join(shown.split())}"


@pytest.mark.parametrize(
    "name, line", [one for one in lines() if one[0] in ASKED]
)
def test_recorded_call(loopback, name, line):
    answered = ask(loopback, name)
    if name in DIFFERENT:
        assert answered != line
        # The rest of the text comes from the graph.
        assert line.startswith(answered.removesuffix("'"))
    else:
        assert answered == line


def test_every_line_is_accounted_for():
    found = [name for name, _ in lines()]
    assert sorted(found) == sorted([*ASKED, *LEFT_OUT])
    assert len(found) == len(RECORDED.splitlines()) == 29


def test_metadata_is_packed_as_recorded(loopback):
    """Its form is the line `meta`'s; its signatures are those of `echo`."""
    (line,) = [line for name, line in lines() if name == "meta"]
    response = loopback.call(METADATA, requests.metadata("signature_def"))
    shown = " ".join(str(response).split())
    form = re.compile(
        r'model_spec { name: "\w+" version { value: \d } } metadata { key: '
        r'"signature_def" value { type_url: "type.googleapis.com/tensorflow.'
        r'serving.SignatureDefMap" value: "'
    )
    assert form.match(shown)
    assert form.match(line.removeprefix("OK meta "))
