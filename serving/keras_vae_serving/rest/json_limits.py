"""How much a body's JSON may hold, whatever its size.

A list of one or two bytes takes tens of bytes once it is read.
"""

MAX_DEPTH = 1_000_000
MAX_LISTS = 5_000_000
MAX_OBJECTS = 1_000_000


class JsonLimitError(ValueError):
    """A text holds more than it may."""


class GivenUp(Exception):
    """Nobody waits any more for what is being read."""


def check_counts(body: bytes) -> None:
    """Raises if a body may hold too many lists or objects.

    Brackets within strings count too: a body of so many is none to read.

    Raises:
        JsonLimitError: if it does.
    """
    # Most bodies are too short for that.
    if len(body) <= MAX_OBJECTS:
        return
    for bracket, most, word in (
        (b"[", MAX_LISTS, "lists"),
        (b"{", MAX_OBJECTS, "objects"),
    ):
        if body.count(bracket) > most:
            raise JsonLimitError(
                f"The request's body has more than {most} {word}, more than "
                "this server takes"
            )


def check_depth(depth: int) -> None:
    """Raises if lists or objects stand too deep in each other.

    Raises:
        JsonLimitError: if they do.
    """
    if depth > MAX_DEPTH:
        raise JsonLimitError(
            f"The request's body is more than {MAX_DEPTH} lists or objects "
            "deep, more than this server takes"
        )
