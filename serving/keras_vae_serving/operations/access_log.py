"""The access log: one line of JSON for each request."""

import datetime
import json
import logging
import sys
from typing import Any

LOGGER = logging.getLogger("keras_vae_serving.access")
_MAX_TEXT = 256  # A client chooses its paths and its name.


def write(**fields: Any) -> None:
    """Logs a request; values that are `None` are left out."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    now = datetime.datetime.now(datetime.UTC)
    line: dict[str, Any] = {"time": now.isoformat(timespec="milliseconds")}
    line |= {
        key: value[:_MAX_TEXT] if isinstance(value, str) else value
        for key, value in fields.items()
        if value is not None
    }
    LOGGER.info(json.dumps(line))


def enable() -> None:
    """Writes the log to stdout from now on."""
    if not LOGGER.handlers:
        LOGGER.addHandler(logging.StreamHandler(sys.stdout))
    LOGGER.handlers[0].setFormatter(logging.Formatter("%(message)s"))
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
