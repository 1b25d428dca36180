"""A training run, from options to a finished run directory."""

import math
from typing import Any, NamedTuple

import keras

from keras_vae.cli import build, data, measuring, options, pictures
from keras_vae.cli.output import Output
from keras_vae.cli.progress import StopOnCtrlC, TrainingProgress
from keras_vae.cli.provenance import provenance
from keras_vae.cli.recording import Recorder, record_evaluation
from keras_vae.cli.run_directory import RunDirectory
from keras_vae.cli.train_arguments import TrainArguments
from keras_vae.models import VAE
from keras_vae.trainers import enable_determinism


class TrainedRun(NamedTuple):
    """What a training run leaves."""

    run: RunDirectory
    vae: VAE | None  # None if Ctrl-C came before there was one
    config: dict[str, Any]
    figures: dict[str, Any]  # of the test split; empty after Ctrl-C
    epochs: int  # how many were completed
    interrupted: bool


def train(arguments: TrainArguments, output: Output) -> TrainedRun:
    """Trains a VAE and writes its run directory.

    Everything is checked before the directory is made. Ctrl-C keeps what
    there is.

    Raises:
        FileExistsError: if something stands at `--out`.
        ValueError: if an option, or the data, do not suit the model.
        FloatingPointError: after a run of non-finite steps.
    """
    RunDirectory.check_new(arguments.out)
    build.check(arguments)
    pictures.check()
    _seed(arguments)
    loaded = data.load(arguments, build.build_likelihood(arguments))
    vae = build.build_vae(arguments, loaded.event_shape)
    _check_data(vae, loaded)
    config = _config(arguments, loaded, vae)
    run = RunDirectory.create(arguments.out, config)
    output.note(_beginning(config, vae))
    epochs, interrupted = _fit(vae, loaded, arguments, run, output)
    figures: dict[str, Any] = {}
    kept: VAE | None = vae
    if interrupted:
        kept = _save_what_there_is(run, vae)
    else:
        run.save_model(vae)
        figures = measuring.measure(vae, loaded.test, output)
        _record(run, config, figures, output)
    if kept is not None:
        pictures.draw(run, kept, loaded.test, loaded.labels, output)
    return TrainedRun(run, kept, config, figures, epochs, interrupted)


def _seed(arguments: TrainArguments) -> None:
    if arguments.deterministic:
        enable_determinism(arguments.seed)
    else:
        keras.utils.set_random_seed(arguments.seed)


def _check_data(vae: VAE, loaded: data.RunData) -> None:
    """Checks both splits, and that the parts give an ELBO together."""
    try:
        vae.check_data(loaded.train)
        vae.check_data(loaded.test)
    except ValueError as error:
        is_grey = loaded.config["binarization"]["test"] == "none"
        if not (is_grey and data.wants_binary(vae.likelihood)):
            raise
        raise ValueError(
            f"{error} On the command line: `--binarize dynamic`, "
            "`--likelihood normal` or `--allow-grey`."
        ) from error
    try:
        vae.compute_elbo(loaded.test[:1], seed=0)
    except NotImplementedError as error:  # No closed form of the KL.
        raise ValueError(
            f"{error} On the command line: `--kl monte_carlo`."
        ) from error


def _fit(
    vae: VAE,
    loaded: data.RunData,
    arguments: TrainArguments,
    run: RunDirectory,
    output: Output,
) -> tuple[int, bool]:
    """Trains; returns the epochs completed, and whether Ctrl-C ended it."""
    recorder, stop = Recorder(run), StopOnCtrlC(output)
    # A dataset brings its own batches.
    has_batches = isinstance(loaded.train, keras.utils.PyDataset)
    with TrainingProgress(output, arguments.epochs) as progress:
        try:
            with stop.listening():
                vae.fit(
                    loaded.train,
                    epochs=arguments.epochs,
                    batch_size=None if has_batches else arguments.batch_size,
                    validation_data=loaded.test,
                    validation_batch_size=arguments.batch_size,
                    callbacks=[recorder, progress, stop],
                    verbose=0,
                )
        except KeyboardInterrupt:
            return recorder.epochs, True
    return recorder.epochs, False


def _save_what_there_is(run: RunDirectory, vae: VAE) -> VAE | None:
    """Saves the model after Ctrl-C; returns the one that was kept, if any."""
    try:
        run.save_model(vae)
        return vae
    except Exception:
        # A step that was cut off in the middle may have taken the weights
        # with it; how that shows differs between the backends.
        return run.load_model() if run.model_path.exists() else None


def _record(
    run: RunDirectory,
    config: dict[str, Any],
    figures: dict[str, Any],
    output: Output,
) -> None:
    """Keeps the test figures as `keras-vae evaluate` does."""
    split = config["splits"]["test"]
    row = {
        "command": "train",
        "model_sha256": run.model_sha256(),
        **measuring.measured_on(config, split, config["limit"]),
        **figures,
    }
    record_evaluation(run, row, output)


def _config(
    arguments: TrainArguments, loaded: data.RunData, vae: VAE
) -> dict[str, Any]:
    return {
        "command": "train",
        **provenance(),
        "seed": arguments.seed,
        "deterministic": arguments.deterministic,
        **loaded.config,
        "event_shape": list(vae.event_shape),
        "num_dims": math.prod(vae.event_shape),
        "latent_dim": vae.latent_dim,
        "optimizer": _optimizer_name(vae),
        "samples_seed": pictures.SAMPLES_SEED,
        "arguments": options.as_json(arguments),
    }


def _optimizer_name(vae: VAE) -> str:
    """Returns the optimizer's class; with float16, of the one inside."""
    optimizer = vae.optimizer
    return type(getattr(optimizer, "inner_optimizer", optimizer)).__name__


def _beginning(config: dict[str, Any], vae: VAE) -> str:
    sizes, chosen = config["num_examples"], config["binarization"]
    return (
        f"Training on {config['backend']}: {sizes['train']} examples of "
        f"{config['dataset']} of shape {tuple(vae.event_shape)} "
        f"(binarisation: {chosen['train']}; test: {chosen['test']}, "
        f"{sizes['test']} examples), {vae.latent_dim} latent dimensions, "
        f"{vae.count_params():,} weights."
    )
