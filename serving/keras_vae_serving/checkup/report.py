"""What a checkup found."""

import dataclasses
import math
import pathlib
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass
class VersionReport:
    """One version of a model.

    Attributes:
        version: Its number, `None` where the directory's name is none.
        path: Its directory.
        here: The signatures that ran in this server.
        tensorflow: The signatures that ran in TensorFlow; `None` where
            TensorFlow was not asked.
        max_difference: The largest difference between what was computed in
            both, or from the reference of the export; in relation to an
            output's largest value where that is above 1. `None` where
            nothing was compared.
        problems: Sentences that say why it would not load or run.
        notes: Sentences that are worth reading.
    """

    version: int | None
    path: pathlib.Path
    here: list[str] = dataclasses.field(default_factory=list)
    tensorflow: list[str] | None = None
    max_difference: float | None = None
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def differs_by(self, difference: float) -> None:
        """Keeps the largest difference."""
        self.max_difference = max(self.max_difference or 0.0, difference)


@dataclasses.dataclass
class ModelReport:
    """One model: its directory, and its versions."""

    name: str
    path: pathlib.Path
    versions: list[VersionReport] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Report:
    """A whole checkup.

    Attributes:
        directory: What was checked.
        packages: By name, the version of what ran the models; `None` for
            one that is not installed.
        models: In the alphabet's order.
        problems: Those of no one model.
        notes: Those of no one model.
    """

    directory: pathlib.Path
    packages: dict[str, str | None]
    models: list[ModelReport] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    def all_problems(self) -> list[str]:
        """Returns every problem, with the model and version it is of."""
        return list(self._all("problems"))

    def all_notes(self) -> list[str]:
        """Returns every note, with the model and version it is of."""
        return list(self._all("notes"))

    def _all(self, kind: str) -> Iterator[str]:
        yield from getattr(self, kind)
        for model in self.models:
            for text in getattr(model, kind):
                yield f"{model.name}: {text}"
            for one in model.versions:
                label = one.path.name if one.version is None else one.version
                for text in getattr(one, kind):
                    yield f"{model.name}/{label}: {text}"

    def to_json(self) -> dict[str, Any]:
        """Returns all of it, ready for JSON."""
        found = _plain(dataclasses.asdict(self))
        found["problems"] = self.all_problems()
        found["notes"] = self.all_notes()
        return {"ok": not found["problems"], **found}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number.
    return str(value) if isinstance(value, pathlib.Path) else value
