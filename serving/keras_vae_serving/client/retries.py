"""When a request is sent again, and after how long."""

import dataclasses
import random
from collections.abc import Iterator

from keras_vae_serving.client.steps import Request, Steps, Wait
from keras_vae_serving.status import Code, ServingError


@dataclasses.dataclass(frozen=True)
class Retries:
    """Retries with exponential backoff, where a server says UNAVAILABLE.

    A server that says when to ask again (`Retry-After`) is asked no sooner.
    Nothing else is tried again: it would fail again, or may have been done.

    Attributes:
        count: How many times at most.
        first_s: About how long before the first one.
        largest_s: The longest wait.

    Raises:
        TypeError: if `count` is no integer.
        ValueError: if it is negative.
    """

    count: int = 3
    first_s: float = 0.1
    largest_s: float = 5.0

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int):
            raise TypeError(
                "`retries` must be an integer. Received: retries="
                f"{self.count!r} of type {type(self.count).__name__}. Pass "
                "e.g. `retries=3`."
            )
        if self.count < 0:
            raise ValueError(
                "`retries` must be at least 0. Received: retries="
                f"{self.count}. Pass e.g. `retries=3`."
            )

    def send(self, request: Request) -> Steps:
        """Sends a request until it is answered or fails for good."""
        waits = self.waits()
        while True:
            try:
                return (yield request)
            except ServingError as error:
                wait_s = next(waits, None)
                if error.code != Code.UNAVAILABLE or wait_s is None:
                    raise
                wait_s = max(wait_s, self._asked_for(error))
            yield Wait(wait_s)

    def _asked_for(self, error: ServingError) -> float:
        """How long a server asks to wait; it is not waited for ever.

        Others were told the same: a part is drawn here, too.
        """
        seconds = (error.retry_after_s or 0.0) * random.uniform(1.0, 1.25)
        return min(seconds, self.largest_s)

    def waits(self) -> Iterator[float]:
        """Yields how long to wait before each retry, in seconds.

        Clients that failed together do not come back together: half of each
        wait is drawn.
        """
        for number in range(self.count):
            # 2.0**n overflows where n is large; what is waited does not.
            wait = min(self.largest_s, self.first_s * 2.0 ** min(number, 64))
            yield wait * random.uniform(0.5, 1.0)
