"""What is exported: a VAE in memory, a run directory or a file."""

import importlib
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import keras

from keras_vae import VAE
from keras_vae_export import archive
from keras_vae_export.archive_config import REGISTER
from keras_vae_export.errors import ExportError, cause_of

MODEL_FILE = "model.keras"
_ACCEPTED = (
    f"a VAE, a run directory that holds {MODEL_FILE}, or the path of a "
    "`.keras` file"
)
_FIX = "Train one with e.g. `keras-vae train --out runs/digits`."


def check_source(run_or_model: Any) -> VAE | pathlib.Path:
    """Returns the VAE, or the path of its `.keras` file.

    Raises:
        TypeError: if it is no VAE and no path.
        FileNotFoundError: if the path leads to no `.keras` file.
    """
    if isinstance(run_or_model, VAE):
        return run_or_model
    if not isinstance(run_or_model, (str, os.PathLike)):
        raise TypeError(
            f"`run_or_model` must be {_ACCEPTED}. Received: run_or_model="
            f"{run_or_model!r} of type {type(run_or_model).__name__}. {_FIX}"
        )
    path = pathlib.Path(run_or_model)
    if path.is_dir():
        path = path / MODEL_FILE
        found = path.is_file()
        problem = f"a directory without {MODEL_FILE}"
    else:
        found = path.is_file() and path.suffix == ".keras"
        problem = "no `.keras` file" if path.exists() else "which is missing"
    if not found:
        raise FileNotFoundError(
            f"`run_or_model` must be {_ACCEPTED}. Received: run_or_model="
            f"{os.fspath(run_or_model)!r}, {problem}. {_FIX}"
        )
    return path


def default_name(source: VAE | pathlib.Path) -> str:
    """Returns the run directory's, the file's or the model's name."""
    if isinstance(source, VAE):
        return source.name
    if source.name == MODEL_FILE:
        return source.resolve().parent.name
    return source.stem


def open_snapshot(source: VAE | pathlib.Path, snapshot: pathlib.Path) -> VAE:
    """Saves the source to `snapshot` and returns the VAE in memory.

    A file is copied first, so that a training run may go on writing it.

    Raises:
        ExportError: if it cannot be saved or loaded.
        TypeError: if the file holds another kind of model.
    """
    if isinstance(source, VAE):
        try:
            source.save(snapshot)
        except Exception as error:
            raise ExportError(
                f"The model {source.name!r} could not be saved as a `.keras` "
                f"file, from which it is exported: {cause_of(error)}"
            ) from error
        return source
    shutil.copyfile(source, snapshot)
    return load_vae(snapshot, f"The model in {os.fspath(source)!r}")


def load_vae(path: pathlib.Path, subject: str) -> VAE:
    """Loads a VAE, without what it was compiled with.

    Args:
        path: The `.keras` file.
        subject: What it is, as the subject of an error's first sentence.

    Raises:
        ExportError: if it must not be loaded, or Keras cannot load it.
        TypeError: if it is no VAE.
    """
    try:
        archive.check(path)
    except (ValueError, OSError) as error:
        raise ExportError(f"{subject} could not be loaded: {error}") from error
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise ExportError(
            f"{subject} could not be loaded: {_reason(error)} If it has "
            f"layers or other parts of your own, {REGISTER}"
        ) from error
    if not isinstance(model, VAE):
        raise TypeError(
            f"`run_or_model` must be {_ACCEPTED}. Received: a file with a "
            f"{type(model).__name__}. {_FIX}"
        )
    return model


def _reason(error: Exception) -> str:
    """Returns what Keras says of the part that failed, without its config."""
    text = str(error).rpartition("Exception encountered: ")[2]
    for mark in ("Full object config:", "config={"):
        text = text.partition(mark)[0]
    return cause_of(ValueError(text))


def import_modules(names: Iterable[str]) -> None:
    """Imports the modules that register a user's own classes.

    Raises:
        ExportError: if one cannot be imported.
    """
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            raise ExportError(
                f"The module {name!r}, which registers classes of the model, "
                f"could not be imported: {type(error).__name__}: "
                f"{cause_of(error)} Put "
                "it where Python finds it: install its package, or add its "
                "folder to PYTHONPATH."
            ) from error
