"""Directories that appear under their final name whole, or not at all."""

import contextlib
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterator

_CHOOSE = "Choose another one, or move it away yourself."


def next_version(model_directory: pathlib.Path) -> int:
    """Returns 1 + the largest version in a model's directory."""
    return 1 + max(_versions(model_directory), default=0)


def check_new_version(model_directory: pathlib.Path, version: int) -> None:
    """Raises if a model's directory holds a version.

    Raises:
        FileExistsError: if it does.
    """
    if version in _versions(model_directory):
        raise FileExistsError(
            f"`version` must be new. Received: version={version}, which "
            f"stands in {str(model_directory)!r}; nothing was overwritten. "
            f"Pass `version={next_version(model_directory)}`, or leave "
            "`version` out."
        )


def _versions(model_directory: pathlib.Path) -> set[int]:
    """Returns the versions as TensorFlow Serving reads them: "007" is 7."""
    if not model_directory.is_dir():
        return set()
    names = (path.name for path in model_directory.iterdir())
    return {int(name) for name in names if name.isascii() and name.isdigit()}


def check_free(final: pathlib.Path) -> None:
    """Raises if something stands at a path.

    Raises:
        FileExistsError: if it does, be it only a broken link.
    """
    if os.path.lexists(final):
        raise FileExistsError(
            "An export must have a path of its own. Received: "
            f"{str(final)!r}, which exists; nothing was overwritten. {_CHOOSE}"
        )


@contextlib.contextmanager
def hidden_sibling(final: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes a hidden directory beside `final`, on the same file system.

    It is gone when the block ends; so are, if nothing stands at `final` by
    then, the directories above it that had to be made.

    Raises:
        OSError: if it cannot be made, of the same kind as the cause.
    """
    made: list[pathlib.Path] = []
    hidden = final.parent / f".{final.name}.tmp-{secrets.token_hex(4)}"
    try:
        _make_directories(hidden, final, made)
        yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        if not os.path.lexists(final):
            _remove_empty(made)


def _make_directories(
    hidden: pathlib.Path, final: pathlib.Path, made: list[pathlib.Path]
) -> None:
    """Makes `hidden` and its parents, noting the latter in `made`."""
    try:
        for parent in reversed(hidden.parents):
            if not parent.is_dir():
                parent.mkdir(exist_ok=True)
                made.append(parent)
        hidden.mkdir()
    except OSError as error:
        raise type(error)(
            "An export must go where directories can be made. Received: "
            f"{str(final)!r} ({error.strerror or error}). Pass a path in a "
            "directory that you can write to."
        ) from error


def _remove_empty(directories: list[pathlib.Path]) -> None:
    for directory in reversed(directories):
        with contextlib.suppress(OSError):
            directory.rmdir()


def publish(source: pathlib.Path, final: pathlib.Path) -> None:
    """Moves a file or directory to its final name in one step.

    What stands there is never replaced, also if it came in the meantime.

    Raises:
        FileExistsError: if something stands at `final`.
    """
    check_free(final)
    _flush(source)
    move = os.rename if source.is_dir() else _move_file
    try:
        move(source, final)
    except OSError:
        # A directory that holds something is not replaced by a rename.
        check_free(final)
        raise
    with contextlib.suppress(OSError):
        _flush_one(final.parent)


def _move_file(source: pathlib.Path, final: pathlib.Path) -> None:
    """Moves a file; where links are supported, never over another one."""
    try:
        os.link(source, final)
    except FileExistsError:
        raise
    except OSError:
        check_free(final)
        os.rename(source, final)
    else:
        source.unlink()


def _flush(path: pathlib.Path) -> None:
    """Writes a tree through to the disk, so that a power cut finds it whole."""
    if path.is_dir():
        for child in path.iterdir():
            _flush(child)
    _flush_one(path)


def _flush_one(path: pathlib.Path) -> None:
    if path.is_dir() and os.name != "posix":
        return
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
