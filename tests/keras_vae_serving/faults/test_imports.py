"""What the process of a server has loaded once it has answered."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tests.keras_vae_serving.faults.served import call, wait_for

pytestmark = [pytest.mark.once, pytest.mark.slow]

PROGRAM = (str(pathlib.Path(__file__).with_name("modules.py")),)
# With them it would start in seconds, and take hundreds of megabytes.
TOO_LARGE = {
    "jax",
    "keras",
    "keras_vae",
    "keras_vae_export",
    "matplotlib",
    "pandas",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
}


def test_a_server_loads_no_keras_and_no_backend(serve, models, tmp_path):
    path = tmp_path / "modules.json"
    server = serve(models, program=PROGRAM, environment={"MODULES": str(path)})
    assert server.decode(np.zeros((1, 3)))[0] == 200
    with server.channel() as channel:
        call(channel, np.zeros((1, 3)))
    for question in ("/metrics", "/openapi.json", "/v1/models/digits/metadata"):
        assert server.ask(question)[0] == 200
    server.signal()
    assert server.ended() == 0
    wait_for(path.exists)
    loaded = set(json.loads(path.read_text()))
    assert {"keras_vae_serving", "onnxruntime", "grpc"} <= loaded
    assert loaded.isdisjoint(TOO_LARGE)


def test_these_modules_would_be_seen(tmp_path):
    path = tmp_path / "modules.json"
    code = (
        f"import os, sys; os.environ['MODULES'] = {str(path)!r}; "
        f"sys.path.insert(0, {str(pathlib.Path(PROGRAM[0]).parent)!r}); "
        "import modules; sys.modules['keras.layers'] = modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert "keras" in json.loads(path.read_text())
