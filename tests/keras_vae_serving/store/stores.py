"""Runs a store in a test, and waits for what it is to do."""

import asyncio
import contextlib
import time

import pytest

from keras_vae_serving.model_server import ModelConfig, ModelSpec
from keras_vae_serving.status import ServingError
from keras_vae_serving.store.model_store import ModelStore
from keras_vae_serving.store.options import StoreOptions
from tests.keras_vae_serving.store.fakes import FakeLoader

SECONDS = 20  # The longest that anything waited for may take.
QUICK = {"file_system_poll_wait_seconds": 0.02}


@contextlib.contextmanager
def running(source, load=None, **options):
    """A store that has started, outside of any event loop."""
    load = load or FakeLoader()
    store = ModelStore(source, StoreOptions(**{**QUICK, **options}), load)
    asyncio.run(store.start())
    try:
        yield store
    finally:
        asyncio.run(store.stop(SECONDS))


def eventually(condition):
    """Waits until a condition holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.005)


def settled(store):
    assert asyncio.run(store.settled(SECONDS))


def states(store, name="m"):
    return {one.version: one.state.name for one in store.statuses(name)}


def newest(store, name="m"):
    with store.acquire(ModelSpec(name)) as servable:
        return servable.version


def content(store, name="m", **spec):
    with store.acquire(ModelSpec(name, **spec)) as servable:
        return servable.run("decode", {})["content"]


class Given:
    """A source that always says the same."""

    wait_seconds = 0.0
    gives_way = False

    def __init__(self, *configs):
        self.configs = configs

    def read(self):
        return list(self.configs)


def config(tmp_path, name="m", **changes):
    return ModelConfig(name, str(tmp_path / name))._replace(**changes)


@contextlib.contextmanager
def refused(code, message):
    with pytest.raises(ServingError) as caught:
        yield
    assert (caught.value.code, caught.value.message) == (code, message)
