"""What a compiled VAE writes, so that every backend can read it."""

from typing import Any


def name_publicly(optimizer: Any) -> None:
    """Names a serialised optimizer as `keras.optimizers` does.

    On PyTorch, Keras writes its private subclass for that backend, which
    another backend would load and fail with at the first step.
    """
    if not isinstance(optimizer, dict):
        return
    name_publicly(optimizer.get("config", {}).get("inner_optimizer"))
    if str(optimizer.get("module")).startswith("keras.src.backend."):
        optimizer["module"] = "keras.optimizers"
        optimizer["registered_name"] = None
