"""A transposed convolution by sub-pixel phases, and as Keras does it.

Times `keras_vae.layers.Conv2DTranspose` with `method="direct"` and
`method="subpixel"` at the sizes of `networks.conv_decoder` for 28x28 images:
the forward pass, and a training step's share, which is the forward pass and
the gradients of the inputs, the kernel and the bias. What `method="auto"`
takes comes from this table. The backend is the one that Keras is set to; each
function is compiled as Keras would (TensorFlow's both as a graph and by XLA):

    KERAS_BACKEND=jax python examples/benchmarks/transposed_convolution.py

The methods take turns, so that a busy machine slows them alike. It prints
milliseconds, medians over the turns, and how many times faster the phases
are, the median of the turns' ratios, and writes both to
`examples/figures/transposed_convolution.json`.
"""

import argparse
import json
import os
import pathlib
import statistics
import time

import keras
import numpy as np
from keras import ops

from keras_vae.layers import Conv2DTranspose

BACKEND = keras.backend.backend()
METHODS = ("direct", "subpixel")
PASSES = ("forward", "step")
# Batch, height and width, channels, filters, kernel size.
SIZES = (
    (128, 7, 64, 64, 3),
    (128, 14, 64, 32, 3),
    (32, 14, 64, 32, 3),
    (128, 14, 64, 32, 4),
    (128, 14, 64, 32, 5),
)
TURNS = 9
FIGURES = pathlib.Path(__file__).parents[1] / "figures"


def build_layer(size, method):
    """Returns a layer of stride 2, built, with the same weights each time."""
    _, height, channels, filters, kernel_size = size
    initializer = keras.initializers.GlorotUniform(seed=0)
    layer = Conv2DTranspose(
        filters,
        kernel_size,
        strides=2,
        kernel_initializer=initializer,
        method=method,
    )
    layer.build((None, height, height, channels))
    return layer


def compiled(layer, compiler):
    """Returns functions of x by pass; `step` returns gradients."""

    def loss(x):
        return ops.sum(ops.square(layer(x, training=True)))

    if BACKEND == "jax":
        return _with_jax(layer, loss)
    if BACKEND == "tensorflow":
        return _with_tensorflow(layer, loss, compiler)
    return _with_torch(layer, loss)


def _with_jax(layer, loss):
    import jax

    def loss_of(x, *weights):
        mapping = list(zip(layer.weights, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return loss(x)

    def forward(x, *weights):
        mapping = list(zip(layer.weights, weights, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return layer(x)

    step = jax.jit(jax.grad(loss_of, (0, 1, 2)))
    forward = jax.jit(forward)
    weights = [one.value for one in layer.weights]
    return {
        "forward": lambda x: jax.block_until_ready(forward(x, *weights)),
        "step": lambda x: jax.block_until_ready(step(x, *weights)),
    }


def _with_tensorflow(layer, loss, compiler):
    import tensorflow as tf

    def step(x):
        weights = [one.value for one in layer.weights]
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        return tape.gradient(value, [x, *weights])

    xla = compiler == "xla"
    return {
        "forward": tf.function(lambda x: layer(x), jit_compile=xla),
        "step": tf.function(step, jit_compile=xla),
    }


def _with_torch(layer, loss):
    import torch

    def step(x):
        x = x.detach().requires_grad_()
        weights = [one.value for one in layer.weights]
        return torch.autograd.grad(loss(x), [x, *weights])

    def forward(x):
        with torch.no_grad():
            return layer(x)

    return {"forward": forward, "step": step}


def measure(size, compiler, turns):
    """Times both methods in turn; returns one row of figures.

    Raises:
        AssertionError: if the methods differ.
    """
    batch, height, channels, *_ = size
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, height, height, channels)).astype("float32")
    x = ops.convert_to_tensor(x)
    ways = {m: compiled(build_layer(size, m), compiler) for m in METHODS}
    check_equal(ways, x)
    times = {one: {m: [] for m in METHODS} for one in PASSES}
    for _ in range(turns):
        for one in PASSES:
            for method in METHODS:
                began = time.perf_counter()
                ways[method][one](x)
                seconds = time.perf_counter() - began
                times[one][method].append(1000 * seconds)
    return {"size": list(size), **{p: summary(times[p]) for p in PASSES}}


def check_equal(ways, x):
    """Raises unless the methods agree on outputs and gradients."""
    for one in PASSES:
        found = [ways[method][one](x) for method in METHODS]
        if one == "forward":
            found = [[outputs] for outputs in found]
        for pair in zip(*found, strict=True):
            direct, subpixel = map(ops.convert_to_numpy, pair)
            scale = np.max(np.abs(direct))
            np.testing.assert_allclose(
                subpixel / scale, direct / scale, rtol=0, atol=1e-5
            )


def summary(times):
    """Medians of the methods' milliseconds, and of their ratio."""
    ratios = [
        direct / subpixel
        for direct, subpixel in zip(*(times[m] for m in METHODS), strict=True)
    ]
    return {
        **{m: round(statistics.median(times[m]), 2) for m in METHODS},
        "speedup": round(statistics.median(ratios), 2),
    }


def head():
    """The head of the table."""
    cells = ["batch", "from", "to", "kernel"]
    for one in PASSES:
        cells += [f"{one}: {m} (ms)" for m in METHODS] + ["times faster"]
    return f"| {' | '.join(cells)} |\n|{' --- |' * len(cells)}"


def line(row):
    """One row of the table."""
    batch, height, channels, filters, kernel = row["size"]
    out = 2 * (height - 1) + kernel
    cells = [batch, f"{height}x{height}x{channels}", f"{out}x{out}x{filters}"]
    cells.append(kernel)
    for one in PASSES:
        found = row[one]
        cells += [f"{found[m]:.1f}" for m in METHODS]
        cells.append(f"{found['speedup']:.2f}")
    return f"| {' | '.join(map(str, cells))} |"


def device():
    """The kind of device that the backend computes on: `cpu`, `gpu`."""
    if BACKEND == "torch":
        return ops.zeros(()).device.type
    return keras.distribution.list_devices()[0].partition(":")[0].lower()


def keep(name, report):
    """Writes a report in the place of an older one of its name."""
    target = FIGURES / "transposed_convolution.json"
    reports = json.loads(target.read_text()) if target.exists() else {}
    reports[name] = report
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps(dict(sorted(reports.items())), indent=1)
    target.write_text(text + "\n")


def main():
    """Measures every size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=TURNS)
    options = parser.parse_args()
    compilers = ("graph", "xla") if BACKEND == "tensorflow" else ("",)
    for compiler in compilers:
        name = "_".join(filter(None, (BACKEND, compiler)))
        print(f"{name}\n{head()}")
        rows = []
        for size in SIZES:
            rows.append(measure(size, compiler, options.turns))
            print(line(rows[-1]), flush=True)
        found = {"cores": os.cpu_count(), "device": device(), "rows": rows}
        keep(name, found)


if __name__ == "__main__":
    main()
