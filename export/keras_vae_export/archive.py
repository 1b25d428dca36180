"""Checks a `.keras` file before Keras reads it: it may come from anyone.

Keras 3.15 runs no code that stands in a file. But it leaves out the entries
of an archive that lead elsewhere without an error, gives memory to whatever
size an entry declares, imports some packages that a file names, and may call
any function of its own.
"""

import contextlib
import pathlib
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from keras_vae.validation import require
from keras_vae_export import archive_config, archive_weights

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.weights.h5"
# Keras stores three entries, and one for each file of a layer's own.
_MAX_ENTRIES = 10_000
# A layer takes about 1 KB; JSON in memory takes ten times as much.
_MAX_CONFIG_SIZE = 2**26
# Keras does not compress. What other tools compress shrinks by half, or, if
# it is text, twentyfold; only an archive above the first size is questioned.
_QUESTIONED_SIZE = 2**26
_MAX_EXPANSION = 100
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_CHUNK = 2**20
_FIX = "Take a file that `model.save` wrote."
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def check(path: pathlib.Path, *, compiled: bool = False) -> None:
    """Raises unless a file may be given to Keras to load.

    Nothing of it is run, imported or written under a name of its own.

    Args:
        path: The `.keras` file.
        compiled: Whether it is to be loaded with its optimizer and metrics.

    Raises:
        ValueError: if it is no archive as Keras writes them, or if reading
            it would lead out of it.
        OSError: if it cannot be read.
    """
    with _unreadable_as_error(), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        _check_entries(entries, path.stat().st_size)
        config = _read(archive, CONFIG_FILE)
        archive_config.check(config, compiled=compiled)
        with tempfile.TemporaryFile() as weights:
            _copy(archive, WEIGHTS_FILE, weights)
            archive_weights.check(weights)


@contextlib.contextmanager
def _unreadable_as_error() -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise ValueError(
            "A `.keras` file must be a zip archive that is whole. Received: "
            f"one that cannot be read ({error}). {_FIX}"
        ) from error


def _check_entries(entries: list[zipfile.ZipInfo], file_size: int) -> None:
    """Checks the archive's list of entries; none is read yet."""
    names = [entry.filename for entry in entries]
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        require(
            names.count(name) == 1,
            f"A `.keras` file must hold one {name}. Received: "
            f"{names.count(name)} of that name. {_FIX}",
        )
    require(
        len(names) <= _MAX_ENTRIES and len(set(names)) == len(names),
        f"A `.keras` file must hold at most {_MAX_ENTRIES} entries, each of "
        f"its own name. Received: {len(names)} entries of {len(set(names))} "
        f"names. {_FIX}",
    )
    for entry in entries:
        _check_entry(entry)
    size = sum(entry.file_size for entry in entries)
    _check_size("the archive", size, file_size)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename
    require(
        _is_inside(name),
        "The entries of a `.keras` file must lie within it. Received: an "
        f"entry that is named {name!r}. {_FIX}",
    )
    kind = stat.S_IFMT(entry.external_attr >> 16)
    require(
        kind in (0, stat.S_IFREG, stat.S_IFDIR),
        "The entries of a `.keras` file must be plain files. Received: "
        f"{name!r}, a link or a device. {_FIX}",
    )
    require(
        entry.compress_type in _METHODS and not entry.flag_bits & _ENCRYPTED,
        "The entries of a `.keras` file must be stored or deflated. "
        f"Received: {name!r}, of method {entry.compress_type} or encrypted. "
        f"{_FIX}",
    )
    _check_size(repr(name), entry.file_size, entry.compress_size)
    require(
        name != CONFIG_FILE or entry.file_size <= _MAX_CONFIG_SIZE,
        f"{CONFIG_FILE} must have at most {_MAX_CONFIG_SIZE} bytes. Received: "
        f"{entry.file_size} bytes. {_FIX}",
    )


def _is_inside(name: str) -> bool:
    """Whether a name stays in the folder that it is unpacked to."""
    parts = re.split(r"[/\\]", name)
    return parts[0] != "" and ".." not in parts and ":" not in name


def _check_size(what: str, size: int, stored: int) -> None:
    require(
        size <= max(_QUESTIONED_SIZE, _MAX_EXPANSION * stored),
        f"What a `.keras` file holds must be of the size that its bytes can "
        f"give. Received: {what}, of {stored} bytes that unpack to {size}. "
        f"{_FIX}",
    )


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    with tempfile.TemporaryFile() as file:
        _copy(archive, name, file)
        return file.read()


def _copy(archive: zipfile.ZipFile, name: str, target: IO[bytes]) -> None:
    """Unpacks an entry in pieces: its bytes may be more than it declares."""
    with archive.open(name) as source:
        while piece := source.read(_CHUNK):
            target.write(piece)
    target.seek(0)
