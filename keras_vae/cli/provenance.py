"""When a file of a run directory was made, and by which versions."""

import datetime
import platform
import sys
from typing import Any

import keras
import numpy as np

from keras_vae.version import __version__


def provenance() -> dict[str, Any]:
    """Returns the versions, the backend and the time, UTC, as JSON has them."""
    backend = keras.backend.backend()
    now = datetime.datetime.now(datetime.UTC)
    return {
        "date": now.isoformat(timespec="seconds"),
        "keras_vae": __version__,
        "backend": backend,
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "numpy": np.__version__,
            backend: getattr(sys.modules.get(backend), "__version__", None),
        },
    }
