"""The console script `keras-vae`: standard library only.

Importing Keras takes seconds, and fails where its backend is missing. So
this module answers for itself what needs no Keras, chooses the backend, and
imports `keras_vae.cli` only for the rest.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence

from keras_vae_serving import backends, quiet
from keras_vae_serving.backends import UsageError

COMMANDS = {
    "train": "Train a VAE on a data set, a folder of images or an .npz.",
    "evaluate": "Print a run's test ELBO, in nats and bits per dimension.",
    "export": "Write a run's decoder as SavedModel and ONNX, and prove it.",
    "generate": "Draw images, from a run or a server; a seed always draws "
    "the same.",
    "serve": "Answer TensorFlow Serving's API from exported models.",
    "quickstart": "Train on digits, export and draw samples, in a minute.",
    "doctor": "Show versions, backends, devices and what is missing.",
}

# What `keras_vae.cli` needs, and what to install for it.
REQUIRED = {
    "keras": "keras-vae",
    "typer": "keras-vae[cli]",
    "rich": "keras-vae[cli]",
}

HELP = """\
Usage: keras-vae [--backend {backends}] COMMAND ...

Train, prove, export and sample variational autoencoders on Keras 3.

Commands:
{commands}

Options:
  --backend NAME  The Keras backend, anywhere on the line; else KERAS_BACKEND.
  --version       Show the version.
  --help          Show this, or the options of a command.

Begin with:
  keras-vae quickstart
  keras-vae train --dataset digits --out runs/digits
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line `argv` and returns its exit code.

    Args:
        argv: The arguments without the program's name. Defaults to
            `sys.argv[1:]`.

    Returns:
        What the command returns; 2 for bad input, told in one line.
    """
    try:
        return _dispatch(sys.argv[1:] if argv is None else list(argv))
    except UsageError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _dispatch(argv: list[str]) -> int:
    backend, arguments = take_backend(argv)
    first = arguments[0] if arguments else "--help"
    if first in ("--help", "-h"):
        print(_help(), end="")
        return 0
    if first == "--version":
        print(f"keras-vae {_version()}")
        return 0
    _check_command(first)
    if first == "doctor":
        return _run_doctor(backend, arguments[1:])
    if first == "serve":
        return _run_module("serve_command", arguments[1:])
    if first == "generate" and _asks_a_server(arguments):
        return _run_module("generate_command", arguments[1:])
    return _run_with_keras(backend, arguments)


def take_backend(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Takes `--backend NAME` or `--backend=NAME` out of a command line.

    Returns:
        The name, or None, and the other arguments. What follows `--` is
        left alone; of two names the last one holds.

    Raises:
        UsageError: if the name is missing or unknown.
    """
    backend, rest = None, []
    remaining = iter(argv)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument == "--backend":
            backend = next(remaining, "")
        elif argument.startswith("--backend="):
            backend = argument.partition("=")[2]
        else:
            rest.append(argument)
    if backend is not None:
        backends.check_name("--backend", backend)
    return backend, rest


def _check_command(name: str) -> None:
    if name in COMMANDS:
        return
    if name.startswith("-"):
        raise UsageError(
            f"`{name}` must follow a command, as in `keras-vae train {name}`. "
            "Call `keras-vae --help` for the commands."
        )
    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean `keras-vae {close[0]}`?" if close else ""
    raise UsageError(
        f"`COMMAND` must be one of {', '.join(COMMANDS)}. "
        f"Received: {name!r}.{hint}"
    )


def _run_doctor(backend: str | None, arguments: list[str]) -> int:
    # Imported here: importlib.metadata would slow `--help` down.
    from keras_vae_serving import doctor

    # Not chosen yet: that a backend is missing is for the doctor to say.
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    return doctor.main(arguments)


def _asks_a_server(arguments: list[str]) -> bool:
    return any(one.partition("=")[0] == "--url" for one in arguments)


def _run_module(name: str, arguments: list[str]) -> int:
    """Runs a command of this package, which needs no Keras."""
    module = importlib.import_module(f"keras_vae_serving.{name}")
    return int(module.main(arguments))


def _run_with_keras(backend: str | None, arguments: list[str]) -> int:
    for module, requirement in REQUIRED.items():
        if not backends.is_installed(module):
            raise UsageError(
                f"`keras-vae {arguments[0]}` needs `{module}`, which is not "
                f'installed. Install it with: pip install "{requirement}"'
            )
    choice = backends.choose(backend)
    if choice.note:
        print(f"Note: {choice.note}", file=sys.stderr)
    os.environ["KERAS_BACKEND"] = choice.name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with quiet.native_import_messages():
            cli = importlib.import_module("keras_vae.cli")
    except ImportError as error:
        raise UsageError(
            f"keras_vae could not be imported on the {choice.name} backend "
            f"({error}). Call `keras-vae doctor` to see what is missing."
        ) from error
    return int(cli.main(arguments))


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = "\n".join(
        f"  {name:{width}}  {text}" for name, text in COMMANDS.items()
    )
    return HELP.format(backends="|".join(backends.BACKENDS), commands=commands)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("keras-vae")
    except metadata.PackageNotFoundError:
        return "(not installed as a package)"
