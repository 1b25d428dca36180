"""Python's garbage collector while steps run."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def frozen_objects() -> Iterator[None]:
    """Spares the collector the objects that exist, until the end.

    A backend has so many that a full collection takes as long as some twenty
    steps of a small network, and steps make enough to bring one about. An
    application that has frozen objects itself is left alone.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
