"""Finds the models and versions of a directory, and names that fit neither."""

import os
import pathlib
import re

from keras_vae_serving.checkup.report import ModelReport, VersionReport
from keras_vae_serving.store import versions

SAVED_MODEL = "saved_model.pb"
# What `keras-vae export` writes to, until it is whole.
_LEFTOVER = re.compile(r"\.(.+)\.tmp-[0-9a-f]+")


def find(directory: pathlib.Path) -> list[ModelReport]:
    """Finds the models below a directory.

    Args:
        directory: A directory of models, of one model's versions, or of one
            version.

    Returns:
        A report for each model that says what is there; its versions have
        not been looked into. None where nothing is there.

    Raises:
        OSError: if a directory cannot be read.
    """
    # Its name tells the model's, or the version's.
    directory = pathlib.Path(os.path.abspath(directory))
    if is_version(directory):
        return [_of_one_version(directory)]
    children = _children(directory)
    if any(is_version(one) or _number(one) is not None for one in children):
        return [_model(directory)]
    return [_model(one) for one in children if not _is_hidden(one)]


def is_version(path: pathlib.Path) -> bool:
    """Whether a directory holds what one of the two servers loads."""
    has_model = (path / SAVED_MODEL).is_file()
    return has_model or versions.is_version_directory(path)


def _of_one_version(path: pathlib.Path) -> ModelReport:
    number = _number(path)
    report = VersionReport(number, path)
    if number is not None:
        return ModelReport(path.parent.name, path.parent, [report])
    report.notes.append(
        "TensorFlow Serving skips directories whose names are not numbers. "
        f"To serve this one there, name it e.g. {path.name}/1."
    )
    return ModelReport(path.name, path, [report])


def _model(path: pathlib.Path) -> ModelReport:
    report = ModelReport(path.name, path)
    names: dict[int, str] = {}
    for child in _children(path):
        number = _number(child)
        if number is None:
            _tell_of_other(report, child)
            continue
        if number in names:
            report.problems.append(
                f"`{names[number]}` and `{child.name}` are both version "
                f"{number}. Rename or move one of them."
            )
        names[number] = child.name
        report.versions.append(VersionReport(number, child))
    report.versions.sort(key=lambda one: one.version or 0, reverse=True)
    if not report.versions:
        report.problems.append(
            f"{str(path)!r} holds no version: a directory whose name is a "
            f"number. Write one with `keras-vae export RUN --name {path.name} "
            f"--out {path.parent}`."
        )
    return report


def _tell_of_other(report: ModelReport, child: pathlib.Path) -> None:
    """Tells of a directory that is no version by its name."""
    leftover = _LEFTOVER.fullmatch(child.name)
    if leftover:
        report.notes.append(
            f"`{child.name}` is left over from an export of version "
            f"{leftover.group(1)} that was cut off, unless one is running. "
            "Both servers skip it; delete it."
        )
        return
    skipped = (
        f"Both servers skip `{child.name}`: the name of a version must be a "
        "number."
    )
    if _is_hidden(child) or not _means_a_version(child):
        report.notes.append(skipped)
        return
    digits = re.sub(r"\D", "", child.name) or "1"
    report.problems.append(
        f"{skipped} If it is whole, rename it, e.g. to `{digits}`."
    )


def _means_a_version(path: pathlib.Path) -> bool:
    return is_version(path) or re.search(r"\d", path.name) is not None


def _children(path: pathlib.Path) -> list[pathlib.Path]:
    return sorted(child for child in path.iterdir() if child.is_dir())


def _number(path: pathlib.Path) -> int | None:
    return versions.parse_version(path.name)


def _is_hidden(path: pathlib.Path) -> bool:
    return path.name.startswith(".")
