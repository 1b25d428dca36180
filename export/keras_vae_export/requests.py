"""What is asked of the TensorFlow process, and what it answers."""

import dataclasses
import json
import pathlib
from typing import Any

from keras_vae_export.variants import MAX_DIFFERENCE

REQUEST_FILE = "request.json"
ANSWER_FILE = "answer.json"


@dataclasses.dataclass(frozen=True)
class Request:
    """The writing of one model.

    Attributes:
        name: The name that the model is served under.
        model: The `.keras` file.
        reference: The `.npz` file of a `Reference`; what the files are
            compared with takes its place.
        directory: An existing directory, to write to.
        formats: The formats to write.
        signatures: The signatures to write, by name.
        imports: Modules to import before the model is loaded.
        variants: The variants of the ONNX files to write beside them.
        max_difference: The largest difference of a variant that passes.
    """

    name: str
    model: str
    reference: str
    directory: str
    formats: tuple[str, ...]
    signatures: tuple[str, ...]
    imports: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    max_difference: float = MAX_DIFFERENCE


@dataclasses.dataclass(frozen=True)
class CheckRequest:
    """The check of a version directory.

    Attributes:
        directory: A version directory whose files have their hashes.
    """

    directory: str


@dataclasses.dataclass(frozen=True)
class Report:
    """What was measured of the files that were written.

    Attributes:
        model_difference: max |x - x_live| of the model that was loaded back.
        differences: By file: by runtime, the largest max |x - x_reference|.
        batch_sizes: By file, the sizes of batches that it was proved with.
        png_levels: The largest difference of a PNG's grey levels, if the
            model draws any.
        versions: By library, the version that wrote or proved the files.
        variants: By variant and signature, what was measured of its file.
    """

    model_difference: float
    differences: dict[str, dict[str, float]]
    batch_sizes: dict[str, list[int]]
    versions: dict[str, str]
    png_levels: int | None = None
    variants: dict[str, dict[str, Any]] = dataclasses.field(
        default_factory=dict
    )


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What was measured of a version directory.

    Attributes:
        problems: A sentence for each file that does not repeat the reference.
        differences: As in `Report`.
        png_levels: As in `Report`.
    """

    problems: list[str]
    differences: dict[str, dict[str, float]]
    png_levels: int | None


@dataclasses.dataclass(frozen=True)
class Failure:
    """An error of the TensorFlow process.

    Attributes:
        kind: Name of the exception's class.
        message: Its message.
        traceback: The whole of it.
    """

    kind: str
    message: str
    traceback: str


Answer = Report | CheckReport | Failure
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Request, CheckRequest, Report, CheckReport, Failure)
}


def save_request(folder: pathlib.Path, request: Request | CheckRequest) -> None:
    """Writes a request to a folder as JSON."""
    _write(folder / REQUEST_FILE, request)


def load_request(folder: pathlib.Path) -> Request | CheckRequest:
    """Reads what `save_request` wrote."""
    return _read(folder / REQUEST_FILE)


def save_answer(folder: pathlib.Path, answer: Answer) -> None:
    """Writes an answer to a folder as JSON."""
    _write(folder / ANSWER_FILE, answer)


def load_answer(folder: pathlib.Path) -> Answer | None:
    """Reads what `save_answer` wrote, or `None` if it wrote nothing."""
    path = folder / ANSWER_FILE
    return _read(path) if path.exists() else None


def _write(path: pathlib.Path, message: Any) -> None:
    """Writes JSON so that the file, once there, is whole."""
    content = {type(message).__name__: dataclasses.asdict(message)}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)


def _read(path: pathlib.Path) -> Any:
    ((name, fields),) = json.loads(path.read_text("utf-8")).items()
    kind = _KINDS[name]
    types = {field.name: str(field.type) for field in dataclasses.fields(kind)}
    for key, value in fields.items():
        if types[key].startswith("tuple"):
            fields[key] = tuple(value)
    return kind(**fields)
