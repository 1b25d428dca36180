"""Split strings: `"train"`, `"train[:1000]"`, `"train[90%:]"`, `"all"`.

They mean what they mean in TensorFlow Datasets, and are read here without it,
so that they work for folders and `.npz` files too. Slices by shard are left
out: they speak of how a dataset is stored.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from keras_vae.validation import require

_TERM = re.compile(
    r"^(?P<name>[\w-]+)(\[(?P<start>[^:\[\]]*):(?P<stop>[^:\[\]]*)\])?$"
)
_BOUND = re.compile(r"^(?P<value>-?\d[\d_]*(\.\d+)?)(?P<percent>%)?$")
_FIX = (
    'Pass e.g. `split="train"`, `split="train[:1000]"` or '
    '`split="train[90%:]"`.'
)


class Part(NamedTuple):
    """Examples `start` to `stop` (exclusive) of the split `name`."""

    name: str
    start: int
    stop: int


def check(split: str) -> None:
    """Raises a `TypeError` unless `split` is a string."""
    if not isinstance(split, str):
        raise TypeError(
            f"`split` must be a string. Received: split={split!r} of type "
            f"{type(split).__name__}. {_FIX}"
        )


def resolve(split: str, sizes: Mapping[str, int]) -> list[Part]:
    """Turns a split string into ranges of examples.

    Args:
        split: One or more of `name` and `name[start:stop]`, joined by `+`;
            `"all"` joins every split. Bounds count examples, or percents of
            the split rounded to the nearest example (halves to even);
            negative ones count from the end.
        sizes: Number of examples of each split that exists.

    Returns:
        The ranges, in the order of the string, none of them empty.

    Raises:
        TypeError: if `split` is not a string.
        ValueError: if it cannot be read, names an unknown split, reaches
            beyond a split's ends or selects nothing.
    """
    check(split)
    terms = [term.strip() for term in split.split("+")]
    if terms == ["all"] and "all" not in sizes:
        terms = list(sizes)
    return [_resolve_term(term, split, sizes) for term in terms]


def _resolve_term(term: str, split: str, sizes: Mapping[str, int]) -> Part:
    match = _TERM.match(term)
    if match is None:
        raise _unreadable(split)
    name = match["name"]
    require(
        name in sizes,
        f"`split` must name one of the splits that exist: {list(sizes)}. "
        f"Received: split={split!r}. {_fix_with(list(sizes))}",
    )
    start, stop = _bounds(match["start"], match["stop"], split, sizes[name])
    require(
        start < stop,
        f"`split` must select at least one example. Received: "
        f"split={split!r}, which is [{start}:{stop}] of the {sizes[name]} "
        f"examples of {name!r}. {_fix_with([name])}",
    )
    return Part(name, start, stop)


def _bounds(
    start: str | None, stop: str | None, split: str, size: int
) -> tuple[int, int]:
    """Returns the bounds as numbers of examples from 0 to `size`."""
    texts = [start or "", stop or ""]
    matches = [_BOUND.match(text) for text in texts]
    is_empty_slice = start is not None and not any(texts)
    if is_empty_slice or any(
        text and match is None
        for text, match in zip(texts, matches, strict=True)
    ):
        raise _unreadable(split)
    require(
        len({match["percent"] for match in matches if match}) < 2,
        "`split` must count both ends of a slice in percents, or both in "
        f"examples. Received: split={split!r}. {_FIX}",
    )
    first, last = (
        default if match is None else _to_index(match, split, size)
        for match, default in zip(matches, (0, size), strict=True)
    )
    return first, last


def _to_index(match: re.Match[str], split: str, size: int) -> int:
    value = float(match["value"])
    limit = 100 if match["percent"] else size
    if not match["percent"] and not value.is_integer():
        raise _unreadable(split)
    require(
        abs(value) <= limit,
        f"`split` must stay within the split's {size} examples (100%). "
        f"Received: split={split!r}. {_FIX}",
    )
    index = round(value * size / 100.0) if match["percent"] else int(value)
    return index + size if index < 0 else index


def _unreadable(split: str) -> ValueError:
    return ValueError(
        "`split` must be a split's name or a slice of it. "
        f"Received: split={split!r}. {_FIX}"
    )


def _fix_with(names: list[str]) -> str:
    return f'Pass e.g. `split="{names[0]}"`.' if names else _FIX
