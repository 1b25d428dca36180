import dataclasses
import pathlib
from typing import Annotated

import pytest
import typer

from keras_vae.cli import options


@dataclasses.dataclass(frozen=True)
class Arguments:
    path: Annotated[pathlib.Path, typer.Option(help="A path.")]
    size: Annotated[int, typer.Option(help="A size.", min=1)] = 3
    json: options.Json = False


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--path=a"], Arguments(pathlib.Path("a"))),
        (["--path=a", "--size=5"], Arguments(pathlib.Path("a"), 5)),
        (["--path=a", "--json"], Arguments(pathlib.Path("a"), json=True)),
    ],
)
def test_a_dataclass_is_a_command(argv, expected):
    seen = []

    def run(arguments, output):
        """Do it."""
        seen.append((arguments, output.as_json))
        return 7

    app = typer.Typer()
    options.add_command(app, Arguments, run)
    command = typer.main.get_command(app)
    assert command.main(args=argv, standalone_mode=False) == 7
    assert seen == [(expected, expected.json)]


def test_as_json():
    assert options.as_json(Arguments(pathlib.Path("a"))) == {
        "path": "a",
        "size": 3,
        "json": False,
    }
