"""Directories that appear under their final name whole, or not at all."""

import contextlib
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterable, Iterator

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


def check_free(final: pathlib.Path, *, late: bool = False) -> None:
    """Raises if something stands at a path.

    Args:
        final: The path.
        late: Whether nothing stood there when the export began.

    Raises:
        FileExistsError: if something does, be it only a broken link.
    """
    if os.path.lexists(final):
        problem = "which exists"
        if late:
            problem = "which came while this export was made, as by another one"
        raise FileExistsError(
            "An export must have a path of its own. Received: "
            f"{str(final)!r}, {problem}; nothing was overwritten. {_CHOOSE}"
        )


@contextlib.contextmanager
def hidden_sibling(final: pathlib.Path) -> Iterator[pathlib.Path]:
    """Makes a hidden directory beside `final`, on the same file system.

    It is gone when the block ends; so are, if nothing stands at `final` by
    then, the directories above it that had to be made. Only who is killed
    leaves it. A later export does not remove it: on NFS and on buckets that
    are mounted, no lock tells whether its writer is dead or in another
    machine. It may be deleted when no export runs; its name is no version's.

    Raises:
        OSError: if it cannot be made, or what the block writes cannot be
            written, of the same kind as the cause.
    """
    made: list[pathlib.Path] = []
    hidden = final.parent / f".{final.name}.tmp-{secrets.token_hex(4)}"
    try:
        _make_directories(hidden, final, made)
        yield hidden
    except OSError as error:
        if error.errno is None:  # It says what was wrong in words.
            raise
        raise type(error)(
            f"The export to {str(final)!r} could not be written: {error}. "
            "Nothing of it is left. Make room or change permissions there, or "
            "pass another path."
        ) from error
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
    check_free(final, late=True)
    _flush(source)
    move = os.rename if source.is_dir() else _move_file
    try:
        move(source, final)
    except OSError:
        # A directory that holds something is not replaced by a rename.
        check_free(final, late=True)
        raise
    with contextlib.suppress(OSError):
        _flush_one(final.parent)


def publish_all(
    moves: Iterable[tuple[pathlib.Path, pathlib.Path]],
) -> None:
    """Moves files to their final names: all of them, or none.

    Args:
        moves: Of each file, where it is and where it goes. The last should
            be the one that users name: when it is there, all are.

    Raises:
        FileExistsError: if something stands in the place of one.
    """
    done = []
    try:
        for source, final in moves:
            publish(source, final)
            done.append(final)
    except BaseException:
        for final in done:
            final.unlink()
        raise


def _move_file(source: pathlib.Path, final: pathlib.Path) -> None:
    """Moves a file; where links are supported, never over another one."""
    try:
        os.link(source, final)
    except FileExistsError:
        raise
    except OSError:
        check_free(final, late=True)
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
