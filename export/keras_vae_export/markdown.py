"""Values in Markdown: what others wrote stays text, whatever it holds."""

import math
import re
from collections.abc import Mapping
from typing import Any

NOT_RECORDED = "not recorded"
_MOST_CHARACTERS = 300
_LARGEST_IN_FULL = 1e6


class Markdown(str):
    """Text that is Markdown already, and nothing that others wrote."""


def code(value: Any) -> Markdown:
    """Returns a value as a code span, in which nothing has a meaning.

    Control characters and line ends become spaces, and long text is cut. Not
    for a cell of a table, which a `|` ends in code too.
    """
    text = _one_line(str(value))
    if not text:
        return Markdown("(empty)")
    runs = re.findall("`+", text)
    fence = "`" * (max(map(len, runs), default=0) + 1)
    # Without the spaces, backticks of the text would join the fence.
    margin = " " if runs else ""
    return Markdown(f"{fence}{margin}{text}{margin}{fence}")


def _one_line(text: str) -> str:
    printable = (char if char.isprintable() else " " for char in text)
    line = " ".join("".join(printable).split())
    if len(line) > _MOST_CHARACTERS:
        line = f"{line[:_MOST_CHARACTERS]}..."
    return line


def shown(value: Any) -> Markdown:
    """Returns any value as Markdown: text as code, `None` in words."""
    if isinstance(value, Markdown):
        return value
    if value is None:
        return Markdown(NOT_RECORDED)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Markdown(f"{value:g}" if isinstance(value, float) else value)
    return code(value)


def count(value: Any) -> Markdown | None:
    """Returns how many there are: `1,437`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Markdown(f"{value:,}")
    return None


def decimals(value: Any, digits: int = 3) -> Markdown | None:
    """Returns a figure with a number of decimals: `-20.251`."""
    number = _number(value)
    if number is None:
        return None
    form = "f" if abs(number) < _LARGEST_IN_FULL else "e"
    return Markdown(f"{number:.{digits}{form}}")


def _number(value: Any) -> float | None:
    """Returns a finite number, or `None`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def day(value: Any) -> Markdown | None:
    """Returns the day of a date as ISO 8601 writes it."""
    found = isinstance(value, str) and re.match(
        r"[0-9]{4}(-[0-9]{2}){2}", value
    )
    return Markdown(found.group()) if found else None


def scientific(value: Any) -> Markdown | None:
    """Returns a small figure: `1.3e-07`."""
    number = _number(value)
    return None if number is None else Markdown(f"{number:.1e}")


def pairs(value: Any) -> Markdown | None:
    """Returns a mapping in one line, each pair as code: `keras 3.15.1`."""
    if not isinstance(value, Mapping) or not value:
        return None
    return Markdown(", ".join(code(f"{k} {v}") for k, v in value.items()))
