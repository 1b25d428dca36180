"""The run directory: what `train` writes and every other command takes."""

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras

from keras_vae.cli.output import dump
from keras_vae.models import VAE
from keras_vae.validation import require
from keras_vae_export import archive


class RunDirectory:
    """The files of one run.

    Args:
        path: The directory; `create` makes a new one, `open` an old one.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.config_path = path / "config.json"
        self.metrics_path = path / "metrics.jsonl"
        self.evaluations_path = path / "evaluations.jsonl"
        self.model_path = path / "model.keras"
        self.samples_path = path / "samples.png"
        self.latents_path = path / "latents.png"
        self.curves_path = path / "curves.png"

    @staticmethod
    def check_new(path: pathlib.Path) -> None:
        """Raises unless a run directory can be made at `path`.

        Raises:
            FileExistsError: if anything stands there.
            PermissionError: if nothing may be written there.
        """
        if os.path.lexists(path):
            raise FileExistsError(
                "`--out` must be a path where nothing stands yet. Received: "
                f"--out {path}, which exists. Choose another, or delete it."
            )
        parent = path.absolute().parent
        while not parent.exists():
            parent = parent.parent
        if not (parent.is_dir() and os.access(parent, os.W_OK)):
            raise PermissionError(
                "`--out` must be a path that can be written. Received: "
                f"--out {path}, but nothing can be written to {parent}. "
                "Choose another."
            )

    @classmethod
    def create(
        cls, path: pathlib.Path, config: Mapping[str, Any]
    ) -> "RunDirectory":
        """Makes the directory, and its `config.json` first of all.

        Raises:
            FileExistsError: if anything stands there.
        """
        cls.check_new(path)
        path.mkdir(parents=True)
        run = cls(path)
        text = dump(config, indent=2) + "\n"
        run.config_path.write_text(text, encoding="utf-8")
        return run

    @classmethod
    def open(cls, path: pathlib.Path) -> "RunDirectory":
        """Returns an existing run.

        Raises:
            FileNotFoundError: if there is none.
        """
        run = cls(path)
        _check_file(run.model_path)
        return run

    def config(self) -> dict[str, Any]:
        """Returns what `config.json` holds.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is not what `train` wrote.
        """
        _check_file(self.config_path)
        try:
            config = json.loads(self.config_path.read_text(encoding="utf-8"))
        except ValueError:
            config = None
        require(
            isinstance(config, dict) and {"dataset", "splits"} <= set(config),
            f"{self.config_path} must be what `keras-vae train` wrote. "
            "Received: something else. Train again into another directory.",
        )
        return config

    def load_model(self) -> VAE:
        """Loads `model.keras`.

        Raises:
            ValueError: if it cannot be read, or holds something else.
        """
        try:
            archive.check(self.model_path, compiled=True)
        except ValueError as error:
            raise ValueError(f"{self.model_path}: {error}") from error
        try:
            model = keras.saving.load_model(self.model_path)
        except (ValueError, TypeError, KeyError) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".:")
            raise ValueError(
                f"{self.model_path} must be a VAE that this version of "
                f"keras-vae can load. Received: {reason}. Train again into "
                "another directory."
            ) from error
        require(
            isinstance(model, VAE),
            f"{self.model_path} must be a keras_vae.VAE. Received: a "
            f"{type(model).__name__}. Train one with `keras-vae train`.",
        )
        return model

    def save_model(self, vae: VAE) -> None:
        """Writes `model.keras`; the one before stays until it is whole."""
        unfinished = self.path / ".unfinished.keras"
        vae.save(unfinished)
        os.replace(unfinished, self.model_path)

    def model_sha256(self) -> str:
        """Returns the SHA-256 of `model.keras`, in hexadecimal."""
        with self.model_path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Adds one epoch to `metrics.jsonl`."""
        _append(self.metrics_path, row)

    def append_evaluation(self, row: Mapping[str, Any]) -> None:
        """Adds the figures of one measurement to `evaluations.jsonl`."""
        _append(self.evaluations_path, row)

    def metrics(self) -> list[dict[str, Any]]:
        """Returns the epochs of `metrics.jsonl`."""
        if not self.metrics_path.exists():
            return []
        lines = self.metrics_path.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


def _append(path: pathlib.Path, row: Mapping[str, Any]) -> None:
    """Adds a line of JSON to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(dump(row) + "\n")


def _check_file(file: pathlib.Path) -> None:
    if not file.is_file():
        raise FileNotFoundError(
            "`RUN` must be a run directory. Received: "
            f"{file.parent}, which has no {file.name}. Make one with e.g. "
            "`keras-vae train --dataset digits --out runs/digits`."
        )
