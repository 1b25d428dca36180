"""`keras-vae evaluate`."""

import dataclasses
from typing import Annotated

from typer import Option

from keras_vae.cli import data, measuring
from keras_vae.cli.options import DataDir, Debug, Json, RunArgument
from keras_vae.cli.output import Output
from keras_vae.cli.recording import record_evaluation
from keras_vae.cli.run_directory import RunDirectory


@dataclasses.dataclass(frozen=True)
class Arguments:
    """What `keras-vae evaluate` is asked to do; each field is an option."""

    run: RunArgument
    split: Annotated[
        str | None,
        Option(help="What to measure on.", show_default="the run's test split"),
    ] = None
    importance_samples: Annotated[
        int | None,
        Option(
            help="Also estimate log p(x), with this many importance samples "
            "an example; papers take 5000.",
            min=1,
            metavar="K",
            show_default="left out",
        ),
    ] = None
    limit: Annotated[
        int | None,
        Option(
            help="Use only the first N examples.",
            min=1,
            metavar="N",
            show_default="all",
        ),
    ] = None
    seed: Annotated[int, Option(help="Seed of the posterior's noise.")] = 0
    data_dir: DataDir = None
    json: Json = False
    debug: Debug = False


def run(arguments: Arguments, output: Output) -> int:
    """Measure a run: ELBO, log-likelihood and KL in nats, bits/dim.

    The data are those the run was trained on, read again; a run trained with
    dynamic binarisation is measured on images drawn once, by a fixed seed.

    The figures are also added to evaluations.jsonl in the run directory, a
    JSON object a line, from which an export's MODEL_CARD.md takes them.

    Example: keras-vae evaluate runs/digits --importance-samples 1000
    """
    directory = RunDirectory.open(arguments.run)
    config = directory.config()
    model_sha256 = directory.model_sha256()
    vae = directory.load_model()
    split = arguments.split or config["splits"]["test"]
    x, _ = data.load_split(config, split, arguments.limit, arguments.data_dir)
    vae.check_data(x)
    figures = measuring.measure(
        vae,
        x,
        output,
        seed=arguments.seed,
        importance_samples=arguments.importance_samples,
    )
    row = {
        "command": "evaluate",
        "model_sha256": model_sha256,
        **measuring.measured_on(config, split, arguments.limit),
        **figures,
    }
    record_evaluation(directory, row, output)
    binarization = measuring.binarization_words(config)
    output.say(f"{arguments.run}, means in nats per example:")
    output.table(measuring.rows(figures))
    output.say(
        measuring.conditions(figures, config["dataset"], split, binarization)
    )
    output.result({"run": str(arguments.run), **row})
    return 0
