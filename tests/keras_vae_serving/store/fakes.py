"""Versions that are quick to write and to load, for tests of the store.

A version is a directory with a file `content`; what it holds is what the
servable answers. "broken" cannot be loaded.
"""

import os
import pathlib
import threading
import time

from keras_vae_serving.status import Code, ServingError

BROKEN = "broken"


def write(base_path, number, content="good"):
    """Writes a version in one step, and returns its path."""
    base_path = pathlib.Path(base_path)
    hidden = base_path / f".{number}.tmp-0"
    hidden.mkdir(parents=True)
    for name in ("content", "manifest.json"):
        (hidden / name).write_text(content)
    os.rename(hidden, base_path / str(number))
    return base_path / str(number)


class FakeServable:
    """Answers what its directory held; counts what it must not do."""

    def __init__(self, name, version, content):
        self.name = name
        self.version = version
        self.content = content
        self.signatures = {}
        self.is_closed = False

    def run(self, signature, inputs):
        assert not self.is_closed
        return {"content": self.content}

    def close(self):
        assert not self.is_closed
        self.is_closed = True


class FakeLoader:
    """Loads fake versions.

    Attributes:
        loaded: Every servable that was loaded, in order.
        tried: By path, how often.
        gate: Loading waits until it is set.
        seconds: How long a load takes.
    """

    def __init__(self, seconds=0.0):
        self.loaded = []
        self.tried = {}
        self.gate = threading.Event()
        self.gate.set()
        self.seconds = seconds

    def __call__(self, path, name, version):
        self.tried[str(path)] = self.tried.get(str(path), 0) + 1
        assert self.gate.wait(20)
        time.sleep(self.seconds)
        content = (path / "content").read_text()
        if content == BROKEN:
            raise ServingError(Code.DATA_LOSS, f"{path} is broken")
        servable = FakeServable(name, version, content)
        self.loaded.append(servable)
        return servable

    @property
    def open(self):
        return [one for one in self.loaded if not one.is_closed]
