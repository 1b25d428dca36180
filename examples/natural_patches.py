"""Three likelihoods on patches of photographs, in bits per dimension.

The same convolutional VAE (64x64x3, 64 latents) is trained with a mixture of
discretised logistics, with a Gaussian whose variance the decoder predicts, and
with a 256-way categorical: from the same initial weights of encoder, posterior
and decoder, for as many steps.

    python examples/natural_patches.py --epochs 2

The Gaussian is a density, the others are probabilities of the 256 levels k. It
is therefore trained and tested on uniformly dequantised levels (k + u) / 256,
u uniform on [0, 1), drawn afresh each epoch and once for the test. Each level
fills 1/256, so that a log-density less log 256 a dimension is a lower bound of
the log-probability of the levels: its bits/dim get 8 more, and can be compared
with the others' (Theis et al., 2016, section 3.1,
https://arxiv.org/abs/1511.01844).

It writes `natural_patches.json` and `natural_patches.png` to
`examples/figures/`. A run that was cut off goes on with the next likelihood.
"""

import argparse
import json
import math
import pathlib

import numpy as np

FIGURES = pathlib.Path(__file__).parent / "figures"
SHAPE = (64, 64, 3)
TITLES = {
    "mixture": "Mixture of 5 discretised logistics",
    "normal": "Gaussian, predicted variance",
    "categorical": "256-way categorical",
}
# The categorical's logits are 12.6 MB an image, and as much for each of the
# tensors between.
BATCH_SIZE = 8
TRAIN_SIZE = 4096
WEIGHTED, IMPORTANCE_SAMPLES = 64, 32
COLUMNS = 10


def build_vae(name, steps):
    """Returns the untrained VAE with one of the three likelihoods."""
    import keras

    from keras_vae import VAE, likelihoods, networks

    keras.utils.set_random_seed(0)
    options = {"kernel_size": 4, "activation": "elu", "seed": 0}
    likelihood = {
        "mixture": lambda: likelihoods.MixtureOfDiscretizedLogistics(5),
        "normal": lambda: likelihoods.Normal(scale="predicted"),
        "categorical": lambda: likelihoods.Categorical(256),
    }[name]()
    vae = VAE(
        networks.conv_encoder(SHAPE, filters=(32, 64, 64), **options),
        networks.conv_decoder(64, SHAPE, filters=(64, 64, 32), **options),
        likelihood=likelihood,
        seed=0,
    )
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps, alpha=0.1)
    vae.compile(optimizer=keras.optimizers.Adam(rate))
    return vae


def build_all(steps):
    """Builds the three; the networks of all have the weights of the first."""
    vaes = {name: build_vae(name, steps) for name in TITLES}
    first = vaes["mixture"]
    for vae in vaes.values():
        for part in ("encoder", "posterior", "decoder"):
            weights = getattr(first, part).get_weights()
            getattr(vae, part).set_weights(weights)
    return vaes


def values(name, x, seed):
    """Returns what a likelihood is given for the levels `x = k / 255`."""
    if name != "normal":
        return x
    noise = np.random.default_rng(seed).random(x.shape, dtype="float32")
    return (np.rint(255 * x) + noise) / 256


def bits_per_dim(name, nats):
    """Converts log-likelihoods to bits per dimension of the levels."""
    bits = -np.mean(nats) / (math.prod(SHAPE) * math.log(2))
    return float(bits + (math.log2(256) if name == "normal" else 0.0))


def train(vae, name, x, epochs):
    """Trains, and returns the training set's bits/dim by epoch."""
    import keras

    curve = []
    for epoch in range(epochs):
        keras.utils.set_random_seed(epoch)  # the order of the batches
        history = vae.fit(
            values(name, x, seed=epoch),
            epochs=epoch + 1,
            initial_epoch=epoch,
            batch_size=BATCH_SIZE,
            verbose=2,
        )
        curve.append(bits_per_dim(name, history.history["elbo"]))
    return curve


