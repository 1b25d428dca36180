"""`enable_determinism`: what it tells the backend, and what comes of it."""

import json
import os
import pathlib
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import keras_vae
from keras_vae.trainers import determinism

ROOT = pathlib.Path(__file__).parents[3]
BACKEND = keras.backend.backend()
CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
FLAG = "--xla_gpu_deterministic_ops=true"

# What each backend must have been told.
TOLD = {
    "tensorflow": {"deterministic": True},
    "jax": {"flags": FLAG, "devices_before": [False]},
    "torch": {"deterministic": True, "benchmark": False, "cublas": ":4096:8"},
}


def only(backend):
    return pytest.mark.skipif(
        BACKEND != backend,
        reason=f"It looks at what the backend {backend} is told, which is "
        "not the one that runs.",
    )


def train(npz, out):
    """Trains in a process of its own; returns what the backend was told."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    for name in ("XLA_FLAGS", CUBLAS):
        environment.pop(name, None)
    options = "--network=conv --filters=4 --latent-dim=2 --batch-size=8"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "tests.deterministic_training"),
            *(f"--dataset={npz}", f"--out={out}", "--epochs=2"),
            *options.split(),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_runs_give_the_same_weights_bit_for_bit(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (40, 6, 6), "uint8")
    npz = tmp_path / "grey.npz"
    np.savez(npz, x_train=grey[:28], x_test=grey[28:])
    weights = []
    for run in (tmp_path / "first", tmp_path / "second"):
        assert train(npz, run) == TOLD[BACKEND]
        assert json.loads((run / "config.json").read_text())["deterministic"]
        with zipfile.ZipFile(run / "model.keras") as archive:
            weights.append(archive.read("model.weights.h5"))
    assert weights[0] == weights[1]


@pytest.fixture
def told(monkeypatch):
    """Keeps the backend from being told; counts how often it would be."""
    calls = []
    monkeypatch.setattr(
        determinism, "_enable_on_the_backend", lambda: calls.append(1)
    )
    return calls


def test_it_sets_every_seed(told):
    drawn = []
    for seed in (3, 3, 4):
        keras_vae.enable_determinism(seed)
        noise = keras.ops.convert_to_numpy(keras.random.normal((2,)))
        drawn.append([np.random.rand(), *noise])
    assert told == [1, 1, 1]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]).isdisjoint(drawn[2])


@pytest.mark.parametrize(
    ("seed", "error"),
    [
        (0.5, TypeError),
        (True, TypeError),
        (None, TypeError),
        (-1, ValueError),
        (2**31, ValueError),
    ],
)
def test_a_bad_seed_is_an_error(told, seed, error):
    with pytest.raises(error, match=f"Received: seed={seed!r} of .*`seed=0`"):
        keras_vae.enable_determinism(seed)
    assert told == []


@only("tensorflow")
def test_tensorflow_is_told(monkeypatch):
    import tensorflow as tf

    calls = []
    monkeypatch.setattr(
        tf.config.experimental,
        "enable_op_determinism",
        lambda: calls.append(1),
    )
    keras_vae.enable_determinism(0)
    assert calls == [1]


@only("jax")
@pytest.mark.parametrize("before", [None, "--a=1", FLAG, f"{FLAG} --a=1"])
def test_xla_is_told_once_and_other_flags_stay(monkeypatch, before):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    if before is not None:
        monkeypatch.setenv("XLA_FLAGS", before)
    keras_vae.enable_determinism(0)
    after = os.environ["XLA_FLAGS"].split()
    assert after.count(FLAG) == 1
    assert set(after) == {FLAG, *(before or "").split()}


@only("jax")
def test_on_a_gpu_that_runs_already_xla_reads_no_flags(monkeypatch):
    import jax

    from keras_vae.trainers import jax_determinism

    keras.ops.zeros(())
    number = jax.config.jax_num_cpu_devices
    assert jax_determinism.has_devices()
    assert jax.config.jax_num_cpu_devices == number
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setenv("XLA_FLAGS", "--a=1")
    with pytest.raises(RuntimeError, match=f"JAX had .* XLA_FLAGS={FLAG}"):
        keras_vae.enable_determinism(0)
    assert os.environ["XLA_FLAGS"] == "--a=1"
    monkeypatch.setenv("XLA_FLAGS", FLAG)
    keras_vae.enable_determinism(0)


@only("torch")
@pytest.mark.parametrize("chosen", [None, ":16:8"])
@pytest.mark.parametrize("gpu_runs", [False, True])
def test_pytorch_is_told_in_time(monkeypatch, chosen, gpu_runs):
    import torch

    calls = []
    monkeypatch.setattr(torch, "use_deterministic_algorithms", calls.append)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: gpu_runs)
    monkeypatch.setenv(CUBLAS, chosen or "")
    if chosen is None:
        monkeypatch.delenv(CUBLAS)
    if gpu_runs and chosen is None:
        message = f"PyTorch had .* {CUBLAS}=:4096:8 before"
        with pytest.raises(RuntimeError, match=message):
            keras_vae.enable_determinism(0)
        assert calls == []
        return
    keras_vae.enable_determinism(0)
    assert os.environ[CUBLAS] == (chosen or ":4096:8")
    assert calls == [True]
    assert torch.backends.cudnn.benchmark is False
