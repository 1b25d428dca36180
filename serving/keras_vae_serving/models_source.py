"""Which models the settings of a server mean."""

from collections.abc import Sequence

from keras_vae_serving.model_server import ModelConfig
from keras_vae_serving.settings import ServerSettings
from keras_vae_serving.store.sources import (
    ConfigFile,
    ModelsDirectory,
    Source,
)

_EXPORT = "Make one with e.g. `keras-vae export runs/digits --out models`."


class OneModel:
    """One model that never changes; its versions may.

    Args:
        config: Its configuration.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.wait_seconds = 0.0
        self.gives_way = True
        self._config = config

    def read(self) -> Sequence[ModelConfig]:
        """Returns it."""
        return [self._config]


def find(settings: ServerSettings) -> Source:
    """Returns where it stands which models are served.

    Raises:
        FileNotFoundError: if a directory holds no model.
        ValueError: if `model_name` is given to several models.
        ServingError: if a directory cannot be read.
    """
    if settings.models_config_file is not None:
        wait_s = settings.models_config_poll_wait_seconds
        return ConfigFile(settings.models_config_file, wait_s)
    directory = settings.directory
    if directory is None or not directory.is_dir():
        raise FileNotFoundError(
            "`DIR` must be a directory of exported models. Received: "
            f"{str(directory)!r}, which is no directory. {_EXPORT}"
        )
    models = ModelsDirectory(
        directory, settings.store.file_system_poll_wait_seconds
    )
    found = models.read()
    if not found:
        raise FileNotFoundError(
            "`DIR` must hold an exported model, as in "
            "DIR/NAME/VERSION/manifest.json. Received: "
            f"{str(directory)!r}, which holds none. {_EXPORT}"
        )
    if settings.model_name is None:
        return models
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        raise ValueError(
            f"`model_name` must name one model. Received: model_name="
            f"{settings.model_name!r}, and a directory of {names}. Serve one "
            f"of them, e.g. {str(directory / found[0].name)!r}."
        )
    return OneModel(found[0]._replace(name=settings.model_name))
