"""What training and measuring leave in the run directory."""

import time
from collections.abc import Mapping
from typing import Any

import keras

from keras_vae.cli.output import Output
from keras_vae.cli.provenance import provenance
from keras_vae.cli.run_directory import RunDirectory

_SECONDS_BETWEEN_SAVES = 10.0
_FIRST = ("loss", "elbo", "log_likelihood", "kl")


def _place(name: str) -> tuple[bool, int, str]:
    """Sorts `loss, elbo, log_likelihood, kl`, others, then validation's."""
    plain = name.removeprefix("val_")
    first = _FIRST.index(plain) if plain in _FIRST else len(_FIRST)
    return plain != name, first, plain


class Recorder(keras.callbacks.Callback):
    """Writes `metrics.jsonl` each epoch, and `model.keras` as training goes.

    The model is saved after the first epoch and then at most every ten
    seconds, so that short epochs are not spent on saving.

    Args:
        run: The run directory.
    """

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self._run = run
        self._began = time.monotonic()
        self._next_save = 0.0
        self.epochs = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Notes the time."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the epoch's figures, nats per example, and the model."""
        seconds = round(time.monotonic() - self._began, 3)
        logs = logs or {}
        names = sorted(logs, key=_place)
        figures = {name: float(logs[name]) for name in names}
        row = {"epoch": epoch + 1, **figures, "seconds": seconds}
        self._run.append_metrics(row)
        self.epochs = epoch + 1
        if time.monotonic() >= self._next_save:
            self._run.save_model(self.model)
            self._next_save = time.monotonic() + _SECONDS_BETWEEN_SAVES


def record_evaluation(
    run: RunDirectory, row: Mapping[str, Any], output: Output
) -> None:
    """Adds what was measured to `evaluations.jsonl`, and with what versions.

    A directory that cannot be written is told in a note, for the figures are
    still good.

    Args:
        run: The run directory.
        row: The figures, and what they were measured on. The model's hash
            stands among them: they are those of no other `model.keras` that
            may come to stand there.
        output: Where the note goes.
    """
    try:
        run.append_evaluation({**provenance(), **row})
    except OSError as error:
        output.note(
            f"The figures were not added to {run.evaluations_path} "
            f"({error.strerror or error}): a model card will not name them."
        )
