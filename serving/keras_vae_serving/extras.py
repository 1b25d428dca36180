"""What the extras of keras-vae require, and which of it is missing here."""

import re
from importlib import metadata
from typing import NamedTuple

# Distributions that bring the module `tensorflow`, each alone.
TENSORFLOW = (
    "tensorflow",
    "tensorflow-cpu",
    "tf-nightly",
    "tensorflow-rocm",
    "tensorflow-macos",
)
# Extras that a user of keras-vae has no reason to miss.
UNREPORTED = ("all", "test")

_REQUIREMENT = re.compile(r"([\w.-]+)(\[[^\]]*\])?\s*([^;]*)")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")
_MINIMUM = re.compile(r">=\s*([\w.]+)")


class Requirement(NamedTuple):
    """One requirement: the distribution's name and the whole text."""

    name: str
    text: str


def installed_version(distribution: str) -> str | None:
    """Returns the version of a distribution, or None if it is absent."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def requirements() -> dict[str, list[Requirement]]:
    """Returns the requirements of each extra; those of none under "".

    Empty if keras-vae itself is not installed as a package.
    """
    try:
        lines = metadata.requires("keras-vae") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[Requirement]] = {"": []}
    for line in lines:
        text, _, marker = line.partition(";")
        match = _REQUIREMENT.match(text.strip())
        extra = _EXTRA.search(marker)
        name = extra.group(1) if extra else ""
        if match and match.group(1) != "keras-vae" and name not in UNREPORTED:
            requirement = Requirement(match.group(1), text.strip())
            found.setdefault(name, []).append(requirement)
    return found


def is_met(requirement: Requirement) -> bool:
    """Whether a distribution is installed, at the minimum version or later."""
    alone = requirement.name != "tensorflow"
    names = (requirement.name,) if alone else TENSORFLOW
    versions = filter(None, map(installed_version, names))
    minimum = _MINIMUM.search(requirement.text)
    needed = _release(minimum.group(1)) if minimum else ()
    return any(_release(version) >= needed for version in versions)


def install_command(extra: str, required: list[Requirement]) -> str | None:
    """Returns the pip command that brings what is missing of an extra.

    Where another distribution stands in for `tensorflow`, the command names
    the missing ones alone: the extra would install `tensorflow` over it.

    Args:
        extra: The extra's name; "" for keras-vae without extras.
        required: What it requires.
    """
    missing = [one.text for one in required if not is_met(one)]
    if not missing:
        return None
    stand_in = next(filter(installed_version, TENSORFLOW[1:]), None)
    needs_tensorflow = any(one.name == "tensorflow" for one in required)
    if needs_tensorflow and stand_in and not installed_version("tensorflow"):
        alone = re.compile(r"^tensorflow\b(?!-)")
        wanted = [alone.sub(stand_in, text) for text in missing]
    else:
        wanted = [f"keras-vae[{extra}]" if extra else "keras-vae"]
    return "pip install " + " ".join(f'"{text}"' for text in wanted)


def _release(version: str) -> tuple[int, ...]:
    """Turns "2.13.0rc1+cpu" into (2, 13, 0)."""
    public = version.partition("+")[0]
    match = re.match(r"\d+(\.\d+)*", public)
    return tuple(map(int, match.group().split("."))) if match else ()
