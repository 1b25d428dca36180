"""The process of one contender of the training benchmark.

    python training_worker.py CONTENDER BACKEND CASE DATA [OPTIONS]

DATA is an `.npy` file of images, OPTIONS a JSON object of further arguments.
It makes the contender, takes its first step and writes one line of JSON to its
standard output. From then on it answers each line of its standard input, a
number, with one line: for a contender that trains, the number of images. One
epoch goes before that is not timed.
"""

import contextlib
import json
import os
import sys
import time

from memory import peak_gib

SAID = 300  # characters of an error


@contextlib.contextmanager
def private_output():
    """Yields the standard output, which nothing else can write to then."""
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        yield output


def make(name, backend, case, data, options):
    """Makes the contender and takes its first step.

    Returns:
        `(run, wake, num_parameters)`, with functions of one number; without
        parameters it does not train. `wake` is to run before what is timed:
        the memory of a process that waits long may be taken back meanwhile.
    """
    import contenders
    import numpy as np
    from contenders.cases import BATCH_SIZE, CASES

    if data:
        x = np.load(data).astype("float32")
    function = contenders.load(name, backend)
    case = CASES[case]
    if name == "matmul":
        return function(backend), rest, None
    run, num_parameters = function(case, x, **options)
    if num_parameters is None:
        return run, rest, None
    run(BATCH_SIZE, 1)
    return (
        lambda num_images: run(*case.epochs_of(num_images)),
        lambda num_images: run(case.epochs_of(num_images)[0], 1),
        num_parameters,
    )


def rest(number):
    """Does nothing."""


def answer(run, number):
    """Runs once; returns what it took."""
    began = time.perf_counter()
    result = run(number)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "result": result, "peak_gib": peak_gib()}


def main(name, backend, case, data, options="{}"):
    """Answers until its input ends."""
    with private_output() as output:

        def reply(found):
            print(json.dumps(found), file=output, flush=True)

        try:
            run, wake, num_parameters = make(
                name, backend, case, data, json.loads(options)
            )
        except Exception as error:
            said = " ".join(str(error).split())[:SAID]
            reply({"error": f"{type(error).__name__}: {said}"})
            raise
        reply({"parameters": num_parameters, "start_gib": peak_gib()})
        for line in sys.stdin:
            wake(int(line))
            reply(answer(run, int(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
