"""Reads the manifest of a version directory, which may be a stranger's.

Nothing is believed: the manifest is checked against its schema, and no path
in it may leave the directory, by its name or by a link.
"""

import hashlib
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_vae_export.errors import ExportError
from keras_vae_export.signatures import Signature, TensorSpec

FILE = "manifest.json"
SCHEMA_FILE = "manifest.schema.json"
_MAX_SIZE = 16 * 2**20  # A real one has some tens of kilobytes.
_FIX = "Pass a version directory that `keras-vae export` wrote."


def schema() -> dict[str, Any]:
    """Returns the JSON schema of `manifest.json` (draft 2020-12)."""
    path = pathlib.Path(__file__).with_name(SCHEMA_FILE)
    return json.loads(path.read_text(encoding="utf-8"))


def load(directory: pathlib.Path) -> dict[str, Any]:
    """Reads a version directory's manifest, checked.

    Args:
        directory: The version directory.

    Returns:
        What `manifest.json` holds. Its files need not be there, nor be what
        they were: `changes` tells.

    Raises:
        FileNotFoundError: if there is no manifest.
        ExportError: if it is not as the schema says, or names a file outside
            of the directory.
    """
    path = directory / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"`directory` must hold a {FILE}. Received: {str(directory)!r}, "
            f"which does not. {_FIX}"
        )
    content = _parsed(path)
    check_schema(path, content)
    for name in dict.fromkeys(_paths(content)):
        _check_place(path, directory, name)
        _check_listed(path, content, name)
    return content


def changes(directory: pathlib.Path, content: dict[str, Any]) -> list[str]:
    """Compares a directory's files with their hashes.

    Args:
        directory: The version directory.
        content: Its manifest, from `load`.

    Returns:
        A sentence for each file that is missing, is not what was written, or
        was not written at all; sorted by file.
    """
    known = content["files"]
    there = {
        path.relative_to(directory).as_posix(): path
        for path in directory.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    there.pop(FILE, None)
    found = []
    for name in sorted(known.keys() | there.keys()):
        if name not in there:
            found.append(f"`{name}` is missing.")
        elif name not in known:
            found.append(f"`{name}` was not exported: the manifest lacks it.")
        else:
            found += _change(name, there[name], known[name])
    return found


def signatures(content: dict[str, Any]) -> list[Signature]:
    """Returns the signatures that a manifest describes."""
    return [
        Signature(name, _specs(one["inputs"]), _specs(one["outputs"]))
        for name, one in content["signatures"].items()
    ]


def _parsed(path: pathlib.Path) -> Any:
    size = path.stat().st_size
    if size > _MAX_SIZE:
        raise ExportError(
            f"`{FILE}` must have at most {_MAX_SIZE} bytes. Received: "
            f"{str(path)!r} of {size} bytes. {_FIX}"
        )
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ExportError(
            f"`{FILE}` must be JSON. Received: {str(path)!r} ({error}). {_FIX}"
        ) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def check_schema(path: pathlib.Path, content: Any) -> None:
    """Raises unless a manifest is as its schema says.

    Args:
        path: The manifest's, for the message.
        content: What it holds.

    Raises:
        ExportError: if it is not.
    """
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema())
    error = jsonschema.exceptions.best_match(validator.iter_errors(content))
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "its top"
        reason = " ".join(error.message.split())[:300]
        raise ExportError(
            f"`{FILE}` must follow its schema ({SCHEMA_FILE} of "
            f"keras_vae_export). Received: {str(path)!r}, where at {place}: "
            f"{reason}. {_FIX}"
        )


def _paths(content: dict[str, Any]) -> Iterator[str]:
    """Yields every path that a manifest names."""
    yield from content["files"]
    for signature in content["signatures"].values():
        yield from signature["files"].values()
    parity = content["parity"]
    yield from (*parity["files"], *parity["batch_sizes"])
    yield parity["reference"]["file"]
    for variant in content.get("variants", {}).values():
        yield from (one["file"] for one in variant.values())


def _check_place(
    path: pathlib.Path, directory: pathlib.Path, name: str
) -> None:
    root = directory.resolve()
    if not (directory / name).resolve().is_relative_to(root):
        raise ExportError(
            f"`{FILE}` must name files of its own directory. Received: "
            f"{str(path)!r}, where {name!r} is a link that leads out of it. "
            f"Nothing was read there. {_FIX}"
        )


def _check_listed(
    path: pathlib.Path, content: dict[str, Any], name: str
) -> None:
    if name not in content["files"]:
        raise ExportError(
            f"`{FILE}` must give a hash for each file that it names. "
            f"Received: {str(path)!r}, where {name!r} has none. {_FIX}"
        )


def _change(
    name: str, path: pathlib.Path, expected: dict[str, Any]
) -> list[str]:
    if path.is_symlink() or not path.is_file():
        return [f"`{name}` is no plain file."]
    size = path.stat().st_size
    if size != expected["size"]:
        return [f"`{name}` has {size} bytes, not {expected['size']}."]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != expected["sha256"]:
        return [f"`{name}` has the SHA-256 {digest}, not {expected['sha256']}."]
    return []


def _specs(specs: list[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(spec["name"], spec["dtype"], tuple(spec["shape"]))
        for spec in specs
    )
