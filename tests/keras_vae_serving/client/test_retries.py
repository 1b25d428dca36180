import pytest

from keras_vae_serving.client.retries import Retries
from keras_vae_serving.client.steps import Describe, Wait
from keras_vae_serving.status import Code, ServingError

pytestmark = pytest.mark.once

REQUEST = Describe("")


def carry_out(steps, answers):
    """What is waited, and what comes of it: a value or an error."""
    waits, step, answers = [], next(steps), list(answers)
    try:
        while True:
            if isinstance(step, Wait):
                waits.append(step.seconds)
                step = steps.send(None)
                continue
            assert step == REQUEST
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                step = steps.throw(answer)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return waits, end.value
    except ServingError as error:
        assert not answers, "It was given up too early."
        return waits, error.code


def failure(code):
    return ServingError(code, "words")


def test_unavailable_is_tried_again_with_growing_waits():
    busy = failure(Code.UNAVAILABLE)
    answers = [busy, busy, busy, "answer"]
    waits, result = carry_out(Retries(3).send(REQUEST), answers)
    assert result == "answer"
    assert len(waits) == 3
    for number, wait_s in enumerate(waits):
        assert 0.05 * 2**number <= wait_s <= 0.1 * 2**number


@pytest.mark.parametrize("count", [0, 1, 5])
def test_it_is_given_up_after_so_many(count):
    answers = [failure(Code.UNAVAILABLE) for _ in range(count + 1)]
    waits, result = carry_out(Retries(count).send(REQUEST), answers)
    assert (len(waits), result) == (count, Code.UNAVAILABLE)


@pytest.mark.parametrize("code", set(Code) - {Code.UNAVAILABLE, Code.OK})
def test_nothing_else_is_sent_twice(code):
    steps = Retries(3).send(REQUEST)
    assert carry_out(steps, [failure(code)]) == ([], code)


def test_another_failure_ends_the_retries():
    answers = [failure(Code.UNAVAILABLE), failure(Code.NOT_FOUND)]
    waits, result = carry_out(Retries(3).send(REQUEST), answers)
    assert (len(waits), result) == (1, Code.NOT_FOUND)


def test_waits_do_not_grow_for_ever():
    waits = list(Retries(2000, largest_s=2.0).waits())
    assert len(waits) == 2000
    assert 1.0 <= min(waits[10:]) and max(waits) <= 2.0
    assert len(set(waits[10:])) > 1000  # they are drawn


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(None, 0.05, 0.1), (0, 0.05, 0.1), (1, 1, 1.25), (3600, 2, 2)],
)
def test_a_server_that_says_when_is_asked_no_sooner(asked, least, most):
    busy = failure(Code.UNAVAILABLE)
    busy.retry_after_s = asked
    steps = Retries(1, largest_s=2.0).send(REQUEST)
    (wait_s,), _ = carry_out(steps, [busy, "answer"])
    assert least <= wait_s <= most


def test_counts_that_are_none():
    with pytest.raises(TypeError, match="must be an integer.*'3' of type str"):
        Retries("3")
    with pytest.raises(TypeError, match="Received: retries=True of type bool"):
        Retries(True)
    with pytest.raises(ValueError, match="must be at least 0. Received: .*-1"):
        Retries(-1)
