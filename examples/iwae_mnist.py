"""VAE, IWAE-5 and IWAE-50 on MNIST: the importance-weighted bound at work.

The one-layer network of Burda et al. (2016, https://arxiv.org/abs/1509.00519):
784-200-200, 50 latents, 200-200-784, tanh; batches of 20, Adam, and their
learning rates, 1e-3 * 10^(-i/7) for 3^i epochs, i = 0, 1, ..., cut off at
`--epochs` (theirs go on to 3,280). Training images are binarised afresh each
epoch, test images once. The three rows start from the same weights and see
the same images in the same order. Run it from the repository's root:

    KERAS_BACKEND=jax python examples/iwae_mnist.py --epochs 40

The slowest row goes first; where it uses up its `--cpu-minutes` before
`--epochs`, the other rows stop at the epoch that it reached. A run that was
cut off goes on where it stopped: at the last epoch, or the last 250 test
images. It writes `iwae_mnist.json` and `iwae_mnist.png` to
`examples/figures/`.
"""

import argparse
import json
import math
import pathlib
import time

import keras
import numpy as np

from keras_vae import (
    VAE,
    datasets,
    evaluation,
    networks,
    objectives,
    visualization,
)
from keras_vae.visualization.figure import COLORS, new_figure

FIGURES = pathlib.Path(__file__).parent / "figures"
ROWS = {"vae": 1, "iwae5": 5, "iwae50": 50}
NAMES = {"vae": "VAE", "iwae5": "IWAE-5", "iwae50": "IWAE-50"}
BATCH_SIZE = 20
TEST_SEED = 0  # The test images are binarised once, with this seed.
CURVE = {"test_images": 1000, "importance_samples": 100}
CHUNK = 250  # Test images between two notes of how far the evaluation is.


def learning_rate(epoch):
    """The paper's: stage i holds 3^i epochs at 1e-3 * 10^(-i/7)."""
    stage, end = 0, 1
    while epoch >= end:
        stage += 1
        end += 3**stage
    return 1e-3 * 10 ** (-stage / 7)


def build_vae(num_samples, seed, mean_image):
    """Returns the untrained VAE: the same weights for any `num_samples`."""
    keras.utils.set_random_seed(seed)
    hidden = {"hidden_dims": (200, 200), "activation": "tanh"}
    objective = objectives.ELBO()
    if num_samples > 1:
        objective = objectives.IWAE(num_samples=num_samples)
    vae = VAE(
        networks.mlp_encoder(mean_image.shape, seed=seed, **hidden),
        networks.mlp_decoder(50, seed=seed, **hidden),
        objective=objective,
        seed=seed,
    )
    # As in the authors' code, every pixel starts at its training mean.
    mean = np.clip(mean_image, 0.001, 0.999)
    bias = vae.likelihood.head.dense.bias
    bias.assign(np.log(mean / (1 - mean)).ravel())
    vae.compile(optimizer=keras.optimizers.Adam(1e-3, epsilon=1e-4))
    return vae


# --- Training ---------------------------------------------------------------


