"""Which errors tell a user of bad input, and which ones are bugs."""

import dis
import types

from keras_vae_export import ExportError

# Exit codes.
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

# Packages whose own `raise` statements speak to the user.
_PACKAGES = ("keras_vae", "keras_vae_export")
_TOLD = (
    ValueError,
    TypeError,
    ImportError,
    FloatingPointError,
    NotImplementedError,
    ExportError,
)
_RAISE = dis.opmap["RAISE_VARARGS"]


def is_for_the_user(error: BaseException) -> bool:
    """Whether an error is bad input, to be told in one line.

    Those are what the operating system refuses, and the errors of the kinds
    above that this package raises itself: its messages say what was got,
    what was expected and how to fix it. The same kinds raised by anything
    else, as by adding a string to a number, are bugs.
    """
    if isinstance(error, BrokenPipeError):
        return False
    if isinstance(error, OSError):
        return True
    return isinstance(error, _TOLD) and _is_raised_by_us(error.__traceback__)


def _is_raised_by_us(traceback: types.TracebackType | None) -> bool:
    """Whether the innermost frame is ours and stands at a `raise`."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = str(traceback.tb_frame.f_globals.get("__name__", ""))
    code = traceback.tb_frame.f_code.co_code
    return (
        module.partition(".")[0] in _PACKAGES
        and code[traceback.tb_lasti] == _RAISE
    )


def one_line(message: str) -> str:
    """Joins the lines of a message."""
    return " ".join(message.split())
