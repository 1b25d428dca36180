"""Builders of TensorFlow Datasets (TFDS): which one, and where its data lie."""

import contextlib
import difflib
import importlib
import io
import logging
import os
import pathlib
import re
import sys
from types import ModuleType
from typing import Any

from keras_vae.validation import require

# Made from what scikit-learn ships: where their builders stand.
GENERATED = {
    "digits": "keras_vae.datasets.digits_builder",
    "patches": "keras_vae.datasets.patches_builder",
}

_LOGGER = logging.getLogger("keras_vae.datasets")
# A name of TFDS, its configuration and its version. Namespaces are left out:
# TFDS runs code that it downloads for them.
_NAME = re.compile(r"^(?P<name>[A-Za-z]\w*)(/[^:]+)?(:[\d.*]+)?$")


def find(tfds: ModuleType, name: str, data_dir: str | None) -> Any:
    """Returns the builder of a dataset; downloads nothing.

    Raises:
        ValueError: if TFDS and `data_dir` have no such dataset.
    """
    match = _NAME.match(name)
    if match is None:
        raise unknown(name, tfds.list_builders(with_community_datasets=False))
    if match["name"] in GENERATED:
        importlib.import_module(GENERATED[match["name"]])
        data_dir = generated_dir(match["name"], data_dir)
    known = tfds.list_builders(with_community_datasets=False)
    try:
        return tfds.builder(name, data_dir=data_dir)
    except (AssertionError, ValueError) as error:
        if match["name"] not in known:
            raise unknown(name, known) from None
        reason = str(error).splitlines()[0]
        raise ValueError(
            "`name` must name a version and a configuration that TensorFlow "
            f"Datasets has. Received: name={name!r} ({reason}). "
            f'Pass e.g. `load("{match["name"]}", "train")`.'
        ) from error


def prepare(tfds: ModuleType, builder: Any) -> Any:
    """Returns the builder with its data in place: read, made or downloaded.

    Raises:
        ValueError: if the data are missing and may not be written.
    """
    if _is_prepared(builder):
        return builder
    depth = builder.info.full_name.count("/")
    root = str(builder.data_path.parents[depth])
    require(
        is_writable(root),
        f"`data_dir` must hold {builder.name!r} or be a folder that can be "
        f"written to. Received: data_dir={root!r}. "
        'Pass e.g. `data_dir="~/tensorflow_datasets"` or set TFDS_DATA_DIR.',
    )
    _LOGGER.info("Preparing %s in %s", builder.info.full_name, root)
    is_generated = builder.name in GENERATED
    # TFDS prints to the standard output, which belongs to our caller.
    stream = io.StringIO() if is_generated else sys.stderr
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(stream))
        if is_generated:
            stack.enter_context(contextlib.redirect_stderr(stream))
        try:
            builder.download_and_prepare()
        except OSError:
            # Another process may have been first to put it there.
            if not _is_prepared(builder):
                raise
            return tfds.builder(builder.info.full_name, data_dir=root)
    return builder


def generated_dir(name: str, data_dir: str | None) -> str:
    """Returns the folder to read `digits` from, say, or to generate it in.

    That is `data_dir`, or TFDS's default, where it holds the dataset or can
    be written to; else a folder in the user's cache, and a warning is logged.

    Args:
        name: A dataset of `GENERATED`.
        data_dir: Where the user wants it, if anywhere.
    """
    given = data_dir or "~/tensorflow_datasets"
    first = pathlib.Path(given).expanduser()
    is_there = any(first.glob(f"{name}/*/dataset_info.json"))
    if "://" in given or is_there or is_writable(first):
        return given if "://" in given else str(first)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    second = pathlib.Path(cache).expanduser() / "keras_vae" / "datasets"
    _LOGGER.warning(
        "%s does not hold `%s` and cannot be written to; using %s.",
        first,
        name,
        second,
    )
    return str(second)


def is_writable(path: str | os.PathLike[str]) -> bool:
    """Whether a folder, or the nearest one above it, can be written to.

    A folder without any write permission counts as read-only for the
    superuser too, whom the system would let write.
    """
    if "://" in str(path):  # Object storage: only trying will tell.
        return True
    folder = pathlib.Path(path).expanduser().absolute()
    while not folder.exists():
        folder = folder.parent
    has_permission = bool(folder.stat().st_mode & 0o222)
    return has_permission and os.access(folder, os.W_OK)


def unknown(name: str, known: list[str]) -> ValueError:
    """Returns the error for a dataset that does not exist."""
    known = sorted({*known, *GENERATED})
    head = re.split("[:/]", name)[0]
    close = difflib.get_close_matches(head, known, n=3)
    message = (
        "`name` must be `digits`, `patches`, a dataset of TensorFlow Datasets "
        "such as `mnist`, or the path of an existing folder of images or "
        f"`.npz` file. Received: name={name!r}."
    )
    if close:
        message += f" Did you mean {' or '.join(map(repr, close))}?"
    if pathlib.Path(name).is_dir():
        message += f' To read the folder, pass "./{name}".'
    return ValueError(f'{message} Pass e.g. `load("digits", "train")`.')


def _is_prepared(builder: Any) -> bool:
    return bool((builder.data_path / "dataset_info.json").exists())
