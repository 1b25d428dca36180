"""The command line's commands that need Keras.

The console script `keras-vae` starts them; `main` runs one of them in this
process. The extra `cli` brings what they need.
"""

from collections.abc import Sequence

from keras_vae.validation import optional_import

for _module in ("typer", "rich"):
    optional_import(_module, "cli", "The command line")


def main(argv: Sequence[str]) -> int:
    """Runs one command and returns its exit code.

    Args:
        argv: The command's name and its arguments: `["train", "--help"]`.

    Returns:
        0; 2 for bad input, told in one line on stderr; 130 after Ctrl-C.
        What is no bad input is raised.
    """
    from keras_vae.cli import app

    return app.main(argv)


__all__ = ["main"]