def measure(vae, name, x):
    """Returns the test figures: bits/dim, and the KL in nats."""
    x = values(name, x, seed=2**32)
    terms = [
        vae.compute_elbo(batch, seed=index)
        for index, batch in enumerate(np.array_split(x, len(x) // 16))
    ]
    elbo = np.concatenate([np.asarray(term.elbo) for term in terms])
    kl = np.concatenate([np.asarray(term.kl) for term in terms])
    weighted = vae.marginal_log_likelihood(
        x[:WEIGHTED], IMPORTANCE_SAMPLES, seed=0, batch_size=1
    )
    return {
        "elbo": bits_per_dim(name, elbo),
        "elbo_of_weighted": bits_per_dim(name, elbo[:WEIGHTED]),
        "importance_weighted": bits_per_dim(name, weighted),
        "kl_nats": float(kl.mean()),
    }


def pictures(vae, name, x):
    """Returns rows of images: reconstructions, mean samples, drawn ones."""
    means, z = vae.generate(COLUMNS, seed=7, return_latents=True)
    return {
        "reconstruction": vae.reconstruct(values(name, x, seed=2**32)),
        "sample, mean": means,
        "sample, drawn": vae.decode(z).sample(seed=7),
    }


def run(vaes, epochs, work):
    """Trains what is not yet trained; returns figures and pictures."""
    import keras

    from keras_vae import datasets

    x_train = datasets.load("patches", "train")
    x_test = datasets.load("patches", "test")
    results, rows = {}, {}
    for name, vae in vaes.items():
        done = work / f"{name}-{epochs}.json"
        model = done.with_suffix(".keras")
        if not done.exists():
            curve = train(vae, name, x_train, epochs)
            vae.save(model)
            figures = {**measure(vae, name, x_test), "train_by_epoch": curve}
            done.write_text(json.dumps(figures))
        vae = keras.saving.load_model(model)
        results[name] = json.loads(done.read_text())
        rows[name] = pictures(vae, name, x_test[:COLUMNS])
    return results, rows, x_test[:COLUMNS]


def table(results):
    """Returns the test figures as a table in Markdown."""
    lines = [
        "| likelihood | ELBO | ELBO, 64 patches "
        f"| {IMPORTANCE_SAMPLES} importance samples, 64 patches | KL (nats) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, title in TITLES.items():
        keys = ("elbo", "elbo_of_weighted", "importance_weighted")
        bits = " | ".join(f"{results[name][key]:.3f}" for key in keys)
        kl = results[name]["kl_nats"]
        lines.append(f"| {title} | {bits} | {kl:.1f} |")
    return "\n".join(lines)


def draw(results, rows, originals):
    """Draws the test patches, and three rows for each likelihood."""
    from keras_vae.visualization.figure import new_figure, pixel_axes
    from keras_vae.visualization.images import as_bytes, show, tile

    bands = {"Test patches": {"data": originals}}
    for name, title in TITLES.items():
        bits = results[name]["elbo"]
        bands[f"{title}: {bits:.2f} bits/dim"] = rows[name]
    gap, margin, labels, heading = 2, 12, 140, 34
    side = SHAPE[0] + gap
    num_rows = sum(len(band) for band in bands.values())
    height = num_rows * side + len(bands) * (heading + margin) + margin
    width = labels + COLUMNS * side + 2 * margin
    figure = new_figure(width, height)
    top = height - margin
    for title, band in bands.items():
        images = [as_bytes(key, band[key], (0.0, 1.0)) for key in band]
        canvas = tile(np.concatenate(images), COLUMNS, gap=gap)
        full_height, full_width = canvas.shape[:2]
        top -= heading + full_height
        axes = pixel_axes(figure, labels, top, full_width, full_height)
        show(axes, canvas)
        axes.set_title(title, loc="left", fontsize="medium")
        middles = [SHAPE[0] / 2 + side * index for index in range(len(band))]
        axes.set_yticks(middles, list(band), fontsize="small")
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        top -= margin
    return figure


def main():
    """Trains, prints the table, and draws the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, default=FIGURES)
    parser.add_argument("--work", type=pathlib.Path, default="runs/patches")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    steps = arguments.epochs * TRAIN_SIZE // BATCH_SIZE
    results, rows, originals = run(
        build_all(steps), arguments.epochs, arguments.work
    )

    from keras_vae import visualization

    report = {
        "data": "patches of scikit-learn's two photographs, 64x64x3: 4,096 to "
        "train on, 512 to test on from other columns of the photographs",
        "epochs": arguments.epochs,
        "steps": steps,
        "importance_samples": IMPORTANCE_SAMPLES,
        "weighted_patches": WEIGHTED,
        "unit": "bits per dimension, but for `kl_nats`; on test patches, but "
        "for `train_by_epoch`",
        "likelihoods": results,
    }
    target = arguments.out / "natural_patches.json"
    target.write_text(json.dumps(report, indent=1) + "\n")
    figure = draw(results, rows, originals)
    visualization.save(figure, arguments.out / "natural_patches.png")
    print(table(results))


if __name__ == "__main__":
    main()
