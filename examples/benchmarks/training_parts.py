"""What the training benchmark measures, part by part."""

import contextlib
import functools
import math
import os
import statistics

import training_gpu
import training_startup
from contenders import CONTENDERS
from contenders.cases import BATCH_SIZE, CASES
from training_rounds import median_ratio, own_python, start_all, take_turns
from training_rounds import worker as start_worker

TRAINING = ("ours", "hand", "keras", "plain", "pythae", "pyro", "numpyro")
# Steps of a round by k: so many that what `fit` does once is little beside.
IWAE_STEPS = {1: 200, 5: 100, 10: 60, 50: 20}
MARGINAL_SAMPLES = 5000
MARGINAL_IMAGES = 32


class Setting:
    """What all parts need to know.

    Args:
        options: The command's options.
        data: Path of the images.
        tell: Function that is told, a line at a time, what goes on.
    """

    def __init__(self, options, data, tell):
        self.options = options
        self.data = data
        self.tell = tell

    def keys(self, names):
        """Yields `(contender, backend)` for what is to be measured."""
        for name in names:
            for backend in CONTENDERS[name].modules:
                peer = CONTENDERS[name].peer
                if peer and self.options.peers_python is None:
                    continue
                if peer or backend in self.options.backends:
                    yield name, backend

    def start(self, key, case, **options):
        """Returns a function that starts a contender."""
        name, backend = key[:2]
        peer = CONTENDERS[name].peer
        python = self.options.peers_python if peer else own_python()
        return functools.partial(
            start_worker, python, name, backend, case, self.data, **options
        )

    def run(self, starts, numbers):
        """Starts processes, and lets them take turns.

        Returns:
            The processes that started, and their answers, by key.
        """
        with contextlib.ExitStack() as stack:
            processes = start_all(stack, starts, self.tell)
            around = training_gpu.beside_each_turn()
            answers = take_turns(
                processes, numbers, self.options.rounds, self.tell, around
            )
        return processes, answers


# --- Training -----------------------------------------------------------------


def training(case, setting, names=TRAINING):
    """Trains one architecture; returns a row for each contender."""
    wanted = setting.options.contenders
    keys = list(setting.keys(name for name in names if name in wanted))
    products = list(setting.keys(["matmul"]))
    # A machine's speed drifts: those that are compared follow each other.
    turns = sorted(keys + products, key=lambda key: key[1])
    starts = {key: setting.start(key, case.name) for key in turns}
    images = setting.options.images or case.images
    numbers = dict.fromkeys(starts, images)
    processes, answers = setting.run(starts, numbers)
    for key in keys:
        if key in processes:
            check_size(key, processes[key].ready["parameters"], case)
    rates = product_rates({k: answers[k] for k in products if k in answers})
    rows = [
        row(key, processes[key].ready, answers[key], images)
        for key in keys
        if key in processes
    ]
    return {
        "images": images,
        "parameters": case.num_parameters,
        "flops": case.flops,
        "rounds": setting.options.rounds,
        "matmul": rates,
        "allowed": allowed(rates, case),
        "allowed_by_own": allowed_by_own(rates, case),
        "rows": rows,
        "ratios": ratios(answers),
    }


def check_size(key, num_parameters, case):
    """Refuses to compare different architectures.

    Raises:
        RuntimeError: if a contender has another number of parameters.
    """
    if num_parameters != case.num_parameters:
        raise RuntimeError(
            f"Every contender must have {case.num_parameters:,} parameters. "
            f"Received: {num_parameters:,} of {'/'.join(key)}."
        )


def row(key, ready, answers, images):
    """Returns the figures of one contender."""
    name, backend = key
    found = {
        "contender": name,
        "backend": backend,
        "images_per_second": round(
            statistics.median(images / one["seconds"] for one in answers)
        ),
        "first_step_seconds": round(ready["seconds"], 1),
        "peak_gib": round(answers[-1]["peak_gib"], 2),
        "loss": round(answers[-1]["result"], 1),
    }
    if answers[0]["beside"]:
        looks = [one["beside"]["percent"] or 0.0 for one in answers]
        found["gpu_percent"] = round(statistics.median(looks))
    return found


