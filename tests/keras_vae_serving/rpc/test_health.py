import grpc
import pytest

from keras_vae_serving.rpc import messages, services
from tests.keras_vae_serving.rpc.loopback import CHECK, WATCH, Loopback

pytestmark = pytest.mark.once

Response = messages.HealthCheckResponse


@pytest.fixture
def loopback():
    with Loopback() as started:
        yield started


def check(loopback, service=""):
    request = messages.HealthCheckRequest(service=service)
    return loopback.call(CHECK, request).status


async def in_loop(action, *arguments):
    action(*arguments)


@pytest.mark.parametrize("service", ["", "ModelService", "PredictionService"])
def test_check(loopback, service):
    assert check(loopback, service) == Response.SERVING
    loopback.run(in_loop(loopback.health.set_serving, False))
    assert check(loopback, service) == Response.NOT_SERVING
    loopback.run(in_loop(loopback.health.set_serving, True))
    assert check(loopback, service) == Response.SERVING
    loopback.run(in_loop(loopback.health.stop))
    loopback.run(in_loop(loopback.health.set_serving, True))
    assert check(loopback, service) == Response.NOT_SERVING


def test_unknown_service(loopback):
    request = messages.HealthCheckRequest(service="nope")
    assert loopback.error(CHECK, request) == (
        "NOT_FOUND",
        "service name unknown",
    )


def test_watch_tells_changes_and_ends_with_the_server(loopback):
    watch = loopback.watch("ModelService")
    assert next(watch).status == Response.SERVING
    loopback.run(in_loop(loopback.health.set_serving, True))
    loopback.run(in_loop(loopback.health.set_serving, False))
    assert next(watch).status == Response.NOT_SERVING
    loopback.run(in_loop(loopback.health.set_serving, True))
    assert next(watch).status == Response.SERVING
    loopback.run(in_loop(loopback.health.stop))
    assert [one.status for one in watch] == [Response.NOT_SERVING]


def test_watch_an_unknown_service(loopback):
    watch = loopback.watch("nope")
    assert next(watch).status == Response.SERVICE_UNKNOWN
    loopback.run(in_loop(loopback.health.set_serving, False))
    loopback.run(in_loop(loopback.health.stop))
    assert list(watch) == []


def test_watch_needs_a_message(loopback):
    channel = grpc.insecure_channel(loopback.address)
    with pytest.raises(grpc.RpcError, match="not a valid grpc.health"):
        list(channel.unary_stream(WATCH)(b"\xff", timeout=10))
    channel.close()


def test_as_many_watch_as_may(loopback):
    watching = [loopback.watch() for _ in range(services.MAX_WATCHERS)]
    assert all(next(one).status == Response.SERVING for one in watching)
    with pytest.raises(grpc.RpcError, match="use Check") as caught:
        next(loopback.watch())
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert check(loopback) == Response.SERVING
    watching.pop().cancel()
    watching.append(_first_that_is_let_in(loopback))
    loopback.run(in_loop(loopback.health.stop))
    for watch in watching:
        assert [one.status for one in watch] == [Response.NOT_SERVING]


def _first_that_is_let_in(loopback):
    for _ in range(1000):
        watch = loopback.watch()
        try:
            assert next(watch).status == Response.SERVING
            return watch
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    raise AssertionError("A place that was left was not given away.")
