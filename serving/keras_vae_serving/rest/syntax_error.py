"""The error of a text that is not JSON, in RapidJSON's words."""


class JsonSyntaxError(ValueError):
    """A text is not JSON.

    Args:
        words: What is wrong, e.g. "Invalid value."
        offset: The byte at which it is; `None` for an empty text.
    """

    def __init__(self, words: str, offset: int | None = None) -> None:
        place = "" if offset is None else f" at offset: {offset}"
        super().__init__(f"JSON Parse error: {words}{place}")
