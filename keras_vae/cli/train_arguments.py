"""The options of `keras-vae train`."""

import dataclasses
import pathlib
from typing import Annotated, Literal

from typer import Option

from keras_vae import likelihoods, posteriors, priors
from keras_vae.cli.options import (
    DATA_PANEL,
    MAX_SEED,
    MODEL_PANEL,
    TRAINING_PANEL,
    DataDir,
    Debug,
    Json,
)
from keras_vae.registry import Registry


def _names(registry: Registry) -> str:
    return ", ".join(sorted(registry.classes))


@dataclasses.dataclass(frozen=True)
class TrainArguments:
    """What `keras-vae train` is asked to do; each field is an option."""

    dataset: Annotated[
        str,
        Option(
            help="digits (8x8) or patches (64x64x3), no download; a name of "
            "TensorFlow Datasets (mnist, celeb_a, ...), an .npz file or a "
            "folder of images.",
            metavar="NAME|PATH",
            show_default=False,
        ),
    ]
    out: Annotated[
        pathlib.Path,
        Option(
            help="The run directory to make; nothing may stand there yet.",
            metavar="DIRECTORY",
            show_default=False,
        ),
    ]
    split: Annotated[
        str | None,
        Option(
            help="What to train on: train, train[:90%], ...",
            show_default="train",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None
    test_split: Annotated[
        str | None,
        Option(
            help="What to test on, after each epoch and at the end.",
            show_default="test, else validation, else the last tenth",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None
    binarize: Annotated[
        Literal["dynamic", "static", "threshold", "none"] | None,
        Option(
            help="How grey levels become 0 and 1. dynamic draws the training "
            "split afresh each epoch and the test split once, by a fixed "
            "seed; static draws both once; threshold cuts at one half.",
            show_default="dynamic if the likelihood wants 0 and 1, else none",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None
    image_size: Annotated[
        int | None,
        Option(
            help="Resize the shorter side to this and crop the centre.",
            min=1,
            show_default="the images' own size",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None
    limit: Annotated[
        int | None,
        Option(
            help="Use only the first N examples of each split.",
            min=1,
            metavar="N",
            show_default="all",
            rich_help_panel=DATA_PANEL,
        ),
    ] = None
    data_dir: DataDir = None
    network: Annotated[
        Literal["mlp", "conv"],
        Option(
            help="Encoder and decoder: fully connected or convolutional.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "mlp"
    hidden_dims: Annotated[
        str | None,
        Option(
            help="Widths of the encoder's dense layers; the decoder mirrors "
            'them. "" is none.',
            metavar="INT,INT,...",
            show_default="400 for mlp, none for conv",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    filters: Annotated[
        str | None,
        Option(
            help="Channels of the encoder's convolutions, each of which "
            "halves the image; the decoder mirrors them.",
            metavar="INT,INT,...",
            show_default="32,64 for conv",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    latent_dim: Annotated[
        int,
        Option(
            help="Number of latent dimensions.",
            min=1,
            rich_help_panel=MODEL_PANEL,
        ),
    ] = 16
    activation: Annotated[
        str,
        Option(
            help="Activation of the hidden layers: relu, tanh, silu, ...",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "relu"
    posterior: Annotated[
        str,
        Option(
            help=f"q(z|x), one of: {_names(posteriors.registry)}.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "diagonal_normal"
    prior: Annotated[
        str,
        Option(
            help=f"p(z), one of: {_names(priors.registry)}.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "standard_normal"
    likelihood: Annotated[
        str,
        Option(
            help=f"p(x|z), one of: {_names(likelihoods.registry)}.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "bernoulli"
    likelihood_scale: Annotated[
        str | None,
        Option(
            help="Scale of a normal (laplace, ...) likelihood: a number, or "
            "learned: shared, per_output or predicted.",
            show_default="shared, or the likelihood's own",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = None
    allow_grey: Annotated[
        bool,
        Option(
            "--allow-grey",
            help="Let a Bernoulli take grey levels; figures are then "
            "cross-entropies, not likelihoods.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = False
    kl_weight: Annotated[
        float,
        Option(
            help="Weight of the KL in the loss (beta); never in the ELBO.",
            min=0.0,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 1.0
    kl: Annotated[
        Literal["analytic", "monte_carlo"],
        Option(
            help="The KL in closed form, or from the samples for a pair of "
            "posterior and prior that has none.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = "analytic"
    kl_warmup_steps: Annotated[
        int,
        Option(
            help="Training steps over which that weight rises from 0.",
            min=0,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 0
    num_samples: Annotated[
        int,
        Option(
            help="Latents drawn per example and step.",
            min=1,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 1
    epochs: Annotated[
        int,
        Option(
            help="Passes over the training split.",
            min=1,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 20
    batch_size: Annotated[
        int,
        Option(
            help="Examples per step.", min=1, rich_help_panel=TRAINING_PANEL
        ),
    ] = 128
    learning_rate: Annotated[
        float,
        Option(help="Adam's learning rate.", rich_help_panel=TRAINING_PANEL),
    ] = 1e-3
    seed: Annotated[
        int,
        Option(
            help="Seed of weights, order, binarisation and noise.",
            min=0,
            max=MAX_SEED,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 0
    deterministic: Annotated[
        bool,
        Option(
            "--deterministic",
            help="Give the same weights, bit for bit, each time: on one "
            "machine, backend, version and number of threads.",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = False
    steps_per_execution: Annotated[
        int,
        Option(
            help="Steps that run in one call of the backend.",
            min=1,
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = 1
    mixed_precision: Annotated[
        Literal["float16", "bfloat16"] | None,
        Option(
            help="Compute the networks in 16 bits; weights, sampling, KL "
            "and likelihood stay in float32.",
            show_default="off",
            rich_help_panel=TRAINING_PANEL,
        ),
    ] = None
    json: Json = False
    debug: Debug = False
