"""Memory of IWAE with k = 50, and of log p(x) from 5,000 samples.

On 28x28 images in batches of 128 it measures, for an MLP (784-200-200, 50
latents) and a convolutional VAE, the peak resident memory of a process that
trains with `objectives.IWAE(num_samples=50)` and of one that calls
`vae.marginal_log_likelihood(x, num_samples=5000)`. Each is a fresh process,
once for every backend that is installed. The convolutional VAE is given 256
samples in place of 5,000, which take it ten minutes and no more memory
(`--marginal-samples 5000` is for the patient):

    python examples/benchmarks/memory.py

It prints a table beside the limit of 2 GiB and writes it to
`examples/figures/memory.json`, row by row; `--backend` and `--network` measure
some rows again. A peak holds everything: Python, Keras and the
backend, whose share stands in the first column, and the data.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

BACKENDS = ("tensorflow", "jax", "torch")
NETWORKS = ("mlp", "conv")
BATCH_SIZE = 128
IWAE_SAMPLES = 50
MARGINAL_SAMPLES = {"mlp": 5000, "conv": 256}
TRAINING_STEPS = {"mlp": 4, "conv": 1}
LIMIT_GIB = 2.0
FIGURES = pathlib.Path(__file__).parents[1] / "figures"


def peak_gib():
    """Peak resident memory of this process."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024  # bytes, or KiB
    return peak * unit / 2**30


def build_vae(network):
    """Returns the untrained VAE."""
    from keras_vae import VAE, networks, objectives

    shape = (28, 28, 1)
    if network == "mlp":
        hidden = {"hidden_dims": (200, 200), "activation": "tanh"}
        encoder = networks.mlp_encoder(shape, **hidden)
        decoder = networks.mlp_decoder(50, **hidden)
    else:
        encoder = networks.conv_encoder(shape)
        decoder = networks.conv_decoder(50, shape)
    objective = objectives.IWAE(num_samples=IWAE_SAMPLES)
    vae = VAE(encoder, decoder, objective=objective)
    vae.compile(optimizer="adam")
    return vae


def worker(task, network, num_samples):
    """Runs one task and prints the peak, inside a process of its own."""
    import numpy as np

    vae = build_vae(network)
    rng = np.random.default_rng(0)
    count = BATCH_SIZE * (TRAINING_STEPS[network] if task == "iwae" else 1)
    x = (rng.random((count, 28, 28, 1)) < 0.2).astype("float32")
    if task == "iwae":
        vae.fit(x, batch_size=BATCH_SIZE, epochs=1, verbose=0)
    elif task == "marginal":
        vae.marginal_log_likelihood(x, num_samples=int(num_samples))
    print(peak_gib())


def measure(backend, *arguments):
    """Runs a task in a fresh process of a backend; returns its peak."""
    result = subprocess.run(
        [sys.executable, __file__, "--worker", *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return round(float(result.stdout.strip().split("\n")[-1]), 2)


def measure_all(backends, networks, num_samples):
    """Measures one row for each backend and network."""
    for backend in backends:
        for network in networks:
            count = num_samples or MARGINAL_SAMPLES[network]
            row = {
                "backend": backend,
                "network": network,
                "marginal_samples": count,
            }
            for task in ("start", "iwae", "marginal"):
                row[task] = measure(backend, task, network, count)
            print(line(row), flush=True)
            keep(row)


def keep(row):
    """Writes a row to the report, in the place of an older one."""
    target = FIGURES / "memory.json"
    rows = json.loads(target.read_text())["rows"] if target.exists() else []
    rows = {(one["backend"], one["network"]): one for one in [*rows, row]}
    order = [(b, n) for b in BACKENDS for n in NETWORKS]
    report = {
        "what": "peak resident memory of a process, GiB",
        "batch_size": BATCH_SIZE,
        "iwae_samples": IWAE_SAMPLES,
        "limit": LIMIT_GIB,
        "rows": [rows[key] for key in order if key in rows],
    }
    FIGURES.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n")


def line(row):
    """One row of the table."""
    within = max(row["iwae"], row["marginal"]) < LIMIT_GIB
    return (
        f"{row['backend']:10s}  {row['network']:7s}  {row['start']:5.2f}  "
        f"{row['iwae']:11.2f}  "
        f"{row['marginal']:12.2f} (K = {row['marginal_samples']:,})  "
        f"{LIMIT_GIB:5.2f}  {'within' if within else 'ABOVE'}"
    )


def main():
    """Measures every backend that is installed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--network", choices=NETWORKS, action="append")
    parser.add_argument("--marginal-samples", type=int)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return worker(*options.worker)
    installed = [b for b in BACKENDS if importlib.util.find_spec(b)]
    print(
        f"Peak resident memory in GiB, batch {BATCH_SIZE} of 28x28 images\n"
        "backend     network  start  IWAE k = 50  log p(x)                limit"
    )
    measure_all(
        options.backend or installed,
        options.network or NETWORKS,
        options.marginal_samples,
    )
    return None


if __name__ == "__main__":
    main()
