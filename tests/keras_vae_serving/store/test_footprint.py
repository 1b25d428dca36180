"""What a process with a store costs: time to start, and memory."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.once, pytest.mark.slow]

SERVING = pathlib.Path(__file__).parents[3] / "serving"
START = """
import time
import asyncio, json, sys
from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.store.model_store import ModelStore
from keras_vae_serving.store.sources import ModelsDirectory

def resident():
    with open("/proc/self/status") as file:
        line = next(one for one in file if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024

store = ModelStore(ModelsDirectory(sys.argv[1]))
asyncio.run(store.start())
report = {
    "ready": store.is_ready(),
    "cpu_seconds": time.process_time(),
    "mebibytes": resident(),
    "modules": sorted(name for name in sys.modules if "." not in name),
}
"""
RUN = """
import numpy as np

rng = np.random.default_rng(0)

def run(count):
    for _ in range(count):
        rows = int(rng.integers(0, 64))
        seeds = rng.integers(-1000, 1000, rows)
        ones = np.ones(rows, "float32")
        with store.acquire(ModelSpec("linear")) as servable:
            servable.run("decode", {"z": np.ones((rows, 3), "float32")})
            inputs = {"seed": seeds, "temperature": ones}
            x = servable.run("generate_rows", inputs)["x"]
            servable.run("score", {"x": x, "seed": seeds})
            one = {"seed": seeds[:1], "temperature": ones[:1]}
            servable.run("generate_png", one)

run(1000)
before = resident()
run(25_000)
report["growth"] = resident() - before
"""


def report_of(script, directory):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            script + "\nprint(json.dumps(report))",
            directory,
        ],
        env=os.environ | {"PYTHONPATH": str(SERVING)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="Memory is read from Linux's /proc."
)


@linux
def test_start(linear_version):
    report = report_of(START, linear_version.parent)
    assert report["ready"]
    assert report["cpu_seconds"] < 1
    assert report["mebibytes"] < 100
    frameworks = {"keras", "tensorflow", "jax", "torch", "onnx", "google"}
    assert not frameworks & set(report["modules"])


@linux
def test_memory_is_flat(linear_version):
    report = report_of(START + RUN, linear_version.parent)
    assert report["growth"] < 10
