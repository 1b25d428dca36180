"""The same VAE, trained on TensorFlow, JAX and PyTorch: the same test ELBO.

An MLP (784-200-200 tanh, 50 latents) on dynamically binarised MNIST. For each
seed one set of initial weights is written, and every backend starts from it.
Run it from the repository's root, with all three backends installed:

    python examples/backend_agreement.py --epochs 10 --seeds 3

It writes `backend_agreement.json` and `backend_agreement.png` to
`examples/figures/`. A run that was cut off goes on where it stopped.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")
BATCH_SIZE = 128
FIGURES = pathlib.Path(__file__).parent / "figures"


def build_vae(seed):
    """Returns the untrained VAE."""
    from keras_vae import VAE, networks

    hidden = {"hidden_dims": (200, 200), "activation": "tanh"}
    vae = VAE(
        networks.mlp_encoder((28, 28, 1), seed=seed, **hidden),
        networks.mlp_decoder(50, seed=seed, **hidden),
        seed=seed,
    )
    vae.compile(optimizer="adam")
    return vae


def train(initial, seed, epochs):
    """Trains from the weights in a file; returns the test ELBO by epoch."""
    import keras

    from keras_vae import datasets

    x_train = datasets.load(
        "mnist", "train", binarize="dynamic", seed=seed, batch_size=BATCH_SIZE
    )
    x_test = datasets.load("mnist", "test", binarize="static")
    vae = keras.saving.load_model(initial)
    history = vae.fit(
        x_train,
        epochs=epochs,
        validation_data=x_test,
        validation_batch_size=1000,
        verbose=2,
    )
    return history.history["val_elbo"]


def run_worker(backend, *arguments):
    """Runs this file on a backend and returns the last line it printed."""
    result = subprocess.run(
        [sys.executable, __file__, "--worker", *map(str, arguments)],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout.strip().split("\n")[-1]


def run_all(epochs, seeds, work):
    """Trains every backend from every seed, skipping what stands already."""
    curves = {backend: [] for backend in BACKENDS}
    for seed in range(seeds):
        initial = work / f"initial-{seed}.keras"
        if not initial.exists():
            run_worker("jax", "initial", initial, seed, epochs)
        for backend in BACKENDS:
            done = work / f"{backend}-{seed}-{epochs}.json"
            if not done.exists():
                curve = run_worker(backend, "train", initial, seed, epochs)
                done.write_text(curve)
            curves[backend].append(json.loads(done.read_text()))
            print(f"{backend:10s} seed {seed}: {curves[backend][-1][-1]:.2f}")
    return curves


def compare(curves):
    """Compares the backends' mean test ELBOs, pair by pair."""
    final = {b: np.array([c[-1] for c in curves[b]]) for b in curves}
    rows = []
    for i, a in enumerate(BACKENDS):
        for b in BACKENDS[i + 1 :]:
            error = np.sqrt(
                sum(final[k].var(ddof=1) / len(final[k]) for k in (a, b))
            )
            difference = abs(final[a].mean() - final[b].mean())
            allowed = max(1.0, 2 * error)
            rows.append(
                {
                    "backends": [a, b],
                    "difference": round(float(difference), 3),
                    "standard_error": round(float(error), 3),
                    "allowed": round(float(allowed), 3),
                    "agree": bool(difference < allowed),
                }
            )
    means = {b: round(float(v.mean()), 3) for b, v in final.items()}
    return {"mean_test_elbo": means, "pairs": rows}


def draw(curves, path):
    """Draws the test ELBO against the epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    styles = zip(BACKENDS, ("#0072B2", "#E69F00", "#009E73"), strict=True)
    for backend, colour in styles:
        for index, curve in enumerate(curves[backend]):
            label = backend if index == 0 else None
            epochs = range(1, len(curve) + 1)
            axes.plot(epochs, curve, color=colour, label=label, alpha=0.8)
    axes.set_xlabel("epoch")
    axes.set_ylabel("test ELBO (nats, higher is better)")
    axes.set_title("One VAE on three backends, three seeds each")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def worker(action, path, seed, epochs):
    """Runs inside one backend's process."""
    if action == "initial":
        build_vae(int(seed)).save(path)
    else:
        print(json.dumps(train(path, int(seed), int(epochs))))


def main():
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", type=pathlib.Path, default="runs/agreement")
    parser.add_argument("--worker", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        return worker(*arguments.worker)
    if arguments.seeds < 2:
        parser.error("--seeds must be at least 2: one seed has no error bar")
    arguments.work.mkdir(parents=True, exist_ok=True)
    FIGURES.mkdir(exist_ok=True)
    curves = run_all(arguments.epochs, arguments.seeds, arguments.work)
    report = {
        "data": "MNIST; training images binarised afresh each epoch, test "
        "images once; one posterior sample per test image",
        "epochs": arguments.epochs,
        **compare(curves),
        "curves": curves,
    }
    target = FIGURES / "backend_agreement.json"
    target.write_text(json.dumps(report, indent=1) + "\n")
    draw(curves, FIGURES / "backend_agreement.png")
    print(json.dumps({k: v for k, v in report.items() if k != "curves"}))
    return None


if __name__ == "__main__":
    main()
