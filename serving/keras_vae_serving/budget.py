"""How many bytes of requests are held at once, of both protocols."""

from keras_vae_serving.status import Code, ServingError


class Budget:
    """Counts bytes, and refuses those that are too many.

    To be used on the event loop's thread alone.

    Args:
        max_bytes: How many may be held; `None` for any number.

    Attributes:
        held: How many are.
    """

    def __init__(self, max_bytes: int | None = None) -> None:
        self.held = 0
        self._max_bytes = max_bytes

    def share(self) -> "Share":
        """Returns what one request holds: nothing yet."""
        return Share(self)

    def take(self, size: int) -> None:
        """Counts bytes that have come.

        Raises:
            ServingError: UNAVAILABLE if there is no room for them.
        """
        most = self._max_bytes
        if most is not None and self.held + size > most:
            raise ServingError(
                Code.UNAVAILABLE,
                f"The server holds {self.held} bytes of requests, and may "
                f"hold {most}: try again",
            )
        self.held += size


class Share:
    """The bytes of one request, counted for as long as a block runs.

    Args:
        budget: What they are counted in.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0
        self._has_ended = False

    def __enter__(self) -> "Share":
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.held -= self._size
        self._has_ended = True

    def take(self, size: int) -> None:
        """Counts bytes that have come; see `Budget.take`."""
        if self._has_ended:  # What comes later is thrown away.
            return
        self._budget.take(size)
        self._size += size
