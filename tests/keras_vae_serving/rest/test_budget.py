"""What the bodies of all requests may take together."""

import asyncio
import gzip

import pytest

from keras_vae_serving.budget import Budget
from keras_vae_serving.rest.app import make_app
from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.echo import EchoServer
from tests.keras_vae_serving.rest.caller import (
    PREDICT,
    Client,
    call,
    make_scope,
)

pytestmark = pytest.mark.once

BODY = b'{"instances": [1, 2]}'


def test_shares_are_given_back():
    budget = Budget(10)
    with budget.share() as one, budget.share() as other:
        one.take(4)
        other.take(6)
        with pytest.raises(ServingError, match="holds 10 .* hold 10") as caught:
            one.take(1)
        assert caught.value.code == Code.UNAVAILABLE
    assert budget.held == 0
    one.take(5)  # Too late: nobody would give it back.
    assert budget.held == 0


def test_any_number_of_bytes():
    budget = Budget()
    with budget.share() as one:
        one.take(2**50)
    assert budget.held == 0


class Held(EchoServer):
    """Answers once it is told to."""

    def __init__(self):
        super().__init__()
        self.is_free = asyncio.Event()

    async def predict(self, servable, signature, inputs, deadline=None):
        await self.is_free.wait()
        return await super().predict(servable, signature, inputs)


def test_bodies_that_are_too_many_together():
    async def scenario():
        held, budget = Held(), Budget(50)
        app = make_app(held, budget=budget)
        clients = [Client([BODY[:9], BODY[9:]]) for _ in range(3)]
        scope = make_scope("POST", PREDICT)
        asking = [
            asyncio.create_task(app(scope, one.receive, one.send))
            for one in clients
        ]
        await asyncio.sleep(0.05)
        assert budget.held == 2 * len(BODY)
        held.is_free.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*asking)
        assert budget.held == 0
        return sorted(one.reply.status for one in clients), clients[2].reply

    statuses, refused = asyncio.run(scenario())
    assert statuses == [200, 200, 503]
    assert refused.headers["retry-after"] == "1"
    assert "bytes of requests" in refused.json["error"]


def test_gzip_counts_as_it_came_and_unpacked():
    packed = gzip.compress(BODY.ljust(1000))
    headers = [("Content-Encoding", "gzip")]
    enough = len(packed) + 1000
    for most, status in ((enough, 200), (enough - 1, 503)):
        budget = Budget(most)
        app = make_app(EchoServer(), budget=budget)
        assert call(app, "POST", PREDICT, packed, headers).status == status
        assert budget.held == 0
