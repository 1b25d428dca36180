"""The browser ends with what started it."""

import pathlib
import sys
import time

import pytest

from tests.keras_vae_export.runtimes import in_javascript
from tests.keras_vae_export.runtimes.cases import DECODE

pytestmark = pytest.mark.once


def processes_of(folder):
    """The processes that have a folder's path in their environment."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.add(int(process.name))
        except OSError:  # It has ended, or belongs to somebody else.
            continue
    return found


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It took too long."
        time.sleep(0.05)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"),
    reason="It finds processes in /proc, which only Linux has.",
)
def test_a_killed_run_leaves_no_process(models):
    with in_javascript.scratch() as folder:
        node = in_javascript.start("chromium", DECODE, models, folder)
        try:
            wait_until(lambda: processes_of(folder) - {node.pid})
        finally:
            node.kill()
        node.wait()
        wait_until(lambda: not processes_of(folder))