def write_json(path, value):
    """Writes a file in one step: it is whole, or as it was."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value) + "\n")
    part.replace(path)


def start_or_resume(row, x_train, options):
    """Returns the VAE and how far it is."""
    note = options.work / f"{row}.json"
    settings = {"train_images": len(x_train), "seed": options.seed}
    if not note.exists():
        mean_image = np.mean(x_train / 255.0, axis=0)
        vae = build_vae(ROWS[row], options.seed, mean_image)
        state = {"epoch": 0, "cpu_seconds": 0.0, "seconds": [], "curve": []}
        return vae, {"settings": settings, **state}
    state = json.loads(note.read_text())
    if state["settings"] != settings:
        raise SystemExit(
            f"{note} was trained with {state['settings']}, not {settings}. "
            "Pass e.g. `--work runs/another`."
        )
    return keras.saving.load_model(options.work / state["model"]), state


def save(row, vae, state, work):
    """Saves the model first, then the note that names it."""
    old = state.get("model")
    state["model"] = f"{row}-{state['epoch']:04d}.keras"
    vae.save(work / state["model"])
    write_json(work / f"{row}.json", state)
    if old:
        (work / old).unlink(missing_ok=True)


def may_go_on(state, epochs, cpu_minutes):
    """Whether another epoch is wanted, and fits into the budget."""
    expected = state["seconds"][-1] if state["seconds"] else 0.0
    fits = state["cpu_seconds"] + expected <= 60 * cpu_minutes
    return state["epoch"] < epochs and fits


def train_row(row, epochs, x_train, x_test, options):
    """Trains one row, an epoch at a time; returns the VAE and its state."""
    vae, state = start_or_resume(row, x_train, options)
    data = datasets.DynamicBinarization(
        x_train, batch_size=BATCH_SIZE, seed=options.seed
    )
    while may_go_on(state, epochs, options.cpu_minutes):
        begin = time.process_time()
        data.epoch = state["epoch"]
        vae.optimizer.learning_rate = learning_rate(state["epoch"])
        # The data shuffle themselves, by their seed and epoch.
        logs = vae.fit(data, epochs=1, shuffle=False, verbose=0).history
        state["seconds"].append(time.process_time() - begin)
        state["cpu_seconds"] += state["seconds"][-1]
        state["epoch"] += 1
        nll = -vae.marginal_log_likelihood(
            x_test[: CURVE["test_images"]],
            num_samples=CURVE["importance_samples"],
            seed=TEST_SEED,
        )
        state["curve"].append(round(float(nll.mean()), 3))
        save(row, vae, state, options.work)
        print(
            f"{NAMES[row]} epoch {state['epoch']}: "
            f"loss {logs['loss'][0]:.2f}, "
            f"NLL (rough) {state['curve'][-1]:.2f}, "
            f"{state['seconds'][-1]:.0f} CPU s",
            flush=True,
        )
    if state["epoch"] < epochs:
        print(
            f"{NAMES[row]} stops at epoch {state['epoch']} of {epochs}: "
            f"{options.cpu_minutes:g} CPU minutes are used up"
        )
    return vae, state


# --- Evaluation -------------------------------------------------------------


def evaluation_path(row, state, options):
    """Where a row's evaluation at an epoch is kept."""
    stem = f"{row}-{state['epoch']:04d}-{options.importance_samples}"
    return options.work / f"{stem}-evaluation.json"


def evaluate_row(row, vae, state, x_test, options):
    """Estimates -log p(x) of every test image, and counts active units."""
    path = evaluation_path(row, state, options)
    done = {"nll": [], "cpu_seconds": 0.0}
    if path.exists():
        done = json.loads(path.read_text())
    while len(done["nll"]) < len(x_test):
        begin = time.process_time()
        first = len(done["nll"])
        found = vae.marginal_log_likelihood(
            x_test[first : first + CHUNK],
            num_samples=options.importance_samples,
            seed=options.seed + first,
        )
        done["nll"] += [round(-float(value), 4) for value in found]
        done["cpu_seconds"] += time.process_time() - begin
        write_json(path, done)
    units = evaluation.active_units(vae, x_test)
    write_json(path, {**done, "active_units": units.count})


def summary(row, options):
    """One row of the table; None where it was not evaluated yet."""
    note = options.work / f"{row}.json"
    if not note.exists():
        return None
    state = json.loads(note.read_text())
    path = evaluation_path(row, state, options)
    if not path.exists():
        return None
    done = json.loads(path.read_text())
    nll = np.array(done["nll"][: options.test_images])
    if "active_units" not in done or len(nll) < options.test_images:
        return None
    return {
        "row": NAMES[row],
        "epochs": state["epoch"],
        "nll": round(float(nll.mean()), 3),
        "standard_error": round(float(nll.std() / math.sqrt(len(nll))), 3),
        "active_units": done["active_units"],
        "importance_samples": options.importance_samples,
        "test_images": len(nll),
        "training_cpu_minutes": round(state["cpu_seconds"] / 60, 1),
        "evaluation_cpu_minutes": round(done["cpu_seconds"] / 60, 1),
        "curve": state["curve"],
    }


