"""Which versions a model's labels may stand for."""

from collections.abc import Callable, Mapping

from keras_vae_serving.status import Code, ServingError, invalid

Labels = Mapping[str, int]


def split(
    wanted: Labels,
    current: Labels,
    is_available: Callable[[int], bool],
    allow_unavailable: bool,
) -> tuple[dict[str, int], dict[str, int]]:
    """Tells the labels that may be given from those that must wait.

    Args:
        wanted: By label, the version that it shall stand for.
        current: The labels so far.
        is_available: Whether a version is loaded.
        allow_unavailable: Whether a label that stands for no other version
            so far may stand for one that is not loaded.

    Returns:
        The labels from now on, and those whose versions are not loaded. One
        of them that was given before stays as it was.
    """
    given, held = {}, {}
    for label, version in wanted.items():
        is_new = current.get(label, version) == version
        if is_available(version) or (allow_unavailable and is_new):
            given[label] = version
            continue
        held[label] = version
        if label in current:
            given[label] = current[label]
    return given, held


def not_available(model: str, version: int) -> ServingError:
    """Returns the error of a label whose version is not loaded."""
    return ServingError(
        Code.FAILED_PRECONDITION,
        f"Request to assign label to version {version} of model {model}, "
        "which is not currently available for inference",
    )


def version_of(label: str, labels: Labels) -> int:
    """Returns the version that a label stands for.

    Raises:
        ServingError: INVALID_ARGUMENT for an unknown label.
    """
    if label not in labels:
        raise invalid(f"Unrecognized servable version label: {label}")
    return labels[label]
