"""Training beside hand-written loops, plain Keras, pythae, Pyro and NumPyro.

It trains the same VAE (784-400-20-400-784, or the convolutional one of
keras.io with 2 latents) on the same binary images, in batches of 128, with
Adam and float32, on every backend that is installed, and prints images per
second; then how fast `import keras_vae` is, `vae.marginal_log_likelihood`, and
IWAE with k samples:

    python examples/benchmarks/training.py

pythae, Pyro and NumPyro need an environment of their own, which
`make benchmark-peers` makes; then

    python examples/benchmarks/training.py --peers-python .venv-peers/bin/python

measures them too. The figures are kept in `examples/figures/training.json`,
which `training_figure.py` draws. `--parts mlp startup` measures some parts
again; of `matmul`, `startup`, `iwae` and `marginal`, `--backends jax` measures
one backend again. The part `alone` is `mlp` with `fit` and the hand-written
loops and nobody else.

Each contender is a process of its own. They take turns, those of a backend one
after the other, so that a busy machine slows all alike. A turn is ten epochs of
MNIST, or three short ones of the convolutions, for `fit` in one call, after an
epoch that is not timed: of a process that waited, the system may have taken the
memory. A figure is the median over the rounds, a ratio the median over the
rounds of the ratio within one; the first round, in which some still compile,
does not count. `first step` is the time from the start of Python to the end of
the first step, with all imports. "What is allowed" is the fastest of the matrix
products, measured in the same rounds, divided by the operations that one image
takes; "by its own product" takes for it the MLP's largest product on the
contender's backend.
Where MNIST is not prepared the images are generated. It needs the extras `cli`,
`datasets` and `viz`.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import tempfile

import training_data
import training_gpu
from contenders import BACKENDS
from rich.console import Console
from training_parts import PARTS, TRAINING, Setting
from training_rounds import installed
from training_tables import TABLES

FIGURES = pathlib.Path(__file__).parents[1] / "figures"
BY_BACKEND = ("matmul", "startup", "iwae", "marginal")


def machine():
    """Returns what the figures were taken on."""
    name = platform.processor() or platform.machine()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().splitlines()
        found = [line for line in lines if line.startswith("model name")]
        name = found[0].partition(":")[2].strip() if found else name
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "gpus": training_gpu.names(),
        "date": datetime.date.today().isoformat(),
    }


def keep(part, figures, about):
    """Writes a part of the report in the place of an older one.

    A part that has its figures by backend keeps those of other backends.
    """
    target = FIGURES / "training.json"
    report = json.loads(target.read_text()) if target.exists() else {}
    if part in BY_BACKEND:
        older = report.get(part, {}).get("figures", {})
        figures = {**older, **figures}
    report[part] = {**about, "figures": figures}
    FIGURES.mkdir(exist_ok=True)
    text = json.dumps({p: report[p] for p in PARTS if p in report}, indent=1)
    target.write_text(text + "\n")


def parse(arguments=None):
    """Reads the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument(
        "--backends", nargs="+", choices=BACKENDS, default=installed(BACKENDS)
    )
    parser.add_argument(
        "--contenders", nargs="+", choices=TRAINING, default=TRAINING
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, help="that one round trains")
    parser.add_argument(
        "--peers-python",
        type=pathlib.Path,
        metavar="PATH",
        help="Python of the environment that `make benchmark-peers` makes",
    )
    return parser.parse_args(arguments)


def main():
    """Measures the parts, prints their tables and keeps their figures."""
    options = parse()
    about = machine()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder, console.status("") as status:
        data = os.path.join(folder, "images.npy")
        status.update("preparing the images")
        about["data"] = training_data.write(data)
        print(f"{about['processor']}, {about['cores']} cores; {about['data']}")
        for part in options.parts:
            figures = PARTS[part](Setting(options, data, status.update))
            print(f"\n{part}\n\n{TABLES[part](figures)}", flush=True)
            keep(part, figures, about)


if __name__ == "__main__":
    main()
