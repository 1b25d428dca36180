"""What a run directory tells of its model: settings, epochs, evaluations."""

import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_vae import VAE
from keras_vae_export.source import MODEL_FILE

_CONFIG, _EPOCHS = "config.json", "metrics.jsonl"
_EVALUATIONS = "evaluations.jsonl"
_MOST_LINES_NAMED = 5

Record = dict[str, Any]


class RunRecords(NamedTuple):
    """What the files of a run directory hold, as far as they can be read."""

    config: Record | None = None  # what `train` was asked to do
    epochs: tuple[Record, ...] = ()  # the training's figures
    evaluations: tuple[Record, ...] = ()  # figures of this very model
    num_others: int = 0  # evaluations of another model.keras, left out
    problems: tuple[str, ...] = ()  # what could not be read, in sentences
    model_sha256: str | None = None  # of model.keras


def read(source: VAE | pathlib.Path) -> RunRecords:
    """Reads the files beside a run's `model.keras`.

    Files that are missing, or that something else than `keras-vae train`
    wrote, are none; files that are spoilt are problems.

    Args:
        source: What is exported: a VAE and a file outside of a run directory
            have no records.
    """
    if isinstance(source, VAE) or source.name != MODEL_FILE:
        return RunRecords()
    folder, problems = source.parent, list[str]()
    config = _object(folder / _CONFIG, problems)
    if config is not None and not {"dataset", "splits"} <= set(config):
        config = None
    epochs = _objects(folder / _EPOCHS, problems)
    measured = _objects(folder / _EVALUATIONS, problems)
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    own = [one for one in measured if one.get("model_sha256") == digest]
    return RunRecords(
        config=config,
        epochs=tuple(one for one in epochs if "epoch" in one),
        evaluations=tuple(_distinct(own)),
        num_others=len(measured) - len(own),
        problems=tuple(problems),
        model_sha256=digest,
    )


def _distinct(evaluations: Sequence[Record]) -> list[Record]:
    """Keeps the last of those that measured the same.

    One without log p(x) gives way to one that also has it.
    """
    measured = ("split", "limit", "num_examples", "seed", "kind")
    last: dict[str, dict[str, Record]] = {}
    for one in evaluations:
        key = json.dumps([one.get(name) for name in measured])
        samples = json.dumps(one.get("importance_samples"))
        group = last.setdefault(key, {})
        group.pop(samples, None)
        group[samples] = one
        if len(group) > 1:
            group.pop("null", None)
    return [one for group in last.values() for one in group.values()]


def _object(path: pathlib.Path, problems: list[str]) -> Record | None:
    """Reads a JSON object."""
    text = _text(path, problems)
    if text is None:
        return None
    found = _parsed(text)
    if found is None:
        problems.append(f"{path.name} is no JSON object and was left out.")
    return found


def _objects(path: pathlib.Path, problems: list[str]) -> list[Record]:
    """Reads JSON objects, one a line."""
    text = _text(path, problems) or ""
    found, spoilt = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            one = _parsed(line)
            if one is None:
                spoilt.append(str(number))
            else:
                found.append(one)
    if spoilt:
        named = ", ".join(spoilt[:_MOST_LINES_NAMED])
        more = " and more" if len(spoilt) > _MOST_LINES_NAMED else ""
        problems.append(
            f"{path.name} has lines that are no JSON objects and were left "
            f"out: {named}{more}."
        )
    return found


def _text(path: pathlib.Path, problems: list[str]) -> str | None:
    """Reads a file, or returns `None` if it is missing or unreadable."""
    try:
        # What is no file, as a named pipe, might never end.
        if path.is_file():
            return path.read_text(encoding="utf-8")
        if path.exists():
            problems.append(f"{path.name} is no file and was left out.")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        problems.append(f"{path.name} could not be read: {reason}.")
    return None


def _parsed(text: str) -> Record | None:
    """Returns a JSON object; `None` for all else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
