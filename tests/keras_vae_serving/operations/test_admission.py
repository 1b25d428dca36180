import asyncio

import pytest

from keras_vae_serving.operations.admission import Admission
from keras_vae_serving.operations.keys import Keys
from keras_vae_serving.status import ServingError

pytestmark = pytest.mark.once

KEY = "a-key-of-sixteen-characters"


def test_no_more_than_so_many_at_once():
    admission = Admission(Keys(), 2)
    with admission.admit({}), admission.admit({}):
        assert admission.in_flight == 2
        with pytest.raises(ServingError, match="2 requests already") as caught:
            with admission.admit({}):
                pytest.fail("A third one was let in.")
    assert caught.value.http_status == 503
    assert admission.in_flight == 0
    with admission.admit({}):
        pass


def test_a_request_that_fails_leaves_its_place():
    admission = Admission(Keys(), 1)
    with pytest.raises(KeyError):
        with admission.admit({}):
            raise KeyError
    assert admission.in_flight == 0


def test_keys_are_asked_for():
    admission = Admission(Keys([KEY]), 1)
    with pytest.raises(ServingError, match="valid API key"):
        with admission.admit({}):
            pytest.fail("It was let in.")
    with admission.admit({"x-api-key": KEY}):
        assert admission.in_flight == 1


def test_who_is_in_is_waited_for_and_nobody_comes_in():
    async def scenario():
        admission = Admission(Keys(), 5)
        with admission.admit({}):
            stopping = asyncio.create_task(admission.stop(5))
            await asyncio.sleep(0.01)
            assert not stopping.done()
            with pytest.raises(ServingError, match="is stopping") as caught:
                with admission.admit({}):
                    pytest.fail("It was let in.")
            assert caught.value.http_status == 503
        return await stopping

    assert asyncio.run(scenario()) is True


def test_who_takes_too_long_is_not_waited_for():
    async def scenario():
        admission = Admission(Keys(), 5)
        with admission.admit({}):
            return await admission.stop(0.01)

    assert asyncio.run(scenario()) is False


def test_nobody_comes_in_before_it_has_started():
    admission = Admission(Keys([KEY]), 1)
    admission.is_starting = True
    with pytest.raises(ServingError, match="is starting: its models") as caught:
        with admission.admit({}):
            pytest.fail("It was let in.")
    assert caught.value.http_status == 503
    admission.is_starting = False
    with admission.admit({"x-api-key": KEY}):
        pass
