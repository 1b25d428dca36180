"""The scheduler, with a servable whose runs the test holds back."""

import asyncio
import threading
import time

import numpy as np
import pytest

from keras_vae_serving import dtypes
from keras_vae_serving.batching import BatchingParameters, Scheduler
from keras_vae_serving.servable import Signature, TensorInfo
from keras_vae_serving.status import Code, ServingError, invalid

pytestmark = pytest.mark.once

FLOAT = dtypes.BY_NAME["DT_FLOAT"]
ROWS = TensorInfo(FLOAT, (None, 2), "x:0")
SCALAR = TensorInfo(FLOAT, (), "s:0")


class Doubling:
    """Doubles rows; notes the sizes of its batches; waits for a gate."""

    name, version = "doubling", 1
    signatures = {
        "rows": Signature({"x": ROWS}, {"y": ROWS}),
        "more": Signature({"x": ROWS}, {"y": ROWS}),
        "scalar": Signature({"s": SCALAR}, {"t": SCALAR}),
    }

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.ran = []

    def run(self, signature, inputs):
        assert self.gate.wait(10)
        if signature == "scalar":
            self.ran.append(("scalar", 1))
            return {"t": inputs["s"] * 2}
        x = inputs["x"]
        self.ran.append((signature, len(x)))
        if (x < 0).any():
            raise invalid("negative")
        return {"y": x * 2}


def rows(*values):
    return {"x": np.array([[v, v] for v in values], "float32").reshape(-1, 2)}


def play(scenario, run=asyncio.run, **parameters):
    """Runs `scenario(scheduler, servable)` on one thread of batches."""
    given = {"num_batch_threads": 1, "max_batch_size": 4, **parameters}
    scheduler = Scheduler(BatchingParameters(**given))
    servable = Doubling()

    async def timed():
        async with asyncio.timeout(10):
            return await scenario(scheduler, servable)

    try:
        return run(timed()), servable
    finally:
        servable.gate.set()
        scheduler.close()


def ask(scheduler, servable, *values, signature="rows", **options):
    inputs = rows(*values)
    run = scheduler.run(servable, signature, inputs, **options)
    return asyncio.ensure_future(run)


async def held(scheduler, servable):
    """Occupies the one thread; what comes then has to wait."""
    servable.gate.clear()
    first = ask(scheduler, servable, 100)
    await asyncio.sleep(0.01)
    return first


def test_what_waits_runs_together_and_is_cut_apart():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        others = [ask(scheduler, servable, n, n + 0.5) for n in (1, 2, 3)]
        await asyncio.sleep(0.01)
        assert scheduler.num_waiting() == 3
        servable.gate.set()
        return [await one for one in (first, *others)]

    found, servable = play(scenario)
    assert servable.ran == [("rows", 1), ("rows", 4), ("rows", 2)]
    for n, outputs in zip((1, 2, 3), found[1:], strict=True):
        np.testing.assert_array_equal(outputs["y"], rows(2 * n, 2 * n + 1)["x"])


def test_answers_do_not_share_the_batchs_memory():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        others = [ask(scheduler, servable, n) for n in (1, 2)]
        await asyncio.sleep(0.01)
        servable.gate.set()
        await first
        return [(await one)["y"] for one in others]

    found, _ = play(scenario)
    assert all(one.base is None for one in found)


def test_a_lone_request_waits_for_nobody():
    async def scenario(scheduler, servable):
        start = time.monotonic()
        await ask(scheduler, servable, 1)
        return time.monotonic() - start

    # A timeout of zero: rows gather only while all threads are busy.
    assert play(scenario)[0] < 5


def test_the_timeout_gathers_rows_while_a_thread_is_free():
    async def scenario(scheduler, servable):
        first = ask(scheduler, servable, 1)
        await asyncio.sleep(0.01)
        assert servable.ran == []
        second = ask(scheduler, servable, 2)
        await asyncio.gather(first, second)

    _, servable = play(scenario, batch_timeout_micros=100_000)
    assert servable.ran == [("rows", 2)]


