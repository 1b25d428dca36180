"""Requests from many threads while versions come, go and break."""

import contextlib
import shutil
import threading
import time

import numpy as np
import pytest

from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.store import onnx_servable
from keras_vae_serving.store.sources import ModelsDirectory
from tests.keras_vae_serving.directories import LinearModel, write_version
from tests.keras_vae_serving.store import fakes
from tests.keras_vae_serving.store.fakes import FakeLoader
from tests.keras_vae_serving.store.stores import (
    eventually,
    newest,
    running,
    states,
)

pytestmark = pytest.mark.once

NUM_THREADS = 8


class Load:
    """Threads that call a function again and again until they are stopped.

    Attributes:
        calls: How many calls ended well.
        errors: What the others raised.
    """

    def __init__(self, call):
        self._call = call
        self._is_over = threading.Event()
        self.calls = 0
        self.errors = []

    def _work(self):
        while not self._is_over.is_set():
            try:
                self._call()
            except BaseException as error:
                self.errors.append(error)
                return
            self.calls += 1
            # The interpreter changes threads so seldom else that eight of
            # them would starve the store's own.
            time.sleep(0)

    @contextlib.contextmanager
    def running(self):
        threads = [
            threading.Thread(target=self._work) for _ in range(NUM_THREADS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join(20)
        assert self.errors == []

    def more(self, count):
        """Waits for as many more calls."""
        wanted = self.calls + count
        eventually(lambda: self.errors or self.calls >= wanted)


def bias_of(version):
    return version / 100


def write(base_path, version):
    return write_version(base_path, version, LinearModel(bias=bias_of(version)))


def decode(store, **spec):
    """Runs the newest version; what it answers must be its own."""
    with store.acquire(ModelSpec("m", **spec)) as servable:
        found = servable.run("decode", {"z": np.zeros((1, 3), "float32")})
        expected = np.full((1, 4, 4, 1), bias_of(servable.version))
        np.testing.assert_allclose(found["x"], expected, atol=1e-6)
        return servable.version


def test_new_versions_appear_under_load(tmp_path):
    write(tmp_path / "m", 1)
    with running(ModelsDirectory(tmp_path), onnx_servable.load) as store:
        with Load(lambda: decode(store)).running() as load:
            for number in range(2, 7):
                load.more(100)
                write(tmp_path / "m", number)
                eventually(lambda n=number: newest(store) == n)
            load.more(100)
        ended = dict.fromkeys(range(1, 6), "END")
        eventually(lambda: states(store) == {6: "AVAILABLE", **ended})


def test_versions_break_and_go_under_load(tmp_path):
    first = write(tmp_path / "m", 1)
    with running(ModelsDirectory(tmp_path), onnx_servable.load) as store:
        with Load(lambda: decode(store)).running() as load:
            for path in (first / "onnx").iterdir():
                path.write_bytes(b"corrupted")
            (first / "manifest.json").write_text("{")
            load.more(200)
            broken = write(tmp_path / "m", 2)
            eventually(lambda: newest(store) == 2)
            shutil.rmtree(first)
            shutil.rmtree(broken)
            load.more(200)
            assert decode(store) == 2
            path = fakes.write(tmp_path / "m", 3, "no manifest")
            eventually(lambda: states(store).get(3) == "LOADING")
            load.more(200)
            shutil.rmtree(path)
            write(tmp_path / "m", 4)
            eventually(lambda: newest(store) == 4)


def test_nothing_is_closed_while_it_is_held(tmp_path):
    fakes.write(tmp_path / "m", 1)
    loader = FakeLoader()

    def hold():
        with store.acquire(ModelSpec("m")) as servable:
            time.sleep(0.001)
            servable.run("decode", {})

    with running(ModelsDirectory(tmp_path), loader) as store:
        with Load(hold).running() as load:
            for number in range(2, 30):
                shutil.rmtree(tmp_path / "m" / str(number - 1))
                fakes.write(tmp_path / "m", number)
                load.more(20)
                eventually(lambda n=number: newest(store) == n)
        eventually(lambda: len(loader.open) == 1)
        assert newest(store) == 29


def test_models_are_reloaded_under_load(tmp_path):
    for name in ("m", "a", "b"):
        fakes.write(tmp_path / name, 1)
    loader = FakeLoader()

    def hold():
        with store.acquire(ModelSpec("m", label="stable")) as servable:
            servable.run("decode", {})

    with running(ModelsDirectory(tmp_path), loader) as store:
        configs = {one.name: one for one in store.configs()}
        stable = configs["m"]._replace(labels={"stable": 1})
        store.reload([stable])
        with Load(hold).running() as load:
            for number in range(40):
                other = configs["a" if number % 2 else "b"]
                store.reload([stable, other])
                load.more(20)
        loaded = [one for one in loader.loaded if one.name == "m"]
        assert len(loaded) == 1
