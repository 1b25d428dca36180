"""Which versions a model's labels may stand for."""

from collections.abc import Callable, Mapping

from keras_vae_serving.model_server import ModelConfig
from keras_vae_serving.status import Code, ServingError, invalid


def check(
    config: ModelConfig,
    current: Mapping[str, int],
    is_available: Callable[[int], bool],
    allow_unavailable: bool,
) -> None:
    """Raises unless a model's labels may be given.

    Args:
        config: The model's new configuration.
        current: Its labels so far.
        is_available: Whether a version is loaded.
        allow_unavailable: Whether a label that stands for no other version
            so far may stand for one that is not loaded.

    Raises:
        ServingError: FAILED_PRECONDITION if a version is not loaded.
    """
    for label, version in config.labels.items():
        is_new = current.get(label, version) == version
        if is_available(version) or (allow_unavailable and is_new):
            continue
        raise ServingError(
            Code.FAILED_PRECONDITION,
            f"Request to assign label to version {version} of model "
            f"{config.name}, which is not currently available for inference",
        )


def version_of(label: str, labels: Mapping[str, int]) -> int:
    """Returns the version that a label stands for.

    Raises:
        ServingError: INVALID_ARGUMENT for an unknown label.
    """
    if label not in labels:
        raise invalid(f"Unrecognized servable version label: {label}")
    return labels[label]
