"""Contenders in processes of their own that take turns."""

import contextlib
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).parent
WORKER = FOLDER / "training_worker.py"
# Several processes share a GPU: none may take all of its memory.
SHARING = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class Failed(Exception):
    """A contender that could not be started, or that stopped."""


class Process:
    """A contender's process.

    Args:
        command: List of strings.
        backend: What Keras is set to in it.

    Raises:
        Failed: if it ends before it is ready.
    """

    def __init__(self, command, backend=None):
        # A file, not a pipe: nobody reads it unless the process fails.
        self.log = tempfile.TemporaryFile("w+")
        env = {**os.environ, **SHARING}
        if backend:
            env["KERAS_BACKEND"] = backend
        began = time.perf_counter()
        self.process = subprocess.Popen(
            list(map(str, command)),
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.ready = self._answer()
        self.ready["seconds"] = time.perf_counter() - began

    def ask(self, number):
        """Has it do its work once; returns its answer."""
        with contextlib.suppress(BrokenPipeError):  # It has ended: see below.
            self.process.stdin.write(f"{number}\n")
            self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        found = json.loads(line) if line else {"error": self._last_words()}
        if "error" in found:
            self.close()
            raise Failed(found["error"])
        return found

    def _last_words(self):
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1] if lines else "It said nothing."

    def close(self):
        """Ends it."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        if self.process.poll() is None:
            self.process.wait(timeout=60)
        self.log.close()


def worker(python, name, backend, case, data, **options):
    """Starts a contender's process."""
    command = [python, WORKER, name, backend, case, data]
    return Process([*command, json.dumps(options)], backend)


def start_all(stack, starts, tell):
    """Starts processes one after the other.

    Args:
        stack: `ExitStack` that ends them.
        starts: Functions that start a process, by key.
        tell: Function that is told, a line at a time, what goes on.

    Returns:
        The processes by key, without those that failed.
    """
    started = {}
    for key, start in starts.items():
        tell(f"starting {'/'.join(key)}")
        try:
            started[key] = start()
        except Failed as error:
            print(f"{'/'.join(key)} is left out: {error}", flush=True)
            continue
        stack.callback(started[key].close)
    return started


def take_turns(processes, numbers, rounds, tell, around=contextlib.nullcontext):
    """Has each process do its work once a round, after one more to warm up.

    Every round another process is first, so that none always follows the
    same one.

    Args:
        processes: By key.
        numbers: What each is asked, by key.
        rounds: Integer.
        tell: As in `start_all`.
        around: Context manager that runs beside each turn; what it yields
            becomes the answer's `"beside"`.

    Returns:
        Lists of answers, one a round, by key.
    """
    answers = {key: [] for key in processes}
    keys = list(processes)
    for number in range(rounds + 1):
        for key in keys:
            tell(f"round {number} of {rounds}: {'/'.join(key)}")
            with around() as beside:
                found = processes[key].ask(numbers[key])
            if number:  # The first one is the warm-up.
                answers[key].append({**found, "beside": beside})
        keys = [*keys[1:], *keys[:1]]
    return answers


def median_ratio(first, second):
    """Median over the rounds of one figure divided by another."""
    pairs = zip(first, second, strict=True)
    return statistics.median(one / other for one, other in pairs)


def installed(backends):
    """Returns those of the backends that are installed."""
    return [b for b in backends if importlib.util.find_spec(b)]


def own_python():
    """Returns the interpreter that runs this."""
    return sys.executable
