"""Where it stands which models are served."""

import os
import pathlib
from collections.abc import Sequence
from typing import Protocol

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import models_config, versions


class Source(Protocol):
    """Says which models are served, again and again.

    Attributes:
        wait_seconds: How long to wait before asking again; 0 for never.
        gives_way: Whether it is asked no more once somebody says by hand
            what is served.
    """

    wait_seconds: float
    gives_way: bool

    def read(self) -> Sequence[ModelConfig]:
        """Returns the models, from the disk.

        Raises:
            ServingError: if they cannot be told.
        """


class ModelsDirectory:
    """Every model below a directory; new ones as they appear.

    Args:
        path: A directory of models, of one model's versions, or of one
            version.
        wait_seconds: How long to wait before looking again.
    """

    def __init__(
        self, path: str | os.PathLike[str], wait_seconds: float = 1.0
    ) -> None:
        self.gives_way = True
        self._path = pathlib.Path(os.path.abspath(path))
        self.wait_seconds = wait_seconds
        self._known: dict[str, ModelConfig] = {}

    def read(self) -> Sequence[ModelConfig]:
        """Returns the models that are there, and those that once were.

        What is loaded stays so when its files are deleted.
        """
        try:
            found = _find(self._path)
        except OSError as error:
            raise ServingError(
                Code.NOT_FOUND,
                "The directory to serve must be one that can be read. "
                f"Received: {str(self._path)!r} ({error.strerror}). Call e.g. "
                "`keras-vae serve models`.",
            ) from error
        for config in found:
            self._known.setdefault(config.name, config)
        return list(self._known.values())


class ConfigFile:
    """The models of a `models.config`.

    Args:
        path: The file.
        wait_seconds: How long to wait before reading it again.
    """

    def __init__(
        self, path: str | os.PathLike[str], wait_seconds: float = 0.0
    ) -> None:
        self.gives_way = False
        self._path = pathlib.Path(path)
        self.wait_seconds = wait_seconds

    def read(self) -> Sequence[ModelConfig]:
        """Returns the models that the file names."""
        return models_config.read(self._path)


def _find(path: pathlib.Path) -> list[ModelConfig]:
    if versions.is_version_directory(path):
        return [_of_one_version(path)]
    if _has_versions(path):
        return [ModelConfig(path.name, str(path))]
    children = sorted(child for child in path.iterdir() if child.is_dir())
    return [
        ModelConfig(child.name, str(child))
        for child in children
        if _can_be_named(child.name) and _has_versions(child)
    ]


def _can_be_named(name: str) -> bool:
    """Whether a directory is not hidden, and a URL can hold its name."""
    return not name.startswith(".") and ":" not in name


def _of_one_version(path: pathlib.Path) -> ModelConfig:
    number = versions.parse_version(path.name)
    if number is None:
        return ModelConfig(path.name, str(path))
    policy = VersionPolicy(specific=(number,))
    return ModelConfig(path.parent.name, str(path.parent), policy)


def _has_versions(path: pathlib.Path) -> bool:
    """Whether a directory holds at least one version with a manifest."""
    try:
        found = versions.find(path).values()
    except OSError:
        return False
    return any(map(versions.is_version_directory, found))
