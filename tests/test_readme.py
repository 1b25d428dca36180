"""The README's table of parts is what the code holds."""

import pathlib

import pytest

from keras_vae import likelihoods, objectives, posteriors, priors

README = pathlib.Path(__file__).parents[1] / "README.md"
PACKAGES = (likelihoods, posteriors, priors, objectives)

pytestmark = pytest.mark.once


def table(package):
    """The rows of one kind of part: its name, its class, what it is."""
    registry = package.registry
    lines = [f"| {registry.kind} | class | |", "| --- | --- | --- |"]
    for name, cls in sorted(registry.classes.items()):
        summary = cls.__doc__.split("\n\n")[0].strip().removesuffix(".")
        summary = " ".join(summary.split()).replace("|", "\\|")
        lines.append(f"| `{name}` | `{cls.__name__}` | {summary} |")
    return "\n".join(lines)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.registry.kind)
def test_the_table_of_parts_is_made_from_the_code(package):
    expected = table(package)
    assert expected in README.read_text(encoding="utf-8"), (
        f"Put this table into README.md:\n{expected}"
    )
