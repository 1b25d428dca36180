"""`keras-vae doctor --serving DIR`: whether a directory would load."""

import json
import pathlib

from keras_vae_serving import backends, extras
from keras_vae_serving.backends import UsageError
from keras_vae_serving.checkup import config_check, layout, text, version_check
from keras_vae_serving.checkup.report import Report


def main(
    directory: pathlib.Path,
    models_config_file: pathlib.Path | None = None,
    as_json: bool = False,
) -> int:
    """Prints what the checkup found; returns 0 if all would load, else 1.

    Args:
        directory: A directory of models, of one model's versions, or of one
            version.
        models_config_file: A `models.config` to check against it.
        as_json: Print one JSON object.

    Raises:
        UsageError: if the directory is none.
    """
    report = collect(directory, models_config_file)
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        print(text.render(report))
    return 1 if report.all_problems() else 0


def collect(
    directory: pathlib.Path, models_config_file: pathlib.Path | None = None
) -> Report:
    """Checks every version below a directory.

    Raises:
        UsageError: if the directory is none.
    """
    if not directory.is_dir():
        raise UsageError(
            "`--serving` must be given a directory of models, of one model, "
            f"or of one version. Received: {str(directory)!r}. Write one with "
            "`keras-vae export RUN --out models`."
        )
    report = Report(directory, _packages())
    try:
        report.models = layout.find(directory)
    except OSError as error:
        report.problems.append(f"{error.filename!r}: {error.strerror}.")
    else:
        _check(report, models_config_file)
    return report


def _check(report: Report, models_config_file: pathlib.Path | None) -> None:
    if not report.models:
        report.problems.append(
            f"{str(report.directory)!r} holds no model. Write one with "
            f"`keras-vae export RUN --out {report.directory}`."
        )
    with_tensorflow = report.packages["tensorflow"] is not None
    for model in report.models:
        for version in model.versions:
            version_check.check(version, model.name, with_tensorflow)
    if models_config_file is not None:
        config_check.check(report, models_config_file)


def _packages() -> dict[str, str | None]:
    version = None
    if backends.is_installed("tensorflow"):
        names = extras.TENSORFLOW
        versions = [extras.installed_version(name) for name in names]
        version = next(filter(None, versions), "(unknown version)")
    onnxruntime = extras.installed_version("onnxruntime")
    return {"onnxruntime": onnxruntime, "tensorflow": version}
