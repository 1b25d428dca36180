"""`keras-vae train`."""

from typing import Any

from keras_vae.cli import measuring
from keras_vae.cli.errors import INTERRUPTED
from keras_vae.cli.output import Output
from keras_vae.cli.train_arguments import TrainArguments as Arguments
from keras_vae.cli.training import TrainedRun, train


def run(arguments: Arguments, output: Output) -> int:
    """Train a VAE, and write a run directory.

    It holds model.keras, metrics.jsonl (a line an epoch), config.json,
    evaluations.jsonl (the test figures), samples.png, latents.png and
    curves.png; every other command takes it.

    Ctrl-C ends training after the step and keeps the model as it is.

    Example: keras-vae train --dataset digits --out runs/digits
    """
    trained = train(arguments, output)
    output.result(report(trained))
    if trained.interrupted:
        output.note(_kept(trained))
        return INTERRUPTED
    output.say(f"Trained for {trained.epochs} epochs: {trained.run.path}")
    say_figures(trained, output)
    output.say(f"Next: keras-vae generate {trained.run.path} --out images.png")
    return 0


def say_figures(trained: TrainedRun, output: Output) -> None:
    """Prints the test figures, and what they were measured on."""
    config = trained.config
    output.say("Test figures, means in nats per example:")
    output.table(measuring.rows(trained.figures))
    output.say(
        measuring.conditions(
            trained.figures,
            config["dataset"],
            config["splits"]["test"],
            measuring.binarization_words(config),
        )
    )


def report(trained: TrainedRun) -> dict[str, Any]:
    """Returns what `--json` prints."""
    config = trained.config
    return {
        "run": str(trained.run.path),
        "epochs": trained.epochs,
        "interrupted": trained.interrupted,
        "backend": config["backend"],
        "deterministic": config["deterministic"],
        "dataset": config["dataset"],
        "splits": config["splits"],
        "binarization": config["binarization"],
        "test": trained.figures or None,
    }


def _kept(trained: TrainedRun) -> str:
    place = trained.run.path
    if trained.vae is None:
        return f"Interrupted: {place} holds no model yet."
    return (
        f"Interrupted after {trained.epochs} whole epochs: {place} holds the "
        "model as it was."
    )
