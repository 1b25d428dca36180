"""Checks of an export's arguments, before any work begins."""

import importlib.util
import re
from collections.abc import Iterable
from typing import Any

from keras_vae.validation import one_of, positive_int, require
from keras_vae_export.signatures import FORMATS, SIGNATURES, in_format

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_MAX_VERSION = 2**63 - 1  # TensorFlow Serving reads versions as int64.
_NEEDED_MODULES = {
    "tf_saved_model": ("tensorflow",),
    "onnx": ("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
}


def checked_name(name: Any) -> str:
    """Returns a model name that is safe as a directory's name.

    Raises:
        ValueError: if it is not.
    """
    require(
        isinstance(name, str) and _SAFE_NAME.fullmatch(name) is not None,
        "`name` must consist of letters, digits, `.`, `_` and `-`, and begin "
        f"with a letter, a digit or `_`. Received: name={name!r}. Pass e.g. "
        '`export(..., name="digits")`.',
    )
    return name


def checked_version(version: Any) -> int:
    """Returns a version number as an integer.

    Raises:
        TypeError: if it is no integer.
        ValueError: if it is below 1 or too large for an int64.
    """
    fix = "Pass e.g. `export(..., version=1)`."
    number = positive_int("version", version, fix)
    require(
        number <= _MAX_VERSION,
        f"`version` must be at most {_MAX_VERSION}. "
        f"Received: version={version!r}. {fix}",
    )
    return number


def checked_formats(formats: Iterable[str] | str) -> tuple[str, ...]:
    """Returns the formats without repetition, in the order of `FORMATS`.

    Raises:
        ValueError: if one is unknown, or there is none.
    """
    names = [formats] if isinstance(formats, str) else list(formats)
    fix = f"Pass e.g. `formats={FORMATS}`."
    for name in names:
        one_of("formats", name, FORMATS, fix)
    require(
        bool(names),
        f"`formats` must name at least one of {list(FORMATS)}. "
        f"Received: formats={formats!r}. {fix}",
    )
    return tuple(name for name in FORMATS if name in names)


def checked_format(format: Any) -> str:
    """Returns one format's name, or raises a `ValueError`."""
    return one_of("format", format, FORMATS, 'Pass e.g. `format="onnx"`.')


def checked_signature(signature: Any, format: str = "onnx") -> str:
    """Returns the name of a signature that a format has.

    Raises:
        ValueError: if it has not.
    """
    known = dict.fromkeys(SIGNATURES)
    fix = 'Pass e.g. `signature="decode"`.'
    return one_of("signature", signature, [*in_format(known, format)], fix)


def checked_imports(imports: Iterable[str] | str) -> tuple[str, ...]:
    """Returns the names of modules to import.

    Raises:
        ValueError: if one is no module's full name.
    """
    names = (imports,) if isinstance(imports, str) else tuple(imports)
    for name in names:
        is_module = isinstance(name, str) and all(
            part.isidentifier() for part in name.split(".")
        )
        require(
            is_module,
            "`imports` must hold full names of modules. Received: "
            f'imports={imports!r}. Pass e.g. `imports=("my.module",)`.',
        )
    return names


def check_installed(formats: Iterable[str]) -> None:
    """Raises if a module that writing or proving needs is not installed.

    Raises:
        ImportError: naming the module and the pip command.
    """
    for name in formats:
        for module in _NEEDED_MODULES[name]:
            if importlib.util.find_spec(module) is None:
                raise ImportError(
                    f"Exporting to {name!r} needs `{module}`, which is not "
                    'installed. Install it with: pip install "keras-vae'
                    '[export]"'
                )
