"""A VAE trained in float32, float16 and bfloat16: what the 16 bits cost.

An MLP (784-400, 20 latents) and a small convolutional VAE on MNIST, binarised
once, each from the same initial weights, in the same order and with the same
noise: in float32, in float16 with a scaled loss, and in bfloat16. In 16 bits
the networks alone compute; weights, sampling, KL and likelihood are float32.
Run it from the repository's root, on each backend:

    KERAS_BACKEND=jax python examples/mixed_precision.py

Training is short (20,000 images, 5 epochs), for most CPUs have no 16-bit
arithmetic and only imitate it: what is compared is the test ELBO, not speed.
The convolutions have a smooth activation. With relu, so early in training, an
equal change of all initial weights by 1 in 10,000 moved the ELBO of float32
by more than a nat; with silu ten times that moved it by less than 0.1.
It prints a table, and adds its rows to `examples/figures/mixed_precision.json`.
A run that was cut off goes on where it stopped; one that was not, begun again
with the same options, only prints. Delete the file to train anew.
"""

import argparse
import itertools
import json
import math
import pathlib

import keras
import numpy as np

from keras_vae import VAE, datasets, networks

FIGURES = pathlib.Path(__file__).parent / "figures"
SHAPE = (28, 28, 1)
LATENT_DIM = 20
BATCH_SIZE = 128
CHUNK = 1000
LOSS_SCALE = 2.0**8
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")


def mlp(precision, seed):
    """The encoder and the decoder of the MLP."""
    options = {"hidden_dims": (400,), "dtype": precision, "seed": seed}
    return (
        networks.mlp_encoder(SHAPE, **options),
        networks.mlp_decoder(LATENT_DIM, **options),
    )


def conv(precision, seed):
    """The encoder and the decoder of the convolutional VAE."""
    options = {"activation": "silu", "dtype": precision, "seed": seed}
    return (
        networks.conv_encoder(SHAPE, (8, 16), **options),
        networks.conv_decoder(LATENT_DIM, SHAPE, (16, 8), **options),
    )


NETWORKS = {"mlp": mlp, "conv": conv}


def build_vae(network, precision, seed):
    """Returns the untrained VAE: the same weights in any precision."""
    keras.utils.set_random_seed(seed)
    return VAE(*NETWORKS[network](precision, seed), seed=seed)


def optimizer(precision, num_examples, epochs):
    """Returns Adam, with a scaled loss for float16.

    `compile(optimizer="adam")` scales the loss by itself where a network
    computes in float16. It starts at 2^15, where the first steps of a VAE
    overflow and are skipped until the scale has been halved often enough.
    Skipping the first steps leads elsewhere in float32 as well, so it starts
    lower here.
    """
    steps = epochs * math.ceil(num_examples / BATCH_SIZE)
    # It ends in small steps, so that the last one decides nothing.
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    adam = keras.optimizers.Adam(rate)
    if precision != "mixed_float16":
        return adam
    return keras.optimizers.LossScaleOptimizer(adam, LOSS_SCALE)


def mean_elbo(vae, x):
    """The mean ELBO of x in nats, with the same noise in any precision."""
    parts = [x[start : start + CHUNK] for start in range(0, len(x), CHUNK)]
    elbos = [
        keras.ops.convert_to_numpy(vae.compute_elbo(part, seed=seed).elbo)
        for seed, part in enumerate(parts)
    ]
    return float(np.mean(np.concatenate(elbos), dtype="float64"))


def train_row(network, precision, x_train, x_test, options):
    """Trains one VAE and returns what was measured."""
    vae = build_vae(network, precision, options.seed)
    vae.compile(optimizer=optimizer(precision, len(x_train), options.epochs))
    vae.fit(x_train, epochs=options.epochs, batch_size=BATCH_SIZE, verbose=2)
    single = build_vae(network, "float32", options.seed)
    single.set_weights(vae.get_weights())
    scale = getattr(vae.optimizer, "dynamic_scale", None)
    return {
        "network": network,
        "precision": precision,
        "test_elbo": round(mean_elbo(vae, x_test), 3),
        "test_elbo_computed_in_float32": round(mean_elbo(single, x_test), 3),
        "nonfinite_steps": int(vae.nonfinite_steps),
        "loss_scale": None if scale is None else float(scale),
    }


def with_difference(row, rows):
    """Adds what a row's test ELBO is above float32's, which comes first."""
    base = [one for one in rows if one["network"] == row["network"]] or [row]
    difference = round(row["test_elbo"] - base[0]["test_elbo"], 3)
    return {
        **row,
        "difference": difference,
        "within_1_nat": abs(difference) < 1.0,
    }


def table(rows):
    """The rows as Markdown."""
    lines = [
        "| network | precision | test ELBO (nats) | minus float32's |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['network']} | {row['precision']} | {row['test_elbo']:.2f} "
        f"| {row['difference']:+.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def read(path):
    """The report so far."""
    if path.exists():
        return json.loads(path.read_text())
    return {
        "data": "MNIST, binarised once; test images: one posterior sample each"
    }


def record(rows, settings, path):
    """Writes this backend's rows beside those of the others."""
    report = read(path)
    report[keras.backend.backend()] = {**settings, "rows": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def rows_so_far(settings, path):
    """This backend's rows, if they were trained with the same settings."""
    known = read(path).get(keras.backend.backend(), {})
    rows = known.pop("rows", [])
    return rows if known == settings else []


def main():
    """Trains, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--train-images", type=int, default=20_000)
    parser.add_argument("--test-images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figures", type=pathlib.Path, default=FIGURES)
    options = parser.parse_args()
    x_train, x_test = (
        datasets.load("mnist", split, binarize="static")
        for split in (
            f"train[:{options.train_images}]",
            f"test[:{options.test_images}]",
        )
    )
    path = options.figures / "mixed_precision.json"
    settings = {
        "keras": keras.__version__,
        "train_images": options.train_images,
        "test_images": options.test_images,
        "epochs": options.epochs,
        "seed": options.seed,
        "initial_loss_scale": LOSS_SCALE,
    }
    rows = rows_so_far(settings, path)
    todo = itertools.islice(
        itertools.product(NETWORKS, PRECISIONS), len(rows), None
    )
    for network, precision in todo:
        print(f"{network}, {precision}:", flush=True)
        row = train_row(network, precision, x_train, x_test, options)
        rows.append(with_difference(row, rows))
        record(rows, settings, path)
    print(table(rows))


if __name__ == "__main__":
    main()
