"""`keras-vae generate`."""

import dataclasses
import os
import pathlib
from typing import Annotated

import numpy as np
from typer import Option

from keras_vae import visualization
from keras_vae.cli import pictures
from keras_vae.cli.options import Debug, Json, RunArgument
from keras_vae.cli.output import Output
from keras_vae.cli.run_directory import RunDirectory
from keras_vae.validation import one_of

SUFFIXES = (".png", ".npy", ".npz")


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What `keras-vae generate` is asked to do; each field is an option."""

    run: RunArgument
    out: Annotated[
        pathlib.Path,
        Option(
            help="The file to write: .png for a grid, .npy for the images "
            "alone, .npz for images and latents.",
            metavar="FILE",
            show_default=False,
        ),
    ]
    num_samples: Annotated[int, Option(help="How many images.", min=1)] = 16
    seed: Annotated[
        int,
        Option(
            help="The same seed gives the same images, on every backend and "
            "from every exported form; sample i does not depend on how many "
            "there are."
        ),
    ] = 0
    temperature: Annotated[
        float, Option(help="Scales the prior's noise.", min=0.0)
    ] = 1.0
    json: Json = False
    debug: Debug = False


def run(arguments: Arguments, output: Output) -> int:
    """Draw images from a run's prior: the means of p(x|z).

    Example: keras-vae generate runs/digits --seed 7 --out images.png

    With --url a server draws them, and Keras is not needed: keras-vae
    generate --url http://localhost:8501 --model digits --out images.png;
    keras-vae generate --url URL --help shows its options.
    """
    out = arguments.out
    _check_out(out)
    if out.suffix == ".png":
        pictures.check()
    vae = RunDirectory.open(arguments.run).load_model()
    images, latents = vae.generate(
        arguments.num_samples,
        seed=arguments.seed,
        temperature=arguments.temperature,
        return_latents=True,
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        visualization.save(pictures.sample_grid(images), out)
    elif out.suffix == ".npy":
        np.save(out, images)
    else:
        np.savez(
            out,
            images=images,
            latents=latents,
            seed=arguments.seed,
            temperature=arguments.temperature,
        )
    output.say(f"Wrote {len(images)} images, seed {arguments.seed}: {out}")
    output.result(
        {
            "run": str(arguments.run),
            "out": str(out),
            "num_samples": len(images),
            "shape": list(images.shape),
            "seed": arguments.seed,
            "temperature": arguments.temperature,
        }
    )
    return 0


def _check_out(out: pathlib.Path) -> None:
    one_of(
        "--out",
        out.suffix,
        SUFFIXES,
        f"It is the end of {str(out)!r}. Pass e.g. `--out images.png`.",
    )
    if os.path.lexists(out):
        raise FileExistsError(
            "`--out` must be a file that does not exist yet. Received: "
            f"--out {out}, which exists. Choose another name."
        )
