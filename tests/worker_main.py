"""The process at the other end of `tests/workers.py`.

It reads requests from stdin until that closes. Its own stdout is the channel
for answers: what anything else prints goes to stderr.
"""

import importlib
import json
import os
import sys
import traceback

import numpy as np

from tests.workers import pack, unpack


def run(request):
    """Runs one task and returns the path of its result."""
    module, _, function = request["task"].partition(":")
    with np.load(f"{request['arguments']}.npz", allow_pickle=False) as packed:
        arguments = unpack(packed)
    result = getattr(importlib.import_module(module), function)(**arguments)
    path = f"{request['arguments']}_result.npz"
    np.savez(path, **pack(result))
    return path


def main():
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    importlib.import_module("keras_vae")
    channel.write(json.dumps({"ready": True}) + "\n")
    for line in sys.stdin:
        try:
            answer = {"result": run(json.loads(line))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        channel.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
