"""The commands, and the boundary where errors become one line."""

import logging
import sys
from collections.abc import Sequence

import typer

from keras_vae.cli import evaluate, export, generate, quickstart, train
from keras_vae.cli.errors import (
    BAD_INPUT,
    FAILED,
    INTERRUPTED,
    is_for_the_user,
    one_line,
)
from keras_vae.cli.options import add_command
from keras_vae_export import ParityError

app = typer.Typer(
    name="keras-vae",
    help="Train, prove, export and sample variational autoencoders.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _module in (train, evaluate, export, generate, quickstart):
    add_command(app, _module.Arguments, _module.run)

# Click's base of all usage errors; newer Typers hold a Click of their own.
_ClickException: type[Exception] = typer.BadParameter.__mro__[2]


def main(argv: Sequence[str]) -> int:
    """Runs one command; see `keras_vae.cli.main`."""
    # TensorFlow Datasets warns of its own deprecated calls.
    logging.getLogger("absl").setLevel(logging.ERROR)
    command = typer.main.get_command(app)
    try:
        code = command.main(
            args=list(argv), prog_name="keras-vae", standalone_mode=False
        )
    except _ClickException as error:
        message = error.format_message()  # type: ignore[attr-defined]
        message = message.strip().rstrip(".")
        name = f" {argv[0]}" if argv and not argv[0].startswith("-") else ""
        return _fail(f"{message}. Call `keras-vae{name} --help`.")
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if "--debug" in argv or not is_for_the_user(error):
            raise
        is_proof = isinstance(error, ParityError)
        return _fail(str(error), FAILED if is_proof else BAD_INPUT)
    return int(code or 0)


def _fail(message: str, code: int = BAD_INPUT) -> int:
    print(f"Error: {one_line(message)}", file=sys.stderr)
    return code
