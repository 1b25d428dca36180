"""What a command says: figures on stdout, progress on stderr."""

import contextlib
import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TextIO

import rich.console


class Output:
    """A command's voice; a context that keeps stdout for its figures.

    What libraries print inside goes to stderr, so that `--json` leaves one
    JSON object on stdout and nothing else.

    Args:
        as_json: Boolean, whether `result` prints JSON; `say` is silent then.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.progress = rich.console.Console(
            stderr=True, highlight=False, emoji=False
        )
        self._stdout: TextIO = sys.stdout
        self._redirection = contextlib.ExitStack()

    def __enter__(self) -> "Output":
        self._stdout = sys.stdout
        self._redirection.enter_context(contextlib.redirect_stdout(sys.stderr))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._redirection.close()

    def note(self, text: str) -> None:
        """Prints a remark on stderr."""
        self.progress.print(text, markup=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """Prints a line for people on stdout, nothing under `--json`."""
        if not self.as_json:
            print(text, file=self._stdout, flush=True)

    def table(self, rows: Sequence[tuple[str, ...]]) -> None:
        """Prints rows in aligned columns, for people."""
        columns = itertools.zip_longest(*rows, fillvalue="")
        widths = [max(map(len, column)) for column in columns]
        for row in rows:
            cells = zip(row, widths, strict=False)
            line = "  ".join(f"{cell:{width}}" for cell, width in cells)
            self.say(f"  {line}".rstrip())

    def result(self, figures: Mapping[str, Any]) -> None:
        """Prints the command's figures as JSON, under `--json`."""
        if self.as_json:
            print(dump(figures, indent=2), file=self._stdout, flush=True)


def dump(value: Any, indent: int | None = None) -> str:
    """Returns strict JSON: a NaN or infinity becomes `null`."""
    return json.dumps(_strict(value), indent=indent, allow_nan=False)


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _strict(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
