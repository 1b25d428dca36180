"""The access log: one line of JSON for each request."""

import datetime
import json
import logging
from typing import Any

LOGGER = logging.getLogger("keras_vae_serving.access")


def write(**fields: Any) -> None:
    """Logs a request; values that are `None` are left out."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    now = datetime.datetime.now(datetime.UTC)
    line: dict[str, Any] = {"time": now.isoformat(timespec="milliseconds")}
    line |= {key: value for key, value in fields.items() if value is not None}
    LOGGER.info(json.dumps(line))


def enable() -> None:
    """Writes the log to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