def compare(rows):
    """Says whether the rows stand as the paper has them.

    Args:
        rows: Summaries, from VAE to IWAE-50.
    """
    steps = list(zip(rows, rows[1:], strict=False))
    return {
        "equal_epochs": len({row["epochs"] for row in rows}) == 1,
        "nll_falls": all(a["nll"] > b["nll"] for a, b in steps),
        "active_units_do_not_fall": all(
            a["active_units"] <= b["active_units"] for a, b in steps
        ),
    }


# --- Report -----------------------------------------------------------------


def table(rows):
    """Returns the rows as lines of text."""
    keys = {
        "row": "",
        "epochs": "epochs",
        "nll": "NLL (nats)",
        "standard_error": "s.e.",
        "active_units": "active units",
        "importance_samples": "importance samples",
        "training_cpu_minutes": "training CPU min",
    }
    lines = [list(keys.values())]
    lines += [[str(row[key]) for key in keys] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True))
        for line in lines
    )


def draw(rows):
    """Draws the rough NLL by epoch, and names the final one."""
    figure = new_figure(900, 560)
    axes = figure.add_subplot()
    for color, row in zip(COLORS, rows, strict=False):
        epochs = range(1, len(row["curve"]) + 1)
        label = (
            f"{row['row']}, epoch {row['epochs']}: {row['nll']:.2f} nats, "
            f"{row['active_units']} active units"
        )
        axes.plot(epochs, row["curve"], ".-", color=color, label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel("negative log-likelihood (nats, lower is better)")
    axes.set_title(
        "MNIST, binarised afresh each epoch. Curves: "
        f"{CURVE['test_images']:,} test images, "
        f"{CURVE['importance_samples']} importance samples",
        fontsize="medium",
    )
    # The first epochs lie far above the rest.
    tail = [v for row in rows for v in row["curve"][len(row["curve"]) // 8 :]]
    axes.set_ylim(min(tail) - 0.5, max(tail) + 0.5)
    axes.grid(alpha=0.3)
    title = (
        f"{rows[0]['test_images']:,} test images, "
        f"{rows[0]['importance_samples']:,} importance samples"
    )
    axes.legend(title=title, frameon=False)
    figure.tight_layout()
    return figure


def report(options):
    """Prints the table, and writes it and the figure."""
    rows = [row for row in (summary(name, options) for name in ROWS) if row]
    if not rows:
        print("No row has been trained and evaluated yet.")
        return
    verdict = compare(rows)
    print(table(rows))
    print(json.dumps(verdict))
    options.figures.mkdir(parents=True, exist_ok=True)
    value = {
        "data": "MNIST; training images binarised afresh each epoch, test "
        f"images once (seed {TEST_SEED})",
        "seed": options.seed,
        "train_images": options.train_images,
        "curve": CURVE,
        **verdict,
        "rows": rows,
    }
    text = json.dumps(value, indent=1) + "\n"
    (options.figures / "iwae_mnist.json").write_text(text)
    visualization.save(draw(rows), options.figures / "iwae_mnist.png")


def read_arguments():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--row", choices=[*ROWS, "all"], default="all")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--cpu-minutes", type=float, default=60.0)
    parser.add_argument("--train-images", type=int, default=60_000)
    parser.add_argument("--test-images", type=int, default=10_000)
    parser.add_argument("--importance-samples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=pathlib.Path, default="runs/iwae")
    parser.add_argument("--figures", type=pathlib.Path, default=FIGURES)
    options = parser.parse_args()
    counts = ("epochs", "train_images", "test_images", "importance_samples")
    for name in counts:
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def main():
    """Trains and evaluates the rows that were asked for."""
    options = read_arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    grey = datasets.load("mnist", f"train[:{options.train_images}]")
    x_train = np.rint(255 * grey).astype("uint8")
    x_test = datasets.load(
        "mnist",
        f"test[:{options.test_images}]",
        binarize="static",
        seed=TEST_SEED,
    )
    epochs = options.epochs
    names = reversed(ROWS) if options.row == "all" else [options.row]
    for row in names:
        vae, state = train_row(row, epochs, x_train, x_test, options)
        epochs = min(epochs, state["epoch"])
        if epochs:
            evaluate_row(row, vae, state, x_test, options)
    report(options)


if __name__ == "__main__":
    main()
