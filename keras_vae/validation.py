"""Checks of arguments: what was got, what was expected, how to fix it."""

import importlib
import operator
from collections.abc import Iterable
from types import ModuleType
from typing import Any

# What a generator's state holds on every backend, so that a model that is
# saved on one can be loaded on another.
SEED_LIMIT = 2**31


def positive_int(name: str, value: Any, fix: str) -> int:
    """Returns `value` as an integer of at least 1.

    Args:
        name: The argument's name, for the message.
        value: What the caller passed.
        fix: A full sentence that tells how to call it right.

    Raises:
        TypeError: if `value` is not an integer.
        ValueError: if `value` is below 1.
    """
    is_integer = hasattr(value, "__index__") and not isinstance(value, bool)
    message = (
        f"`{name}` must be a positive integer. Received: {name}={value!r} "
        f"of type {type(value).__name__}. {fix}"
    )
    if not is_integer:
        raise TypeError(message)
    if int(value) < 1:
        raise ValueError(message)
    return int(value)


def backend_seed(value: Any, otherwise: str = "") -> int:
    """Returns a seed that the generators of every backend take.

    Args:
        value: What the caller passed as `seed`.
        otherwise: What else the message is to say that is accepted.

    Raises:
        TypeError: if `value` is not an integer.
        ValueError: if it is not from 0 to 2^31 - 1.
    """
    message = (
        f"`seed` must be an integer from 0 to 2^31 - 1{otherwise}. Received: "
        f"seed={value!r} of type {type(value).__name__}. Pass e.g. `seed=0`."
    )
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(message)
    require(0 <= operator.index(value) < SEED_LIMIT, message)
    return operator.index(value)


def require(condition: bool, message: str) -> None:
    """Raises a `ValueError` with `message` unless `condition` holds."""
    if not condition:
        raise ValueError(message)


def one_of(name: str, value: Any, choices: Iterable[Any], fix: str) -> Any:
    """Returns `value`, or raises a `ValueError` that lists `choices`."""
    known = list(choices)
    if value not in known:
        raise ValueError(
            f"`{name}` must be one of {known}. "
            f"Received: {name}={value!r}. {fix}"
        )
    return value


def optional_import(module: str, extra: str, purpose: str) -> ModuleType:
    """Imports a module that an extra of this package installs.

    Args:
        module: The module's full name.
        extra: The extra of `keras-vae` that requires it.
        purpose: What needs it, as the subject of a sentence.

    Raises:
        ImportError: if it is missing; the message holds the pip command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs `{module}`, which could not be imported "
            f"({error}). Install it with: "
            f'pip install "keras-vae[{extra}]"'
        ) from error
