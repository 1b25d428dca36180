"""The `keras-vae` command and what serves exported VAEs, without Keras."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_vae_serving.client import AsyncClient, Client
    from keras_vae_serving.status import ServingError

__all__ = ["AsyncClient", "Client", "ServingError"]


def __getattr__(name: str) -> Any:
    """Loads the client when it is asked for: the command needs none of it."""
    if name in __all__:
        try:
            return getattr(
                importlib.import_module("keras_vae_serving.client"), name
            )
        except ImportError as error:
            raise ImportError(
                f"`keras_vae_serving.{name}` needs `{error.name}`, which is "
                'not installed. Install it with: pip install "keras-vae'
                '[serving]"'
            ) from error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
