"""Commands made from dataclasses: each option stands in one place.

A command is a module with a frozen dataclass `Arguments`, whose fields are its
options (types, defaults, help), and a function `run(arguments, output)`.
"""

import dataclasses
import inspect
import pathlib
from collections.abc import Callable
from typing import Annotated, Any

import typer

from keras_vae.cli.errors import INTERRUPTED
from keras_vae.cli.output import Output

DATA_PANEL = "Data"
MODEL_PANEL = "Model"
TRAINING_PANEL = "Training"

MAX_SEED = 2**31 - 1  # what the sampling layer takes

RunArgument = Annotated[
    pathlib.Path,
    typer.Argument(
        metavar="RUN",
        help="A run directory that `keras-vae train` wrote.",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="Print one JSON object; progress goes to stderr."
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Show the traceback of an error."),
]
DataDir = Annotated[
    pathlib.Path | None,
    typer.Option(
        help="Where TensorFlow Datasets lie.",
        show_default="$TFDS_DATA_DIR, then ~/tensorflow_datasets",
        rich_help_panel=DATA_PANEL,
    ),
]


def add_command(
    app: typer.Typer,
    arguments: type[Any],
    run: Callable[[Any, Output], int | None],
) -> None:
    """Adds a command, named after the module of `run`.

    Args:
        app: The application.
        arguments: Frozen dataclass of the command's options; `json` is one.
        run: What runs the command; its docstring is the help. Returns the
            exit code, `None` for 0.
    """

    def command(**values: Any) -> int:
        given = arguments(**values)
        with Output(as_json=given.json) as output:
            try:
                return run(given, output) or 0
            except KeyboardInterrupt:
                output.note("Interrupted.")
                return INTERRUPTED

    # Typer reads the options from here.
    command.__signature__ = inspect.signature(arguments)  # type: ignore
    command.__doc__ = run.__doc__
    app.command(run.__module__.rpartition(".")[2])(command)


def as_json(arguments: Any) -> dict[str, Any]:
    """Returns a dataclass of options as JSON can hold them."""
    return {
        name: str(value) if isinstance(value, pathlib.Path) else value
        for name, value in dataclasses.asdict(arguments).items()
    }
