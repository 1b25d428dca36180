"""What goes wrong around a batch costs neither a thread nor an answer."""

import asyncio
import logging

import numpy as np
import pytest

from keras_vae_serving.batching import BatchingParameters, Scheduler
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.batching.test_scheduler import (
    Doubling,
    ask,
    play,
    rows,
)

pytestmark = pytest.mark.once


def test_an_observer_that_fails_is_logged(caplog):
    def fail(*what):
        raise RuntimeError("no disk for metrics")

    async def scenario():
        async with asyncio.timeout(10):
            return [
                (await ask(scheduler, servable, one))["y"] for one in (1, 2, 3)
            ]

    servable = Doubling()
    scheduler = Scheduler(BatchingParameters(num_batch_threads=1), fail)
    try:
        with caplog.at_level(logging.ERROR):
            found = asyncio.run(scenario())
    finally:
        scheduler.close()
    np.testing.assert_array_equal(np.concatenate(found), rows(2, 4, 6)["x"])
    assert caplog.text.count("A batch could not be counted") == 3


def test_threads_that_take_nothing():
    """Each request is answered, and none counts as one that runs."""

    async def scenario(scheduler, servable):
        scheduler._pool.shutdown()
        for _ in range(3):
            with pytest.raises(ServingError, match="stopping") as caught:
                await ask(scheduler, servable, 1)
            assert caught.value.code == Code.UNAVAILABLE
        assert scheduler._free == 1
        assert scheduler.num_waiting() == 0

    play(scenario)
