"""The worker processes that compare the backends."""

import numpy as np
import pytest

from tests.workers import BACKENDS, WorkerError, Workers, pack, unpack

pytestmark = pytest.mark.once


def test_values_survive_the_journey():
    values = {
        "nested": [{"a": np.arange(3)}, None, "b", [1.5, True]],
        "scalar": np.float32(0.1),
    }
    back = unpack(pack(values))
    np.testing.assert_array_equal(back["nested"][0]["a"], np.arange(3))
    assert back["nested"][1:] == [None, "b", [1.5, True]]
    assert back["scalar"] == np.float32(0.1)
    assert back["scalar"].dtype == np.float32


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_worker_runs_its_backend(workers, backend):
    answer = workers(backend).call("tests.worker_tasks:versions")
    assert answer["backend"] == backend
    assert backend in answer["loaded"]


def test_printing_does_not_disturb_the_answers(workers):
    answer = workers("jax").call("tests.worker_tasks:echo", x=np.ones(2), y=1)
    assert list(answer["x"]) == [1, 1]
    assert answer["y"] == 1


def test_a_failing_task_shows_its_traceback(workers):
    with pytest.raises(WorkerError, match="ValueError: no such thing"):
        workers("jax").call("tests.worker_tasks:fail", message="no such thing")
    assert workers("jax").call("tests.worker_tasks:echo") == {}


def test_unknown_backend():
    with pytest.raises(ValueError, match="`backend` must be one of"):
        Workers().get("theano")


@pytest.mark.slow
def test_a_task_that_takes_too_long_is_ended():
    pool = Workers()
    worker = pool.get("jax")
    with pytest.raises(WorkerError, match="took over 1 seconds"):
        worker.call("tests.worker_tasks:wait", timeout=1, seconds=60)
    assert not worker.alive
    pool.stop()
