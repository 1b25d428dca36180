"""What may go wrong once the arguments of an export are checked."""


class ExportError(RuntimeError):
    """An export that could not be made; nothing of it is left on disk."""


class ParityError(ExportError):
    """An exported file does not compute what the model computes."""


def cause_of(error: BaseException, max_length: int = 400) -> str:
    """Returns an error's message as one sentence of one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    if len(text) > max_length:
        return text[:max_length] + "..."
    return text if text.endswith((".", "!", "?")) else text + "."
