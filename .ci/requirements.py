"""Prints the requirements of this package and of the extras named.

Usage: python .ci/requirements.py EXTRA [EXTRA ...]

The environments of the Makefile and of CI run on processors alone, so
`tensorflow` becomes the smaller `tensorflow-cpu` on the platform where the
two differ. The two hold the same files and must never be installed beside
each other: where `tensorflow` is there already, it stays.
"""

import importlib.metadata
import pathlib
import platform
import re
import sys
import tomllib

PYPROJECT = pathlib.Path(__file__).parents[1] / "pyproject.toml"


def expand(requirements, project):
    """Yields requirements, with `keras-vae[a,b]` replaced by what it means."""
    itself = re.compile(re.escape(project["name"]) + r"\s*\[([^\]]*)\]$")
    for requirement in requirements:
        match = itself.match(requirement)
        if match is None:
            yield requirement
            continue
        for extra in re.split(r"\s*,\s*", match.group(1).strip()):
            yield from expand(of_extra(extra, project), project)


def of_extra(extra, project):
    """Returns the requirements of one extra, as pyproject.toml has them."""
    extras = project["optional-dependencies"]
    if extra not in extras:
        sys.exit(
            f"`EXTRA` must be one of {', '.join(extras)}. Received: {extra}"
        )
    return extras[extra]


def wants_tensorflow_cpu():
    """Whether `tensorflow-cpu` should stand in for `tensorflow` here."""
    try:
        importlib.metadata.version("tensorflow")
    except importlib.metadata.PackageNotFoundError:
        return platform.system() == "Linux" and platform.machine() == "x86_64"
    return False


def main(extras):
    """Prints one requirement a line, sorted, each once."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += of_extra(extra, project)
    lines = sorted(set(expand(wanted, project)))
    if wants_tensorflow_cpu():
        lines = [
            re.sub(r"^tensorflow\b(?!-)", "tensorflow-cpu", line)
            for line in lines
        ]
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
