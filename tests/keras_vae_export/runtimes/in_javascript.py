"""onnxruntime-web, in Node and in Chromium: one start answers every case."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pytest

WEB = pathlib.Path(__file__).parent / "web"
RUNTIMES = ("node", "chromium")
OLDEST_NODE = 20
# The scripts stop by themselves a little earlier, and close the browser.
TIMEOUT_SECONDS = 150


def command(runtime):
    """Returns how to start a runtime.

    Skips the test if something that it needs is not installed.
    """
    node = shutil.which("node")
    if node is None or major_version(node) < OLDEST_NODE:
        pytest.skip(
            f"Node.js {OLDEST_NODE} or newer is not installed. Install it, "
            f"then run `npm ci` in {WEB.as_posix()}."
        )
    if not (WEB / "node_modules" / ".package-lock.json").exists():
        pytest.skip(
            "`onnxruntime-web` and `playwright-core` are not installed. Run "
            f"`npm ci` in {WEB.as_posix()}."
        )
    script = str(WEB / f"{runtime}.mjs")
    if runtime == "node":
        return [node, script]
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip(
            "Chromium is not installed. Run e.g. `apt-get install chromium`."
        )
    return [node, script, browser]


def major_version(node):
    """Returns 20 for v20.1.0."""
    done = subprocess.run(
        [node, "--version"], capture_output=True, text=True, timeout=30
    )
    return int(done.stdout.lstrip("v").partition(".")[0])


def answer(runtime, cases, models):
    """Runs cases in a runtime.

    Args:
        runtime: One of RUNTIMES.
        cases: A list of cases.
        models: The folder of their files.

    Returns:
        Dictionary from each case to its outputs, arrays by name.
    """
    with scratch() as folder:
        process = start(runtime, cases, models, folder)
        try:
            code = process.wait(TIMEOUT_SECONDS)
        finally:
            process.kill()
        assert code == 0, (folder / "log.txt").read_text()
        found = json.loads((folder / "answers.json").read_text())
    return dict(zip(cases, map(from_json, found), strict=True))


@contextlib.contextmanager
def scratch():
    """A folder of a short name: Chromium binds a socket in it."""
    # What a killed browser writes at its end must not fail a test.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield pathlib.Path(folder)


def start(runtime, cases, models, folder):
    """Starts the process of `answer`, which writes to `folder` alone."""
    here = str(folder)
    paths = [models, folder / "requests.json", folder / "answers.json"]
    paths[1].write_text(json.dumps([to_json(case) for case in cases]))
    with (folder / "log.txt").open("w") as log:
        return subprocess.Popen(
            [*command(runtime), *map(str, paths)],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": here, "TMPDIR": here},
        )


def to_json(case):
    """Describes a case."""
    tensors = {n: tensor_to_json(v) for n, v in case.inputs().items()}
    return {"file": case.file, "inputs": tensors}


def tensor_to_json(array):
    """Describes an array. An int64 is a string: JavaScript rounds numbers."""
    data = array.ravel().tolist()
    if array.dtype == "int64":
        data = [str(value) for value in data]
    return {"dtype": array.dtype.name, "shape": array.shape, "data": data}


def from_json(outputs):
    """Returns the outputs of a case, arrays by name."""
    return {
        name: np.array(one["data"], one["dtype"]).reshape(one["shape"])
        for name, one in outputs.items()
    }