def ratios(answers):
    """Median ratios of `ours` to the others, by contender and backend.

    Others than peers are compared on the same backend.
    """
    seconds = {
        key: [one["seconds"] for one in found]
        for key, found in answers.items()
        if key[0] in TRAINING
    }
    found = {}
    for (name, backend), theirs in seconds.items():
        peer = CONTENDERS[name].peer
        for (ours, on), mine in seconds.items():
            if ours != "ours" or name == "ours" or not (peer or on == backend):
                continue
            ratio = round(median_ratio(theirs, mine), 3)
            found.setdefault(name, {})[on] = ratio
    return found


# --- The machine --------------------------------------------------------------


def matmul(setting):
    """Returns GFLOP/s by backend and size."""
    keys = list(setting.keys(["matmul"]))
    starts = {key: setting.start(key, "mlp") for key in keys}
    _, answers = setting.run(starts, dict.fromkeys(keys, 0))
    return product_rates(answers)


def product_rates(answers):
    """Medians over the rounds, in GFLOP/s."""
    return {
        backend: {
            size: round(statistics.median(one["result"][size] for one in found))
            for size in found[0]["result"]
        }
        for (_, backend), found in answers.items()
    }


def allowed(rates, case):
    """Images per second that the fastest of the matrix products allows."""
    if not rates:
        return None
    best = max(rate for sizes in rates.values() for rate in sizes.values())
    return round(1e9 * best / case.flops)


def allowed_by_own(rates, case):
    """Images per second that the MLP's own largest product allows, by backend.

    It is slower than a large square. No product stands so for the
    convolutions: their sizes are the library's choice.
    """
    if case.name != "mlp":
        return {}
    return {
        backend: round(1e9 * sizes["small"] / case.flops)
        for backend, sizes in rates.items()
    }


def startup(setting):
    """Returns how long imports take, by backend."""
    options = setting.options
    return training_startup.measure(
        options.backends, options.rounds, setting.tell
    )


# --- IWAE and log p(x) --------------------------------------------------------


def iwae(setting):
    """Returns time and memory of a step by backend and k.

    A ratio is the median over the rounds of the time with k samples divided
    by that with one.
    """
    steps = {str(k): steps for k, steps in IWAE_STEPS.items()}
    starts = {
        (name, backend, k): setting.start(
            (name, backend), "mlp", num_samples=int(k)
        )
        for name, backend in setting.keys(["iwae"])
        for k in steps
    }
    images = {key: BATCH_SIZE * steps[key[2]] for key in starts}
    _, answers = setting.run(starts, images)
    times = {
        key: [one["seconds"] / steps[key[2]] for one in own]
        for key, own in answers.items()
    }
    found = {}
    for (name, backend, k), own in times.items():
        one = {
            "milliseconds": round(1000 * statistics.median(own), 2),
            "peak_gib": round(answers[name, backend, k][-1]["peak_gib"], 2),
        }
        if base := times.get((name, backend, "1")):
            one["ratio"] = round(median_ratio(own, base), 2)
        found.setdefault(backend, {})[k] = one
    return found


def marginal(setting):
    """Returns the time of log p(x) by backend, and pythae's.

    All have the same weights: those of `ours` after an epoch.
    """
    path = os.path.join(os.path.dirname(setting.data), "weights.npz")
    options = {"weights": path, "num_samples": MARGINAL_SAMPLES}
    keys = list(setting.keys(["marginal", "nll"]))
    starts = {key: setting.start(key, "mlp", **options) for key in keys}
    numbers = dict.fromkeys(keys, MARGINAL_IMAGES)
    _, answers = setting.run(starts, numbers)
    return {
        ("pythae" if name == "nll" else backend): score_row(found, answers)
        for (name, backend), found in answers.items()
    }


def score_row(found, answers):
    """Returns seconds for an image, mean log p(x), and pythae's ratio."""
    seconds = [one["seconds"] for one in found]
    one = {
        "seconds": round(statistics.median(seconds) / MARGINAL_IMAGES, 3),
        "nats": round(math.fsum(found[-1]["result"]) / MARGINAL_IMAGES, 2),
    }
    peer = answers.get(("nll", "torch"))
    if peer:
        theirs = [answer["seconds"] for answer in peer]
        one["ratio"] = round(median_ratio(theirs, seconds), 2)
    return one


PARTS = {
    "mlp": functools.partial(training, CASES["mlp"]),
    "alone": functools.partial(training, CASES["mlp"], names=("ours", "hand")),
    "conv": functools.partial(training, CASES["conv"]),
    "matmul": matmul,
    "startup": startup,
    "iwae": iwae,
    "marginal": marginal,
}
