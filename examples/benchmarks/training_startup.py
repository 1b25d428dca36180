"""How long `import keras` takes, and what `import keras_vae` adds to it."""

import json
import os
import statistics
import subprocess
import sys

PROGRAM = """
import json, sys, time
began = time.perf_counter()
found = {}
for name in sys.argv[1:]:
    __import__(name)
    found[name] = time.perf_counter() - began
print(json.dumps(found))
"""
ALONE = ("keras",)
BOTH = ("keras", "keras_vae")


def imported(backend, names):
    """Imports in a fresh process.

    Returns:
        The seconds until each import was done, by name.
    """
    env = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def measure(backends, rounds, tell):
    """Returns medians in milliseconds by backend.

    `keras` and `keras_vae` are imports in processes that take turns; `added`
    is what `import keras_vae` takes in a process that has imported Keras.
    """
    found = {backend: {"keras": [], "both": []} for backend in backends}
    for number in range(rounds + 1):
        for backend in backends:
            tell(f"round {number} of {rounds}: imports on {backend}")
            one = imported(backend, ALONE), imported(backend, BOTH)
            if number:  # The first ones read the files from the disk.
                found[backend]["keras"].append(one[0])
                found[backend]["both"].append(one[1])
    return {backend: medians(one) for backend, one in found.items()}


def medians(found):
    """Returns the figures of one backend."""
    both = found["both"]
    seconds = {
        "keras": [one["keras"] for one in found["keras"]],
        "keras_vae": [one["keras_vae"] for one in both],
        "added": [one["keras_vae"] - one["keras"] for one in both],
    }
    return {
        name: round(1000 * statistics.median(values))
        for name, values in seconds.items()
    }
