"""One long-lived process per backend, for the tests that compare backends.

Requests and answers are lines of JSON on the process's stdin and stdout;
arrays travel as `.npz` files, so nothing is pickled. The other end is
`tests/worker_main.py`, and what it runs stands in `tests/worker_tasks.py`.
"""

import itertools
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
BACKENDS = ("tensorflow", "jax", "torch")
START_SECONDS = 180
TAIL_CHARACTERS = 6000


class WorkerError(RuntimeError):
    """A task failed, or its process did; the message holds its output."""


class Workers:
    """The processes, one per backend, started when first asked for."""

    def __init__(self):
        self._running = {}

    def get(self, backend):
        """Returns the process of a backend."""
        if backend not in BACKENDS:
            raise ValueError(
                f"`backend` must be one of {BACKENDS}. Received: {backend!r}."
            )
        if backend not in self._running or not self._running[backend].alive:
            self._running[backend] = Worker(backend)
        return self._running[backend]

    def stop(self):
        """Ends every process."""
        for worker in self._running.values():
            worker.stop()
        self._running = {}


class Worker:
    """One process with one backend."""

    def __init__(self, backend):
        self.backend = backend
        self._folder = tempfile.TemporaryDirectory(prefix="worker_")
        self._numbers = itertools.count()
        self._log = open(pathlib.Path(self._folder.name) / "log.txt", "w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=ROOT,
            env=self._environment(),
        )
        self._answers = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._answer("starting up", START_SECONDS)

    def _environment(self):
        folders = [ROOT, ROOT / "export", ROOT / "serving"]
        outer = os.environ.get("PYTHONPATH")
        paths = [*map(str, folders), *([outer] if outer else [])]
        return {
            **os.environ,
            "KERAS_BACKEND": self.backend,
            "PYTHONPATH": os.pathsep.join(paths),
            "TF_CPP_MIN_LOG_LEVEL": "2",
            "CUDA_VISIBLE_DEVICES": "-1",
        }

    def _listen(self):
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    @property
    def alive(self):
        return self._process.poll() is None

    def call(self, task, timeout=120, **arguments):
        """Runs a task and returns the dictionary that it returned.

        Args:
            task: `"module:function"`.
            timeout: Seconds after which the process is ended.
            **arguments: What the function takes: arrays, lists and
                dictionaries of arrays, and whatever JSON holds. Paths go as
                strings.
        """
        request = os.path.join(self._folder.name, f"{next(self._numbers)}")
        np.savez(f"{request}.npz", **pack(arguments))
        line = json.dumps({"task": task, "arguments": request})
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._answer(task, timeout)
        with np.load(answer["result"], allow_pickle=False) as packed:
            return unpack(packed)

    def _answer(self, task, timeout):
        try:
            line = self._answers.get(timeout=timeout)
        except queue.Empty:
            self.stop()
            raise WorkerError(
                f"{self.backend}: {task} took over {timeout} seconds; the "
                f"process was ended. Its output ends:\n{self._tail()}"
            ) from None
        if line is None:
            raise WorkerError(
                f"{self.backend}: the process ended (exit code "
                f"{self._process.wait()}) while {task}. Its output ends:\n"
                f"{self._tail()}"
            )
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(f"{self.backend}: {task}:\n{answer['error']}")
        return answer

    def _tail(self):
        if self._log.closed:
            return self._last_words
        self._log.flush()
        text = pathlib.Path(self._log.name).read_text(errors="replace")
        return text[-TAIL_CHARACTERS:]

    def stop(self):
        """Ends the process and removes its files."""
        if self._log.closed:
            return
        self._process.stdin.close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._last_words = self._tail()
        self._log.close()
        self._folder.cleanup()


def pack(values):
    """Puts a dictionary into flat arrays: its arrays, and the rest as JSON."""
    arrays = {}

    def place(value):
        if isinstance(value, dict):
            return {"dict": {key: place(one) for key, one in value.items()}}
        if isinstance(value, (list, tuple)):
            return {"list": [place(one) for one in value]}
        if isinstance(value, (np.ndarray, np.generic)):
            name = f"array_{len(arrays)}"
            arrays[name] = value
            return {"array": name}
        return {"json": value}

    layout = json.dumps(place(values))
    return {**arrays, "layout": np.frombuffer(layout.encode(), np.uint8)}


def unpack(packed):
    """Undoes `pack`; sequences come back as lists."""

    def value(node):
        ((kind, content),) = node.items()
        if kind == "dict":
            return {key: value(one) for key, one in content.items()}
        if kind == "list":
            return [value(one) for one in content]
        return packed[content] if kind == "array" else content

    return value(json.loads(packed["layout"].tobytes()))
