"""Checks of an export's arguments, before any work begins."""

import importlib.util
import math
import numbers
import re
from collections.abc import Iterable
from typing import Any

from keras_vae.validation import one_of, positive_int, require
from keras_vae_export.signatures import (
    ALL_FORMATS,
    FORMATS,
    NO_SEEDS,
    SEEDED,
    SIGNATURES,
    in_format,
)
from keras_vae_export.variants import MAX_DIFFERENCE, VARIANTS

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_DIFFERENCE_FIX = f"Pass e.g. `export(..., max_difference={MAX_DIFFERENCE})`."
_MAX_VERSION = 2**63 - 1  # TensorFlow Serving reads versions as int64.
_NEEDED_MODULES = {
    "tf_saved_model": ("tensorflow",),
    "onnx": ("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
    "litert": ("tensorflow", "ai_edge_litert"),
    "openvino": ("tensorflow", "tf2onnx", "onnx", "openvino"),
}
_IN_RUNTIMES = ("ai_edge_litert", "openvino")  # of the extra `runtimes`


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
    """Returns the formats without repetition, in the order of `ALL_FORMATS`.

    Raises:
        ValueError: if one is unknown, or there is none.
    """
    names = [formats] if isinstance(formats, str) else list(formats)
    fix = f"Pass e.g. `formats={FORMATS}`."
    for name in names:
        one_of("formats", name, ALL_FORMATS, fix)
    require(
        bool(names),
        f"`formats` must name at least one of {list(ALL_FORMATS)}. "
        f"Received: formats={formats!r}. {fix}",
    )
    return tuple(name for name in ALL_FORMATS if name in names)


def checked_format(format: Any) -> str:
    """Returns one format's name, or raises a `ValueError`."""
    return one_of("format", format, ALL_FORMATS, 'Pass e.g. `format="onnx"`.')


def checked_signature(signature: Any, format: str = "onnx") -> str:
    """Returns the name of a signature that a format has.

    Raises:
        ValueError: if it has not.
    """
    known = dict.fromkeys(SIGNATURES)
    fix = 'Pass e.g. `signature="decode"`.'
    if format in NO_SEEDS and signature in SEEDED:
        fix = (
            f"{NO_SEEDS[format]}. Export it as ONNX or SavedModel, or draw z "
            "with `keras_vae.random` and pass it to `decode`."
        )
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


def checked_variants(
    variants: Iterable[str] | str, formats: Iterable[str]
) -> tuple[str, ...]:
    """Returns the variants without repetition, in the order of `VARIANTS`.

    Args:
        variants: What was asked for.
        formats: The formats, checked.

    Raises:
        ValueError: if one is unknown, or `"onnx"` is no format.
    """
    names = [variants] if isinstance(variants, str) else list(variants)
    for name in names:
        one_of("variants", name, VARIANTS, f"Pass e.g. `variants={VARIANTS}`.")
    formats = tuple(formats)
    require(
        not names or "onnx" in formats,
        "`variants` are forms of the ONNX files: `formats` must hold 'onnx'. "
        f"Received: variants={variants!r}, formats={formats}. Pass e.g. "
        '`formats=("onnx",)`, or leave `variants` out.',
    )
    return tuple(name for name in VARIANTS if name in names)


def checked_max_difference(max_difference: Any) -> float:
    """Returns the limit of a variant's difference as a float.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is not positive and finite.
    """
    number = isinstance(max_difference, numbers.Real)
    if not number or isinstance(max_difference, bool):
        raise TypeError(
            "`max_difference` must be a number. Received: "
            f"max_difference={max_difference!r} of type "
            f"{type(max_difference).__name__}. {_DIFFERENCE_FIX}"
        )
    require(
        0 < max_difference < math.inf,
        "`max_difference` must be positive and finite. Received: "
        f"max_difference={max_difference!r}. {_DIFFERENCE_FIX}",
    )
    return float(max_difference)


def check_installed(formats: Iterable[str]) -> None:
    """Raises if a module that writing or proving needs is not installed.

    Raises:
        ImportError: naming the module and the pip command.
    """
    for name in formats:
        check_modules(f"Exporting to {name!r}", _NEEDED_MODULES[name])


def check_modules(purpose: str, modules: Iterable[str]) -> None:
    """Raises if a module that something needs is not installed.

    Raises:
        ImportError: naming the purpose, the module and the pip command.
    """
    for module in modules:
        if importlib.util.find_spec(module) is None:
            extra = "runtimes" if module in _IN_RUNTIMES else "export"
            raise ImportError(
                f"{purpose} needs `{module}`, which is not installed. Install "
                f'it with: pip install "keras-vae[{extra}]"'
            )
