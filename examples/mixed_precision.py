"""A VAE trained in float32, float16 and bfloat16: what the 16 bits cost.

An MLP (784-400, 20 latents) and a small convolutional VAE on MNIST, binarised
once, each from the same initial weights, in the same order and with the same
noise: in float32, in float16 with a scaled loss, and in bfloat16. In 16 bits
the networks alone compute; weights, sampling, KL and likelihood are float32.
Run it from the repository's root, on each backend:

    KERAS_BACKEND=jax python examples/mixed_precision.py

Training is short (20,000 images, 5 epochs), for most CPUs have no 16-bit
arithmetic and only imitate it: what is compared is the test ELBO, not speed.
It prints a table, and adds its rows to `examples/figures/mixed_precision.json`.
"""

import argparse
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
    options = {"dtype": precision, "seed": seed}
    return (
        networks.conv_encoder(SHAPE, (8, 16), **options),
        networks.conv_decoder(LATENT_DIM, SHAPE, (16, 8), **options),
    )


NETWORKS = {"mlp": mlp, "conv": conv}


def build_vae(network, precision, seed):
    """Returns the untrained VAE: the same weights in any precision."""
    keras.utils.set_random_seed(seed)
    return VAE(*NETWORKS[network](precision, seed), seed=seed)


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
    # It ends in small steps, so that the last one decides nothing.
    steps = options.epochs * math.ceil(len(x_train) / BATCH_SIZE)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    # Where a network computes in float16, this scales the loss, too.
    vae.compile(optimizer=keras.optimizers.Adam(rate))
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


def train_all(network, x_train, x_test, options):
    """Trains in each precision; returns the rows, float32 first."""
    rows = []
    for precision in PRECISIONS:
        print(f"{network}, {precision}:")
        row = train_row(network, precision, x_train, x_test, options)
        first = (rows or [row])[0]["test_elbo"]
        row["difference"] = round(row["test_elbo"] - first, 3)
        row["within_1_nat"] = abs(row["difference"]) < 1.0
        rows.append(row)
    return rows


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


def record(rows, options, path):
    """Writes this backend's rows beside those of the others."""
    report = json.loads(path.read_text()) if path.exists() else {}
    report["data"] = (
        "MNIST, binarised once; test images: one posterior sample each"
    )
    report[keras.backend.backend()] = {
        "keras": keras.__version__,
        "train_images": options.train_images,
        "test_images": options.test_images,
        "epochs": options.epochs,
        "seed": options.seed,
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


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
    rows = []
    for network in NETWORKS:
        rows += train_all(network, x_train, x_test, options)
        record(rows, options, options.figures / "mixed_precision.json")
    print(table(rows))


if __name__ == "__main__":
    main()
