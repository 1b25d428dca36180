"""Decoding on the backend, in TensorFlow's SavedModel and in onnxruntime.

Exports an untrained VAE of 28x28 images with 50 latents, its decoder an MLP
(200-200-784) or convolutional, and times the same decoding, from NumPy to
NumPy, four ways: `vae.generator.predict`, a plain call of `vae.generator`, the
SavedModel (where TensorFlow is installed) and the ONNX file in onnxruntime.
The backend is the one that Keras is set to:

    KERAS_BACKEND=tensorflow python examples/benchmarks/decode.py

The ways take turns, a block of calls each, so that a busy machine slows them
alike. It prints the milliseconds of a call, the median over the blocks, and
how many times faster onnxruntime is than `predict`, the median over the turns,
and writes both to `examples/figures/decode.json`. `--threads 1` keeps
onnxruntime to one thread.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import tempfile
import time

import keras
import numpy as np

import keras_vae_export
from keras_vae import VAE, networks

BATCH_SIZES = (1, 32, 1024)
NETWORKS = ("mlp", "conv")
LATENT_DIM = 50
WAYS = ("predict", "call", "saved_model", "onnxruntime")
BLOCK_SECONDS = 0.05  # of calls that follow each other, at least one
LEAST_TURNS = 3
FIGURES = pathlib.Path(__file__).parents[1] / "figures"


def build_vae(network):
    """Returns the untrained VAE."""
    shape, hidden = (28, 28, 1), {"hidden_dims": (200, 200)}
    encoder = networks.mlp_encoder(shape, **hidden)  # takes no part
    if network == "mlp":
        decoder = networks.mlp_decoder(LATENT_DIM, **hidden)
    else:
        decoder = networks.conv_decoder(LATENT_DIM, shape)
    return VAE(encoder, decoder, name=network)


def ways_to_decode(vae, folder, threads):
    """Exports a VAE; returns functions of z by name, arrays to arrays."""
    path = keras_vae_export.export(vae, folder)
    ways = {
        "predict": lambda z: vae.generator.predict(
            z, batch_size=len(z), verbose=0
        ),
        "call": lambda z: keras.ops.convert_to_numpy(
            vae.generator(z, training=False)
        ),
        "onnxruntime": onnx_decoder(path, threads),
    }
    if importlib.util.find_spec("tensorflow"):
        ways["saved_model"] = saved_model_decoder(path)
    return {name: ways[name] for name in WAYS if name in ways}


def onnx_decoder(path, threads):
    """Loads `decode` in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: one for each core
    session = onnxruntime.InferenceSession(
        path / "onnx" / "decode.onnx",
        options,
        providers=["CPUExecutionProvider"],
    )
    return lambda z: session.run(["x"], {"z": z})[0]


def saved_model_decoder(path):
    """Loads `decode` in TensorFlow."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    # The default argument keeps the variables alive.
    return lambda z, loaded=loaded: loaded.signatures["decode"](
        z=tf.constant(z)
    )["x"].numpy()


def measure(ways, batch_size, seconds):
    """Times each way in turn; returns one row of figures.

    Raises:
        AssertionError: if two ways decode differently.
    """
    z = np.random.default_rng(0).normal(size=(batch_size, LATENT_DIM))
    z = z.astype("float32")
    expected = ways["predict"](z)
    for decode in ways.values():
        np.testing.assert_allclose(decode(z), expected, rtol=1e-5, atol=1e-5)
        time_of_call(decode, z)
    times = {name: [] for name in ways}
    until = time.perf_counter() + seconds
    turns = 0
    while turns < LEAST_TURNS or time.perf_counter() < until:
        for name, decode in ways.items():
            times[name].append(1000 * time_of_call(decode, z))
        turns += 1
    pairs = zip(times["predict"], times["onnxruntime"], strict=True)
    speedup = statistics.median(slow / fast for slow, fast in pairs)
    return {
        "batch_size": batch_size,
        "turns": turns,
        "milliseconds": {
            name: round(statistics.median(found), 4)
            for name, found in times.items()
        },
        "speedup": round(speedup, 1),
    }


def time_of_call(decode, z):
    """Runs a block of calls; returns the mean seconds of one."""
    began = now = time.perf_counter()
    calls = 0
    while now < began + BLOCK_SECONDS:
        decode(z)
        calls += 1
        now = time.perf_counter()
    return (now - began) / calls


def line(network, row):
    """One row of the table."""
    found = row["milliseconds"]
    times = (f"{found[way]:.3f}" if way in found else "" for way in WAYS)
    cells = [network, f"{row['batch_size']:,}", *times, f"{row['speedup']:.1f}"]
    return f"| {' | '.join(cells)} |"


def head(backend):
    """The head of the table."""
    names = [f"{backend}, batch", "size", "`generator.predict` (ms)"]
    names += ["`generator(z)` (ms)", "SavedModel (ms)", "onnxruntime (ms)"]
    names += ["times faster than `predict`"]
    return f"| {' | '.join(names)} |\n|{' --- |' * len(names)}"


def keep(report):
    """Writes a report in the place of an older one of its backend."""
    target = FIGURES / "decode.json"
    reports = json.loads(target.read_text()) if target.exists() else {}
    reports[report["backend"]] = report
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(dict(sorted(reports.items())), indent=1)
    target.write_text(text + "\n")


def main():
    """Measures every network at every size of batch."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", choices=NETWORKS, action="append")
    parser.add_argument("--threads", type=int, help="of onnxruntime")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="for each row of the table"
    )
    options = parser.parse_args()
    backend = keras.backend.backend()
    report = {"backend": backend, "cores": os.cpu_count(), "rows": {}}
    print(head(backend))
    for network in options.network or NETWORKS:
        with tempfile.TemporaryDirectory() as folder:
            vae = build_vae(network)
            ways = ways_to_decode(vae, folder, options.threads)
        rows = []
        for batch_size in BATCH_SIZES:
            rows.append(measure(ways, batch_size, options.seconds))
            print(line(network, rows[-1]), flush=True)
        report["rows"][network] = rows
    keep(report)


if __name__ == "__main__":
    main()
