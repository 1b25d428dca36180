"""Progress of long work: bars on stderr, one line an epoch."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any

import keras
import rich.progress

from keras_vae.cli.output import Output

_SECONDS_BETWEEN_UPDATES = 0.1
_SECONDS_BETWEEN_LINES = 10.0
_MOST_LINES = 20


def new_bar(output: Output) -> rich.progress.Progress:
    """Returns a bar with ETA and figures; where stderr is no terminal, none."""
    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(),
        rich.progress.TextColumn("{task.fields[figures]}"),
        console=output.progress,
        disable=not output.progress.is_terminal,
        transient=True,
    )


def track(
    output: Output, items: Iterable[Any], description: str, total: int
) -> Iterator[Any]:
    """Yields `items`, and shows how many of them are done."""
    with new_bar(output) as bar:
        task = bar.add_task(description, total=total, figures="")
        for item in items:
            yield item
            bar.advance(task)


def describe(logs: dict[str, float], prefix: str = "") -> str:
    """Returns the ELBO and the KL of Keras's logs: `elbo -20.13  kl 9.10`."""
    names = [f"{prefix}elbo", f"{prefix}kl"]
    return "  ".join(f"{n} {logs[n]:.2f}" for n in names if n in logs)


class TrainingProgress(keras.callbacks.Callback):
    """A bar over all steps of `fit`, and a line an epoch.

    Args:
        output: Where it is shown.
        epochs: Integer, how many there will be.
    """

    steps_may_be_grouped = True  # See `keras_vae.trainers.grouping`.

    def __init__(self, output: Output, epochs: int) -> None:
        super().__init__()
        self._output, self._epochs = output, epochs
        self._bar = new_bar(output)
        self._task = self._bar.add_task(
            "Building the model", total=None, figures=""
        )
        self._epoch, self._steps = 0, 0
        self._began = self._updated = self._printed = time.monotonic()

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Shows which epoch it is."""
        self._epoch, self._began = epoch, time.monotonic()
        self._steps = int(self.params.get("steps") or 0)
        self._bar.update(
            self._task,
            description=f"Epoch {epoch + 1}/{self._epochs}",
            total=self._steps * self._epochs or None,
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Shows the step and the figures so far, at most ten times a second."""
        now = time.monotonic()
        if now - self._updated < _SECONDS_BETWEEN_UPDATES:
            return
        self._updated = now
        self._bar.update(
            self._task,
            completed=self._epoch * self._steps + batch + 1,
            figures=describe(logs or {}),
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Prints the epoch's line, of many fast epochs not each one."""
        now = time.monotonic()
        seconds = now - self._began
        due = (epoch + 1) % -(-self._epochs // _MOST_LINES) == 0
        slow = now - self._printed >= _SECONDS_BETWEEN_LINES
        if not (due or slow or epoch == 0):
            return
        self._printed = now
        parts = [describe(logs or {}), describe(logs or {}, "val_")]
        width = len(str(self._epochs))
        self._output.note(
            f"epoch {epoch + 1:{width}}/{self._epochs}  "
            + "  ".join(filter(None, parts))
            + f"  ({seconds:.1f} s)"
        )


class StopOnCtrlC(keras.callbacks.Callback):
    """Turns the first Ctrl-C into a `KeyboardInterrupt` between two steps.

    In the middle of a step it would lose the state that the step was given:
    on JAX that is all weights. A second Ctrl-C stops at once.

    Args:
        output: Where the first Ctrl-C is answered.
    """

    steps_may_be_grouped = True  # See `keras_vae.trainers.grouping`.

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self._pressed = False

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handles Ctrl-C inside; only a main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._answer)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True
        self._output.note(
            "Stopping after this step. Press Ctrl-C again to stop at once."
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stops after a step."""
        self._stop_if_pressed()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops after an epoch's validation."""
        self._stop_if_pressed()

    def _stop_if_pressed(self) -> None:
        if self._pressed:
            raise KeyboardInterrupt
