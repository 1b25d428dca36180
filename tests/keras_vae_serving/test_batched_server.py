import asyncio
import collections
import time

import numpy as np
import pytest

from keras_vae_serving.batched_server import BatchedModelServer
from keras_vae_serving.batching import Scheduler
from keras_vae_serving.checks import InputLimits
from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.status import ServingError
from tests.keras_vae_serving.echo import EchoServer

pytestmark = pytest.mark.once

X = {"x": np.array([1.0, 2.0], "float32")}


class Fixture:
    """A model server of `echo`, and how its calls were counted."""

    def __init__(self):
        self.metrics = Metrics()
        self.scheduler = Scheduler(None, self.metrics.batch)
        self.server = BatchedModelServer(
            EchoServer(), self.scheduler, InputLimits(10, 10), self.metrics
        )

    async def predict(self, signature, inputs, deadline=None):
        with self.server.acquire(ModelSpec("echo")) as servable:
            return await self.server.predict(
                servable, signature, inputs, deadline
            )

    def codes(self):
        found = collections.Counter()
        for family in self.metrics.registry.collect():
            for one in family.samples:
                if one.name == "keras_vae_serving_predictions_total":
                    found[one.labels["code"]] += one.value
        return found


@pytest.fixture
def echo():
    made = Fixture()
    yield made
    made.scheduler.close()


def test_it_answers(echo):
    outputs = asyncio.run(echo.predict("serving_default", X))
    np.testing.assert_allclose(outputs["y"], [2.5, 3.0])
    assert echo.codes() == {"OK": 1}


def test_it_checks_before_anything_runs(echo):
    rows = {"x": np.zeros(11, "float32")}
    with pytest.raises(ServingError, match="takes at most 10"):
        asyncio.run(echo.predict("serving_default", rows))
    with pytest.raises(ServingError, match="must have shape"):
        asyncio.run(echo.predict("rank2", {"x": np.zeros((1, 4), "float32")}))
    assert echo.codes() == {"INVALID_ARGUMENT": 2}


def test_what_the_graph_refuses(echo):
    with pytest.raises(ServingError, match="boom"):
        asyncio.run(echo.predict("fails", X))
    assert echo.codes() == {"INVALID_ARGUMENT": 1}


def test_a_deadline_is_one_of_the_monotonic_clock(echo):
    async def scenario():
        await echo.predict("serving_default", X, time.monotonic() + 5)
        await echo.predict("serving_default", X, time.monotonic() - 1)

    with pytest.raises(ServingError, match="deadline passed"):
        asyncio.run(scenario())
    assert echo.codes() == {"OK": 1, "DEADLINE_EXCEEDED": 1}


def test_an_error_that_nobody_foresaw(echo, monkeypatch):
    async def fail(*_):
        raise KeyError("x")

    monkeypatch.setattr(echo.scheduler, "run", fail)
    with pytest.raises(KeyError):
        asyncio.run(echo.predict("serving_default", X))
    assert echo.codes() == {"INTERNAL": 1}


def test_a_request_that_is_given_up(echo, monkeypatch):
    async def wait(*_):
        await asyncio.sleep(10)

    async def scenario():
        task = asyncio.create_task(echo.predict("serving_default", X))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    monkeypatch.setattr(echo.scheduler, "run", wait)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scenario())
    assert echo.codes() == {"CANCELLED": 1}
