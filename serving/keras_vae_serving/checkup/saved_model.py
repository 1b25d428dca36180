"""Loads and runs a SavedModel where TensorFlow is installed.

It happens in a process of its own: this package imports no TensorFlow, and
a model that ends its process ends that one.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

import numpy as np

from keras_vae_serving.checkup.examples import Arrays

TIMEOUT_S = 300
# Loads as TensorFlow Serving does: a session, and the tag "serve". Of a
# signature that `inputs.npz` has nothing for, the inputs are made up.
SCRIPT = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf
from keras_vae_serving.checkup import examples

def check(session, name, definition):
    tensors = {
        key: (
            tf.as_dtype(one.dtype).as_numpy_dtype,
            tuple(d.size if d.size >= 0 else None for d in one.tensor_shape.dim)
        )
        for key, one in definition.inputs.items()
    }
    keys = [key for key in tensors if f"{name}/{key}" in given]
    inputs = {key: given[f"{name}/{key}"] for key in keys}
    if not examples.fits(inputs, tensors):
        inputs = examples.make(tensors)
    outputs = session.run(
        {key: one.name for key, one in definition.outputs.items()},
        {definition.inputs[key].name: inputs[key] for key in inputs},
    )
    for key, value in outputs.items():
        text = value.dtype.kind == "O"
        found[f"{name}/{key}"] = value.astype("S") if text else value
    return list(tensors)

directory, folder = sys.argv[1], pathlib.Path(sys.argv[2])
given = dict(np.load(folder / "inputs.npz"))
found, signatures, errors = {}, {}, {}
with tf.compat.v1.Session(graph=tf.Graph()) as session:
    loaded = tf.compat.v1.saved_model.load(session, ["serve"], directory)
    for name, definition in loaded.signature_def.items():
        if name.startswith("__saved_model"):
            continue
        try:
            signatures[name] = check(session, name, definition)
        except Exception as error:
            errors[name] = f"{type(error).__name__}: {error}"[:500]
np.savez(folder / "outputs.npz", **found)
answer = {"signatures": signatures, "errors": errors}
(folder / "answer.json").write_text(json.dumps(answer))
"""


class Answer(NamedTuple):
    """What TensorFlow made of a SavedModel.

    Attributes:
        signatures: By name, the names of the inputs of what ran.
        errors: By signature, why it did not run.
        outputs: By signature, outputs by name.
        problem: Why nothing could be loaded; "" if it was.
    """

    signatures: dict[str, list[str]]
    errors: dict[str, str]
    outputs: dict[str, Arrays]
    problem: str = ""


def run(directory: pathlib.Path, inputs: dict[str, Arrays]) -> Answer:
    """Loads a SavedModel, and runs every signature once.

    Args:
        directory: A version directory.
        inputs: By signature, what to run it with; of others, inputs are
            made up.
    """
    with tempfile.TemporaryDirectory(prefix="keras-vae-doctor-") as name:
        folder = pathlib.Path(name)
        np.savez(
            folder / "inputs.npz",
            **{
                f"{signature}/{key}": value
                for signature, values in inputs.items()
                for key, value in values.items()
            },  # type: ignore[arg-type]
        )
        return _answer(folder, _run_script(directory, folder))


def _run_script(directory: pathlib.Path, folder: pathlib.Path) -> str:
    """Returns why the process failed, "" if it did not."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", SCRIPT, str(directory), str(folder)],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT_S} seconds"
    lines = done.stderr.strip().splitlines()
    last = lines[-1][:500] if lines else f"exit code {done.returncode}"
    return "" if done.returncode == 0 else last


def _environment() -> dict[str, str]:
    """Returns an environment with the same imports, on the CPU alone."""
    folders = [folder or os.getcwd() for folder in sys.path]
    return {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": os.pathsep.join(folders),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _answer(folder: pathlib.Path, problem: str) -> Answer:
    if problem:
        return Answer({}, {}, {}, problem)
    text = (folder / "answer.json").read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(text)
    outputs: dict[str, Arrays] = {}
    with np.load(folder / "outputs.npz") as file:
        for key in file.files:
            signature, _, name = key.partition("/")
            outputs.setdefault(signature, {})[name] = file[key]
    return Answer(answer["signatures"], answer["errors"], outputs)
