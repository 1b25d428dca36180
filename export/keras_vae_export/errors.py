"""What may go wrong once the arguments of an export are checked."""

import contextlib
import re
from collections.abc import Iterator

_PLACE_IN_GRAPH = re.compile(r"\{\{.*?\}\}", re.DOTALL)


class ExportError(RuntimeError):
    """An export that could not be made; nothing of it is left on disk."""


class ParityError(ExportError):
    """An exported file does not compute what the model computes."""


@contextlib.contextmanager
def step(subject: str) -> Iterator[None]:
    """Turns what libraries raise into one error that says what failed.

    Args:
        subject: What could not be done, e.g. "`a.onnx` could not be written".

    Raises:
        ExportError: for any other exception in the block.
    """
    try:
        yield
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(
            f"{subject}: {type(error).__name__}: {cause_of(error)}"
        ) from error


def cause_of(error: BaseException, max_length: int = 400) -> str:
    """Returns an error's message as one sentence of one line.

    A long one keeps its end, where TensorFlow says what the system refused.
    """
    words = _PLACE_IN_GRAPH.sub("", str(error)).split()
    text = " ".join(map(_printable, words)) or type(error).__name__
    if len(text) > max_length:
        half = max_length // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return text if text.endswith((".", "!", "?")) else text + "."


def _printable(word: str) -> str:
    """Escapes what would control the terminal that shows a file's words."""
    if word.isprintable():
        return word
    return word.encode("unicode_escape").decode("ascii")
