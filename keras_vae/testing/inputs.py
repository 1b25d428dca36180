"""What the checks pass to a VAE beside x: a condition, where it takes one."""

from typing import Any

import numpy as np


def given(condition: np.ndarray | None) -> dict[str, Any]:
    """Returns the keyword arguments that hold a condition, if any."""
    return {} if condition is None else {"condition": condition}


def call_inputs(x: Any, condition: np.ndarray | None, name: str = "x") -> Any:
    """Returns what a model is called with: x alone, or a dictionary."""
    return x if condition is None else {name: x, "condition": condition}
