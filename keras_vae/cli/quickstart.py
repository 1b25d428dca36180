"""`keras-vae quickstart`."""

import dataclasses
import os
import pathlib
import shlex
import shutil
import sys
import time
from typing import Annotated, Any, NamedTuple

import numpy as np
from typer import Option

from keras_vae import visualization
from keras_vae.cli import pictures
from keras_vae.cli.errors import INTERRUPTED
from keras_vae.cli.export import export, read_manifest, say_parity
from keras_vae.cli.options import Debug, Json
from keras_vae.cli.output import Output
from keras_vae.cli.train import report, say_figures
from keras_vae.cli.train_arguments import TrainArguments
from keras_vae.cli.training import TrainedRun, train
from keras_vae.random import normals
from keras_vae.validation import optional_import

_DEFAULT_OUT = pathlib.Path("runs/quickstart")
_MODEL_NAME = "digits"
_SEED = 7
_NUM_SAMPLES = 64


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What `keras-vae quickstart` is asked to do; each field is an option."""

    out: Annotated[
        pathlib.Path | None,
        Option(
            help="The run directory to make; nothing may stand there yet.",
            metavar="DIRECTORY",
            show_default="runs/quickstart, else runs/quickstart-2, ...",
        ),
    ] = None
    epochs: Annotated[
        int, Option(help="Passes over the training split.", min=1)
    ] = 60
    deterministic: Annotated[
        bool,
        Option(
            "--deterministic",
            help="Give the same weights, bit for bit, each time; see "
            "`keras-vae train --help`.",
        ),
    ] = False
    json: Json = False
    debug: Debug = False


class Drawn(NamedTuple):
    """Samples that onnxruntime drew from the exported decoder."""

    path: pathlib.Path  # the grid
    difference: float  # max |x - x of vae.generate|


def run(arguments: Arguments, output: Output) -> int:
    """Train on digits, export, and draw samples with onnxruntime.

    The digits come with scikit-learn: nothing is downloaded.
    """
    began = time.monotonic()
    optional_import("onnxruntime", "export", "`keras-vae quickstart`")
    out = arguments.out or next_free(_DEFAULT_OUT)
    trained = train(training_arguments(out, arguments), output)
    if trained.vae is None or trained.interrupted:
        output.note(f"Interrupted: {out} holds what there is.")
        return INTERRUPTED
    say_figures(trained, output)
    version = export(out, out / "models", output, name=_MODEL_NAME)
    manifest = read_manifest(version)
    output.say(f"Exported: {version}")
    say_parity(manifest, output)
    drawn = draw_with_onnxruntime(trained, version)
    seconds = time.monotonic() - began
    output.say(f"Samples that onnxruntime drew, seed {_SEED}: {drawn.path}")
    output.say(f"Done in {seconds:.0f} s. Next, try:")
    commands = next_commands(out)
    for command in commands:
        output.say(f"  {command}")
    output.result(
        {
            **report(trained),
            "version_directory": str(version),
            "parity": manifest["parity"],
            "samples": str(drawn.path),
            "samples_seed": _SEED,
            "samples_difference": drawn.difference,
            "seconds": round(seconds, 1),
            "next_commands": commands,
        }
    )
    return 0


def training_arguments(
    out: pathlib.Path, arguments: Arguments
) -> TrainArguments:
    """Returns the settings that suit 8x8 digits."""
    return TrainArguments(
        dataset="digits",
        out=out,
        binarize="threshold",
        hidden_dims="512,256",
        latent_dim=6,
        epochs=arguments.epochs,
        learning_rate=2e-3,
        deterministic=arguments.deterministic,
    )


def next_free(path: pathlib.Path) -> pathlib.Path:
    """Returns `path`, or the first of `path-2`, `path-3`, ... that is free."""
    free, number = path, 2
    while os.path.lexists(free):
        free = path.with_name(f"{path.name}-{number}")
        number += 1
    return free


def draw_with_onnxruntime(trained: TrainedRun, version: pathlib.Path) -> Drawn:
    """Draws a grid by the exported decoder, from the seeded stream."""
    vae: Any = trained.vae
    onnxruntime = optional_import("onnxruntime", "export", "Drawing samples")
    session = onnxruntime.InferenceSession(
        str(version / "onnx" / "decode.onnx"),
        providers=["CPUExecutionProvider"],
    )
    z = normals(_NUM_SAMPLES, vae.latent_dim, _SEED)
    (images,) = session.run(["x"], {"z": z})
    expected = vae.generate(_NUM_SAMPLES, seed=_SEED)
    path = trained.run.path / "onnx_samples.png"
    title = f"Samples by onnxruntime, seed {_SEED}"
    visualization.save(pictures.sample_grid(images, title), path)
    return Drawn(path, float(np.abs(images - expected).max()))


def next_commands(out: pathlib.Path) -> list[str]:
    """Returns three commands to copy."""
    program = program_name()
    run, images = shlex.quote(str(out)), shlex.quote(str(out / "seed-8.png"))
    other = shlex.quote(str(next_free(out.parent / "mnist")))
    return [
        f"{program} evaluate {run} --importance-samples 1000",
        f"{program} generate {run} --num-samples 64 --seed 8 --out {images}",
        f"{program} train --dataset mnist --network conv --out {other}",
    ]


def program_name() -> str:
    """Returns how this shell can start `keras-vae` again."""
    started = pathlib.Path(sys.argv[0])
    if started.stem != "keras-vae" or not started.exists():
        return "keras-vae"
    found = shutil.which("keras-vae")
    if found is not None and os.path.samefile(found, started):
        return "keras-vae"
    return shlex.quote(str(started))
