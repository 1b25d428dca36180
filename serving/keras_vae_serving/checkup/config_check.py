"""Checks a `models.config` against the directories that it names."""

import os
import pathlib
from collections.abc import Sequence

from keras_vae_serving.checkup.report import ModelReport, Report
from keras_vae_serving.model_server import ModelConfig
from keras_vae_serving.status import ServingError
from keras_vae_serving.store import models_config, versions


def check(report: Report, path: pathlib.Path) -> None:
    """Checks a `models.config`, and writes what it finds to the report.

    A `base_path` that is not there, because it is a container's, stands for
    the directory of the same name among those that were checked.

    Args:
        report: Of the directories.
        path: The file.
    """
    try:
        configs = models_config.read(path)
    except ServingError as error:
        report.problems.append(str(error))
        return
    if not configs:
        report.problems.append(
            f"{path}: it names no model. Write a `config` for each."
        )
    for config in configs:
        _check_model(report, f"{path}, model {config.name}", config)
    _tell_of_unnamed(report, path, configs)


def _check_model(report: Report, place: str, config: ModelConfig) -> None:
    model = _model_of(report, config)
    if model is None:
        found = ", ".join(str(one.path) for one in report.models) or "none"
        report.problems.append(
            f"{place}: `base_path` must be a directory, here or in the "
            f"container. Received: {config.base_path!r}, and nothing of that "
            f"name is among the models: {found}."
        )
        return
    # Where a base path holds no numbers, both servers find nothing.
    there = [one.version for one in model.versions if one.version is not None]
    served = versions.wanted(config.policy, there, failed=())
    if not served:
        report.problems.append(
            f"{place}: none of its versions would be served. There "
            f"{_are(there)}; the version policy asks for "
            f"{list(config.policy.specific) or 'any'}."
        )
    for number in {*config.policy.specific}.difference(there):
        report.notes.append(
            f"{place}: version {number}, which the version policy names, is "
            "not there yet."
        )
    for label, number in config.labels.items():
        if number not in served:
            report.notes.append(
                f"{place}: the label {label!r} stands for version {number}, "
                "which would not be served: requests with it are answered "
                "404. TensorFlow Serving takes it only with "
                "`--allow_version_labels_for_unavailable_models`."
            )


def _model_of(report: Report, config: ModelConfig) -> ModelReport | None:
    base = os.path.normpath(config.base_path)
    by_path = {os.path.normpath(one.path): one for one in report.models}
    by_name = {one.path.name: one for one in report.models}
    return by_path.get(base) or by_name.get(os.path.basename(base))


def _tell_of_unnamed(
    report: Report, path: pathlib.Path, configs: Sequence[ModelConfig]
) -> None:
    named = [_model_of(report, config) for config in configs]
    for model in report.models:
        if not any(model is one for one in named):
            report.notes.append(
                f"{path}: it does not name {model.name}, which would not be "
                "served."
            )


def _are(numbers: Sequence[int]) -> str:
    if not numbers:
        return "are none"
    return f"are {', '.join(map(str, sorted(numbers)))}"
