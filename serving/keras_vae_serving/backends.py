"""Which Keras backends are installed, and which one a command runs on."""

import importlib.util
import json
import os
import pathlib
from typing import Any, NamedTuple

# In the order of preference: Keras's own default comes first.
BACKENDS = ("tensorflow", "jax", "torch")


class UsageError(Exception):
    """A bad call of the command; its message is one clear line."""


class Choice(NamedTuple):
    """The backend that a command runs on, and what chose it."""

    name: str
    source: str
    note: str = ""


def is_installed(module: str) -> bool:
    """Whether a top-level package can be found; imports nothing.

    A folder without code that an uninstallation left behind is not one.
    """
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.origin is not None


def choose(requested: str | None = None) -> Choice:
    """Chooses the backend as Keras would, among those that are installed.

    `--backend` comes first, then `KERAS_BACKEND`, both taken at their word.
    `keras.json` comes next, if what it names is installed: Keras writes
    that file by itself, so it may name a backend that nobody chose.

    Args:
        requested: The value of `--backend`, if it was given.

    Raises:
        UsageError: if the name is unknown or the backend is not installed.
    """
    named = (
        ("--backend", requested),
        ("KERAS_BACKEND", os.environ.get("KERAS_BACKEND") or None),
    )
    for source, name in named:
        if name is not None:
            check_name(source, name)
            _check_installed(source, name)
            return Choice(name, source)
    return _choose_installed()


def check_name(source: str, name: str) -> None:
    """Raises a `UsageError` unless `name` is a backend of keras-vae."""
    if name not in BACKENDS:
        raise UsageError(
            f"`{source}` must be one of {', '.join(BACKENDS)}. Received: "
            f"{source}={name!r}. Call e.g. `keras-vae train --backend jax`."
        )


def _check_installed(source: str, name: str) -> None:
    if not is_installed(name):
        raise UsageError(
            f"`{source}` must name an installed backend. Received: "
            f"{source}={name!r}, which is not installed. Install it with: "
            f'pip install "keras-vae[{name}]"'
        )


def _choose_installed() -> Choice:
    installed = [name for name in BACKENDS if is_installed(name)]
    if not installed:
        raise UsageError(
            "No backend of Keras is installed. Install one with: "
            'pip install "keras-vae[jax]" (or tensorflow, or torch)'
        )
    configured = configured_backend()
    if configured in installed:
        return Choice(configured, "keras.json")
    first = installed[0]
    # "tensorflow" is what Keras writes there unasked: not worth a word.
    if configured in (None, "tensorflow"):
        return Choice(first, "first installed")
    note = (
        f"keras.json names the backend {configured!r}, which cannot be used "
        f"here; running on {first}."
    )
    return Choice(first, "first installed", note)


def configured_backend() -> Any:
    """Returns the backend that Keras's own `keras.json` names, or None."""
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    path = pathlib.Path(home).expanduser() / "keras.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
