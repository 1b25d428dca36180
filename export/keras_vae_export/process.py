"""Runs the worker: in this process if it is TensorFlow's, else in another."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
from typing import cast

import keras

from keras_vae_export.errors import ExportError, ParityError
from keras_vae_export.requests import (
    Answer,
    CheckReport,
    CheckRequest,
    Failure,
    Report,
    Request,
    load_answer,
    save_request,
)

_ERRORS: dict[str, type[Exception]] = {
    "ExportError": ExportError,
    "ParityError": ParityError,
    "ImportError": ImportError,
    "ModuleNotFoundError": ImportError,
}
_SHOWN_LINES = 20


def run_here() -> bool:
    """Whether this process can write the files itself."""
    return keras.backend.backend() == "tensorflow"


def run(request: Request) -> Report:
    """Writes what is asked for, on the TensorFlow backend.

    Raises:
        ExportError: if it could not be done; the output of the other
            process, if there was one, is added as a note.
        ImportError: if a library cannot be imported there.
    """
    if run_here():
        from keras_vae_export import worker

        return worker.write(request)
    return cast(Report, _run_there(request))


def check(request: CheckRequest) -> CheckReport:
    """Runs the files of a version directory, as `run` writes them.

    Raises:
        ExportError: if the other process, where there is one, failed.
        ImportError: if a library cannot be imported there.
    """
    if run_here():
        from keras_vae_export import worker

        return worker.check(request)
    return cast(CheckReport, _run_there(request))


def _run_there(request: Request | CheckRequest) -> Answer:
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        return _run_in(pathlib.Path(folder), request)


def _run_in(folder: pathlib.Path, request: Request | CheckRequest) -> Answer:
    save_request(folder, request)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "keras_vae_export.worker", str(folder)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    answer = load_answer(folder)
    if isinstance(answer, Failure):
        raise _error(answer, done.stdout)
    if answer is None:
        raise ExportError(
            "The TensorFlow process that writes the export ended before it "
            f"was done ({_ending(done.returncode)}). Its last words:\n"
            f"{_tail(done.stdout)}"
        )
    return answer


def environment() -> dict[str, str]:
    """Returns the environment of the TensorFlow process.

    It imports from the same folders, and runs on the CPU, where the files
    are proved, and leaves an accelerator's memory to this process.
    """
    folders = [folder or os.getcwd() for folder in sys.path]
    return {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(folders),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONHASHSEED": "0",
    }


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _tail(output: str) -> str:
    lines = output.strip().splitlines()[-_SHOWN_LINES:]
    return "\n".join(lines) or "(none)"


def _error(failure: Failure, output: str) -> Exception:
    """Makes the worker's exception anew, its traceback and output as notes."""
    kind = _ERRORS.get(failure.kind)
    if kind is None:
        error: Exception = ExportError(
            "The TensorFlow process that writes the export failed: "
            f"{failure.kind}: {failure.message}"
        )
    else:
        error = kind(failure.message)
    error.add_note(f"In the TensorFlow process:\n{failure.traceback}")
    error.add_note(f"Its output:\n{_tail(output)}")
    return error
