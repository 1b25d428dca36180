"""What is asked of the TensorFlow process, and what it answers."""

import dataclasses
import json
import pathlib
from typing import Any

REQUEST_FILE = "request.json"
ANSWER_FILE = "answer.json"


@dataclasses.dataclass(frozen=True)
class Request:
    """The writing of one model.

    Attributes:
        model: The `.keras` file.
        reference: The `.npz` file of a `Reference`.
        directory: An existing directory, to write to.
        formats: The formats to write.
        signatures: The signatures to write, by name.
        imports: Modules to import before the model is loaded.
    """

    model: str
    reference: str
    directory: str
    formats: tuple[str, ...]
    signatures: tuple[str, ...]
    imports: tuple[str, ...] = ()

    def save(self, folder: pathlib.Path) -> None:
        """Writes it to a folder as JSON."""
        _write(folder / REQUEST_FILE, dataclasses.asdict(self))

    @classmethod
    def load(cls, folder: pathlib.Path) -> "Request":
        """Reads what `save` wrote."""
        fields = json.loads((folder / REQUEST_FILE).read_text("utf-8"))
        lists = ("formats", "signatures", "imports")
        return cls(**{**fields, **{name: (*fields[name],) for name in lists}})


@dataclasses.dataclass(frozen=True)
class Report:
    """What was measured of the files that were written.

    Attributes:
        model_difference: max |x - x_live| of the model that was loaded back.
        differences: By file: by runtime, the largest max |x - x_reference|.
        batch_sizes: By file, the sizes of batches that it was proved with.
        versions: By library, the version that wrote or proved the files.
    """

    model_difference: float
    differences: dict[str, dict[str, float]]
    batch_sizes: dict[str, list[int]]
    versions: dict[str, str]


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


def save_answer(folder: pathlib.Path, answer: Report | Failure) -> None:
    """Writes an answer to a folder as JSON."""
    kind = type(answer).__name__
    _write(folder / ANSWER_FILE, {kind: dataclasses.asdict(answer)})


def load_answer(folder: pathlib.Path) -> Report | Failure | None:
    """Reads what `save_answer` wrote, or `None` if it wrote nothing."""
    path = folder / ANSWER_FILE
    if not path.exists():
        return None
    answer = json.loads(path.read_text("utf-8"))
    if "Report" in answer:
        return Report(**answer["Report"])
    return Failure(**answer["Failure"])


def _write(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes JSON so that the file, once there, is whole."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    partial.replace(path)
