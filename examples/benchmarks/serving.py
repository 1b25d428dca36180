"""`keras-vae serve` under load: REST and gRPC, with batching and without.

Serves an untrained VAE of 28x28 images (50 latents, an MLP of 200-200-784), or
the first model of `--models`, and asks for `decode` of one latent a request,
with 1, 16 and 64 clients at once, each on a connection of its own that stays
open. The clients are in this process, the servers in others:

    python examples/benchmarks/serving.py

The servers take turns, a block of requests each, so that a busy machine slows
them alike: one batches, one does not, and one answers ready bytes and computes
nothing, which is what the protocols and the clients themselves cost. It prints
the medians over the rounds of each block's p50 and p99, in milliseconds, and
of its answers a second; how long the server takes to be ready, and its memory.
Every answer is compared with the image that onnxruntime decodes.

    python examples/benchmarks/serving.py --soak 100000

sends that many requests in place of this, half over REST and half over gRPC at
once, no two with the same latent, and prints how the server's memory grows.
Both write to `examples/figures/serving.json`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from serving_load import KINDS, ask_all, check
from serving_process import answering, event_loop_runner, serving

CLIENTS = (1, 16, 64)
NO_BATCHING = "--no-enable-batching"
SERVERS = ("batching", "alone", "ready")
WARM_UP = 10  # requests of each client before the clock runs
SOAK_CLIENTS = 32  # of each protocol
SOAK_BLOCK = 1000  # requests of each protocol
SOAK_WARM_UP = 5  # blocks before memory is first read
FIGURES = pathlib.Path(__file__).parents[1] / "figures"


class Decoder:
    """What a model's `decode` should answer.

    Args:
        models: A directory of models; the first one is meant.
    """

    def __init__(self, models):
        found = sorted(models.glob("*/*/onnx/decode.onnx"))
        if not found:
            sys.exit(f"`--models` must hold NAME/VERSION. Received: {models}")
        self.model = found[0].parents[2].name
        newest = max(
            (path for path in found if path.parents[2].name == self.model),
            key=lambda path: int(path.parents[1].name),
        )
        self.session = onnxruntime.InferenceSession(newest)
        self.latent_dim = self.session.get_inputs()[0].shape[1]
        self.rng = np.random.default_rng(0)

    def draw(self, count):
        """Returns new latents and the images they stand for."""
        z = self.rng.normal(size=(count, self.latent_dim)).astype("float32")
        return z, self.session.run(["x"], {"z": z})[0]


def export_vae(folder):
    """Exports the untrained VAE; runs in a process of its own, for Keras."""
    import keras_vae_export
    from keras_vae import VAE, networks

    hidden = {"hidden_dims": (200, 200)}
    encoder = networks.mlp_encoder((28, 28, 1), **hidden)  # takes no part
    vae = VAE(encoder, networks.mlp_decoder(50, **hidden), name="mlp")
    keras_vae_export.export(vae, folder, formats=("onnx",))


# --- Load ---------------------------------------------------------------------


def measure_load(models, options):
    """Returns a row for each protocol and number of clients."""
    decoder = Decoder(models)
    model = decoder.model
    with contextlib.ExitStack() as stack:
        started = [serving(models, model), serving(models, model, NO_BATCHING)]
        batching, alone = map(stack.enter_context, started)
        ready = ready_answers(batching.place, decoder)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        floor = stack.enter_context(answering(model, *ready, folder))
        servers = dict(zip(SERVERS, (batching, alone, floor), strict=True))
        rows = []
        for protocol in options.protocol or KINDS:
            for clients in options.clients or CLIENTS:
                rows.append(
                    measure_row(servers, decoder, protocol, clients, options)
                )
                print(line(rows[-1]), flush=True)
        return rows


def ready_answers(place, decoder):
    """Returns one answer of each protocol."""
    latents, _ = decoder.draw(1)
    return [run(ask_all(place, one, 1, latents)).answers[0] for one in KINDS]


def measure_row(servers, decoder, protocol, clients, options):
    """Loads each server in turn; returns the medians over the rounds."""
    found = {name: [] for name in servers}
    for _ in range(options.rounds):
        latents, images = decoder.draw(options.requests)
        for name, server in servers.items():
            block = run(
                ask_all(server.place, protocol, clients, latents, WARM_UP)
            )
            if name != "ready":
                check(protocol, block.answers, images)
            found[name].append(figures(block))
    medians = {
        name: {
            key: round(statistics.median(one[key] for one in rounds), 3)
            for key in rounds[0]
        }
        for name, rounds in found.items()
    }
    return {"protocol": protocol, "clients": clients, **medians}


def figures(block):
    """Returns p50 and p99 in milliseconds, and the answers a second."""
    p50, p99 = 1000 * np.percentile(block.latencies, (50, 99))
    per_second = len(block.answers) / block.seconds
    return {"p50": p50, "p99": p99, "per_second": per_second}


def measure_start(models, model, times):
    """Returns the seconds until a server is ready, and its MiB then."""
    found = []
    for _ in range(times):
        with serving(models, model) as server:
            found.append((server.seconds, server.mib()))
    seconds, mib = map(statistics.median, zip(*found, strict=True))
    return {"seconds": round(seconds, 2), "mib": round(mib)}


# --- Soak ---------------------------------------------------------------------


def soak(models, num_requests):
    """Sends many requests to one server; returns how its memory grew.

    Raises:
        AssertionError: if an answer is wrong.
    """
    decoder = Decoder(models)
    blocks = -(-num_requests // (2 * SOAK_BLOCK))
    with serving(models, decoder.model) as server:
        for _ in range(SOAK_WARM_UP):
            run(soak_block(server.place, decoder))
        mib = [server.mib()]
        for number in range(1, blocks + 1):
            run(soak_block(server.place, decoder))
            mib.append(server.mib())
            if number % max(blocks // 10, 1) == 0 or number == blocks:
                sent = 2 * SOAK_BLOCK * number
                print(f"{sent:9,} answers, all right; {mib[-1]:.1f} MiB")
    growth = round(mib[-1] - mib[0], 1)
    print(f"Memory: {mib[0]:.1f} MiB at first, {growth:+.1f} MiB at the end.")
    return {
        "requests": 2 * SOAK_BLOCK * blocks,
        "clients": 2 * SOAK_CLIENTS,
        "mib": round(mib[0], 1),
        "growth_mib": growth,
    }


async def soak_block(place, decoder):
    """Sends a block over each protocol at once, and reads every answer."""

    async def over(protocol):
        z, images = decoder.draw(SOAK_BLOCK)
        block = await ask_all(place, protocol, SOAK_CLIENTS, z)
        return protocol, block.answers, images

    for answered in await asyncio.gather(*map(over, KINDS)):
        check(*answered)


# --- Report -------------------------------------------------------------------


def head():
    """The head of the table."""
    names = ["", "clients"]
    for server in ("batching", "no batching", "ready answers"):
        names += [f"{server}: p50 (ms)", "p99 (ms)", "answers/s"]
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def line(row):
    """One row of the table."""
    cells = [{"rest": "REST", "grpc": "gRPC"}[row["protocol"]]]
    cells.append(str(row["clients"]))
    for server in SERVERS:
        one = row[server]
        cells += [f"{one['p50']:.2f}", f"{one['p99']:.2f}"]
        cells.append(f"{one['per_second']:,.0f}")
    return f"| {' | '.join(cells)} |"


def keep(**parts):
    """Writes parts of the report in the place of older ones."""
    target = FIGURES / "serving.json"
    report = json.loads(target.read_text()) if target.exists() else {}
    report.update(parts, cores=os.cpu_count())
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(dict(sorted(report.items())), indent=1)
    target.write_text(text + "\n")


def run(work):
    """Runs a coroutine on the fastest event loop there is."""
    return event_loop_runner()(work)


def parse():
    """Reads the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, help="NAME/VERSION")
    parser.add_argument("--protocol", choices=KINDS, action="append")
    parser.add_argument("--clients", type=int, action="append")
    parser.add_argument("--requests", type=int, default=1000, help="a block")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--soak", type=int, metavar="REQUESTS")
    parser.add_argument("--export", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    """Measures the load, or the memory under it."""
    options = parse()
    if options.export:
        return export_vae(options.export)
    with tempfile.TemporaryDirectory() as folder:
        models = options.models or pathlib.Path(folder)
        if options.models is None:
            command = [sys.executable, __file__, "--export", folder]
            quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
            subprocess.run(command, env=quiet, check=True)
        if options.soak:
            return keep(soak=soak(models, options.soak))
        start = measure_start(models, Decoder(models).model, options.rounds)
        print(f"Ready in {start['seconds']} s, {start['mib']} MiB\n\n{head()}")
        rows = measure_load(models, options)
        blocks = {"requests": options.requests, "rounds": options.rounds}
        return keep(start=start, rows=rows, **blocks)


if __name__ == "__main__":
    main()