@pytest.mark.parametrize("micros", [200, 700, 3000])
@pytest.mark.parametrize("name", ["asyncio", "uvloop"])
def test_the_timeout_ends_on_every_loop(name, micros):
    reason = "uvloop is not installed; Windows has none."
    loops = pytest.importorskip(name, reason=reason)

    async def scenario(scheduler, servable):
        for number in range(30):
            answers = await asyncio.gather(
                ask(scheduler, servable, number),
                ask(scheduler, servable, number + 1),
            )
            found = [answer["y"][0, 0] for answer in answers]
            assert found == [2 * number, 2 * number + 2]

    _, servable = play(scenario, loops.run, batch_timeout_micros=micros)
    assert sum(count for _, count in servable.ran) == 60


def test_a_full_batch_does_not_wait_for_the_timeout():
    async def scenario(scheduler, servable):
        parts = [ask(scheduler, servable, n) for n in range(4)]
        await asyncio.gather(*parts)

    _, servable = play(scenario, batch_timeout_micros=60_000_000)
    assert servable.ran == [("rows", 4)]


@pytest.mark.parametrize(("count", "size"), [(1, 2), (2, 2), (3, 4)])
def test_a_batch_is_filled_up_to_an_allowed_size(count, size):
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        others = [ask(scheduler, servable, n) for n in range(count)]
        await asyncio.sleep(0.01)
        servable.gate.set()
        await first
        return [(await one)["y"] for one in others]

    found, servable = play(scenario, allowed_batch_sizes=(2, 4))
    assert servable.ran[1] == ("rows", size)
    for n, y in enumerate(found):
        np.testing.assert_array_equal(y, rows(2 * n)["x"])


