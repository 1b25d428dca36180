"""Keeps what native code prints while it is imported off the screen."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# TensorFlow prints these at import, whatever its log level says.
_NOISE = re.compile(
    rb"All log messages before absl::InitializeLog\(\)"
    rb"|oneDNN custom operations are on"
    rb"|This TensorFlow binary is optimized"
    rb"|Could not find cuda drivers on your machine, GPU will not be used"
    rb"|To enable the following instructions"
)


@contextlib.contextmanager
def native_import_messages() -> Iterator[None]:
    """Drops TensorFlow's known notices from stderr; all else is printed.

    What is written to the file descriptor meanwhile appears at the end.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as captured:
        screen = os.dup(2)
        try:
            os.dup2(captured.fileno(), 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(screen, 2)
            os.close(screen)
            captured.seek(0)
            for line in captured:
                if not _NOISE.search(line):
                    os.write(2, line)
