"""Reads files of a version directory, and never one outside of it."""

import os
import pathlib
import re
import stat
from typing import BinaryIO

from keras_vae_serving.status import Code, ServingError, invalid

_MAX_PATH = 1000
# Backslashes and colons lead elsewhere on Windows.
_FORBIDDEN = re.compile(r"[\\:\x00-\x1f]")
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # A pipe would keep us waiting.
_BINARY = getattr(os, "O_BINARY", 0)
_FIX = "Serve a directory that `keras-vae export` wrote."


def is_inside(path: str) -> bool:
    """Whether a path's name stays in the directory that it is relative to."""
    parts = path.split("/")
    return (
        0 < len(path) <= _MAX_PATH
        and not _FORBIDDEN.search(path)
        and not any(part in ("", ".", "..") for part in parts)
    )


def open_file(directory: pathlib.Path, path: str) -> BinaryIO:
    """Opens a plain file for reading.

    Args:
        directory: The version directory.
        path: The file's, relative to it, for which `is_inside` holds.

    Raises:
        ServingError: NOT_FOUND if there is none; INVALID_ARGUMENT if it is
            a link out of the directory or no plain file.
    """
    place = directory / path
    try:
        root, target = os.path.realpath(directory), os.path.realpath(place)
        if not pathlib.Path(target).is_relative_to(root):
            raise invalid(
                "A version directory must hold its own files. Received: "
                f"{str(place)!r}, a link that leads out of it. Nothing was "
                f"read there. {_FIX}"
            )
        descriptor = os.open(target, os.O_RDONLY | _NONBLOCK | _BINARY)
    except OSError as error:
        raise ServingError(
            Code.NOT_FOUND,
            f"A version directory must hold `{path}`. Received: "
            f"{str(directory)!r}, where it cannot be opened "
            f"({error.strerror}). {_FIX}",
        ) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise invalid(
            f"`{path}` must be a plain file. Received: {str(place)!r}, which "
            f"is none. {_FIX}"
        )
    return open(descriptor, "rb")