def test_a_full_queue_refuses_at_once():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        waiting = [ask(scheduler, servable, *range(4)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(ServingError, match="is full; currently has 2"):
            await ask(scheduler, servable, *range(4))
        # Another signature has a queue of its own.
        other = ask(scheduler, servable, 1, signature="more")
        servable.gate.set()
        await asyncio.gather(first, other, *waiting)
        await ask(scheduler, servable, *range(4))

    play(scenario, max_enqueued_batches=2)


def test_a_full_queue_is_unavailable():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        waiting = ask(scheduler, servable, *range(4))
        await asyncio.sleep(0)
        with pytest.raises(ServingError) as caught:
            await ask(scheduler, servable, *range(4))
        servable.gate.set()
        await asyncio.gather(first, waiting)
        return caught.value

    error, _ = play(scenario, max_enqueued_batches=1)
    assert (error.code, error.http_status) == (Code.UNAVAILABLE, 503)


def test_a_bad_request_does_not_take_others_down():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        asked = [ask(scheduler, servable, n) for n in (1, -1, 2)]
        await asyncio.sleep(0.01)
        servable.gate.set()
        await first
        return await asyncio.gather(*asked, return_exceptions=True)

    (one, bad, two), _ = play(scenario)
    assert isinstance(bad, ServingError) and bad.message == "negative"
    np.testing.assert_array_equal(one["y"], rows(2)["x"])
    np.testing.assert_array_equal(two["y"], rows(4)["x"])


def test_a_deadline_is_honoured_and_its_place_is_free():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        deadline = asyncio.get_running_loop().time() + 0.05
        late = ask(scheduler, servable, 1, deadline=deadline)
        with pytest.raises(ServingError, match="deadline passed") as caught:
            await late
        assert caught.value.code == Code.DEADLINE_EXCEEDED
        assert scheduler.num_waiting() == 0
        servable.gate.set()
        await first

    _, servable = play(scenario)
    assert servable.ran == [("rows", 1)]


def test_a_client_that_goes_away_frees_its_place():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        gone, stays = ask(scheduler, servable, 1), ask(scheduler, servable, 2)
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0.01)
        assert scheduler.num_waiting() == 1
        servable.gate.set()
        await first
        return (await stays)["y"]

    y, servable = play(scenario)
    assert servable.ran == [("rows", 1), ("rows", 1)]
    np.testing.assert_array_equal(y, rows(4)["x"])


def test_a_client_that_goes_away_while_it_runs():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        first.cancel()
        await asyncio.sleep(0.01)
        servable.gate.set()
        return (await ask(scheduler, servable, 2))["y"]

    np.testing.assert_array_equal(play(scenario)[0], rows(4)["x"])


def test_large_requests_are_split():
    async def scenario(scheduler, servable):
        return (await ask(scheduler, servable, *range(10)))["y"]

    y, servable = play(scenario)
    np.testing.assert_array_equal(y, rows(*range(0, 20, 2))["x"])
    assert servable.ran == [("rows", 4), ("rows", 4), ("rows", 2)]


def test_large_requests_are_refused_where_they_are_not_split():
    async def scenario(scheduler, servable):
        await ask(scheduler, servable, *range(5))

    message = "Task size 5 is larger than maximum input batch size 4"
    with pytest.raises(ServingError, match=message):
        play(scenario, enable_large_batch_splitting=False)


def test_an_empty_request():
    async def scenario(scheduler, servable):
        return (await ask(scheduler, servable))["y"]

    y, _ = play(scenario, allowed_batch_sizes=(2, 4))
    assert y.shape == (0, 2)


def test_scalars_run_alone():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        asked = [
            scheduler.run(servable, "scalar", {"s": np.float32(n)})
            for n in range(3)
        ]
        found = asyncio.gather(*asked)
        await asyncio.sleep(0.01)
        servable.gate.set()
        await first
        return [float(one["t"]) for one in await found]

    found, servable = play(scenario)
    assert found == [0, 2, 4]
    assert servable.ran.count(("scalar", 1)) == 3


def test_signatures_take_turns():
    async def scenario(scheduler, servable):
        first = await held(scheduler, servable)
        asked = [ask(scheduler, servable, *range(4)) for _ in range(3)]
        asked.append(ask(scheduler, servable, 1, signature="more"))
        await asyncio.sleep(0.01)
        servable.gate.set()
        await asyncio.gather(first, *asked)

    _, servable = play(scenario)
    assert [name for name, _ in servable.ran].index("more") <= 2


def test_unequal_numbers_of_rows():
    class Two(Doubling):
        signatures = {"rows": Signature({"x": ROWS, "w": ROWS}, {"y": ROWS})}

    async def scenario(scheduler, _):
        inputs = {"x": rows(1)["x"], "w": rows(1, 2)["x"]}
        await scheduler.run(Two(), "rows", inputs)

    with pytest.raises(ServingError, match="must have equal 0th-dimension"):
        play(scenario)


def test_without_batching_every_request_runs_alone():
    scheduler, servable = Scheduler(None), Doubling()

    async def scenario():
        asked = [ask(scheduler, servable, *range(n)) for n in (1, 2, 100)]
        return [len((await one)["y"]) for one in asked]

    try:
        assert asyncio.run(scenario()) == [1, 2, 100]
    finally:
        scheduler.close()
    assert sorted(servable.ran) == [("rows", 1), ("rows", 2), ("rows", 100)]


def test_the_observer_is_told():
    told = []
    parameters = BatchingParameters(4, allowed_batch_sizes=(3, 4))
    servable = Doubling()
    scheduler = Scheduler(parameters, lambda *what: told.append(what))
    try:
        asyncio.run(scheduler.run(servable, "rows", rows(1, 2)))
    finally:
        scheduler.close()
    ((*what, waited),) = told
    assert what == [servable, "rows", 2, 1]
    assert 0 <= waited < 5


def test_many_threads_and_clients_mix_nothing_up():
    async def client(scheduler, servable, number):
        for step in range(50):
            value = number * 1000 + step
            y = (await ask(scheduler, servable, value, value + 0.5))["y"]
            np.testing.assert_array_equal(
                y, rows(2 * value, 2 * value + 1)["x"]
            )

    async def scenario(scheduler, servable):
        clients = [client(scheduler, servable, n) for n in range(40)]
        await asyncio.gather(*clients)
        assert scheduler.num_waiting() == 0
        assert scheduler._queues == {}

    _, servable = play(scenario, num_batch_threads=4, max_batch_size=16)
    assert sum(size for _, size in servable.ran) == 40 * 50 * 2
    assert max(size for _, size in servable.ran) > 2


def test_a_closed_scheduler_answers_unavailable():
    async def scenario(scheduler, servable):
        scheduler.close()
        with pytest.raises(ServingError, match="stopping") as caught:
            await ask(scheduler, servable, 1)
        assert caught.value.code == Code.UNAVAILABLE

    play(scenario)
