"""The versions of a model that lie on disk, and which of them to serve."""

import contextlib
import itertools
import os
import pathlib
import re
from collections.abc import Collection

from keras_vae_serving.model_server import VersionPolicy
from keras_vae_serving.store.manifest import FILE

_INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)[ \t\n\v\f\r]*", re.ASCII)
_MAX_DIGITS = 100  # Python refuses to read numbers of thousands of them.
_MAX_FILES = 200
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def parse_version(name: str) -> int | None:
    """Reads a directory's name as TensorFlow Serving does: "007" is 7.

    Returns:
        The version's number; `None` if the name is none.
    """
    match = _INTEGER.fullmatch(name)
    if match is None or len(name) > _MAX_DIGITS:
        return None
    number = int(match.group(1))
    return number if _SMALLEST <= number <= _LARGEST else None


def find(base_path: str | os.PathLike[str]) -> dict[int, pathlib.Path]:
    """Finds the version directories of a model.

    Args:
        base_path: The directory that they stand in. One that holds none,
            but is a version directory itself, is version 1.

    Returns:
        By number, the directory. Of two names for one number, such as "7"
        and "007", the last in the alphabet counts.

    Raises:
        OSError: if the directory cannot be read.
    """
    found = {}
    with os.scandir(base_path) as children:
        for child in sorted(children, key=lambda one: one.name):
            number = parse_version(child.name)
            if number is not None and child.is_dir():
                found[number] = pathlib.Path(child.path)
    if not found and is_version_directory(base_path):
        found[1] = pathlib.Path(base_path)
    return found


def is_version_directory(path: str | os.PathLike[str]) -> bool:
    """Whether a directory holds a manifest."""
    return os.path.isfile(os.path.join(path, FILE))


def wanted(
    policy: VersionPolicy, found: Collection[int], failed: Collection[int]
) -> list[int]:
    """Chooses the versions to serve, newest first.

    Args:
        policy: What was asked for.
        found: The versions on disk.
        failed: Those that could not be loaded. Under "latest" an older
            version stands in for each, until it can be.
    """
    newest_first = sorted(found, reverse=True)
    if policy.specific:
        return [one for one in newest_first if one in policy.specific]
    if policy.all:
        return newest_first
    chosen: list[int] = []
    good = 0
    for number in newest_first:
        if good == max(policy.latest, 1):
            break
        chosen.append(number)
        good += number not in failed
    return chosen


def fingerprint(directory: pathlib.Path) -> tuple[object, ...]:
    """Returns what changes when somebody copies or repairs a directory.

    It is never an error: what is missing has a fingerprint too.
    """
    paths = [directory, directory / FILE]
    with contextlib.suppress(OSError), os.scandir(directory / "onnx") as files:
        some = itertools.islice(files, _MAX_FILES)
        paths += sorted(pathlib.Path(one.path) for one in some)
    return tuple(_stat(path) for path in paths)


def _stat(path: pathlib.Path) -> tuple[object, ...]:
    try:
        found = path.stat()
    except OSError:
        return (path.name,)
    return (path.name, found.st_ino, found.st_size, found.st_mtime_ns)
