"""More requests than a server takes, and answers that come too late."""

import concurrent.futures
import time

import grpc
import pytest

from tests.keras_vae_serving.faults.served import (
    PREDICT,
    call,
    requests,
    wait_for,
)

pytestmark = [pytest.mark.once, pytest.mark.slow]

ONE_THREAD = "num_batch_threads { value: 1 }\n"


@pytest.fixture
def batching(tmp_path):
    """Writes a file of batching parameters; returns the option."""

    def write(text):
        path = tmp_path / "batching.config"
        path.write_text(ONE_THREAD + text)
        return f"--batching-parameters-file={path}"

    return write


def in_parallel(function, arguments):
    """What each call gives, and how many seconds it took."""

    def timed(argument):
        start = time.monotonic()
        return function(argument), time.monotonic() - start

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        return list(pool.map(timed, arguments))


def test_a_full_queue_refuses_at_once(slow, batching):
    server = slow(
        batching(
            "max_batch_size { value: 2 }\n"
            "max_enqueued_batches { value: 3 }\n"
            "batch_timeout_micros { value: 0 }\n"
        )
    )
    found = in_parallel(server.decode, [[[0.7, 0, 0]]] * 40)
    good = [one for (status, one), _ in found if status == 200]
    refused = [
        (answer["error"], seconds)
        for (status, answer), seconds in found
        if status == 503
    ]
    assert len(good) + len(refused) == 40
    # One batch of one runs; three of two wait, or four where one has begun.
    assert 7 <= len(good) <= 10
    for error, seconds in refused:
        assert "queue to which this task was submitted is full" in error
        assert seconds < 0.65
    assert server.decode([[0, 0, 0]])[0] == 200
    assert server.metric("requests_waiting") == 0


def test_a_full_queue_over_grpc(slow, batching):
    server = slow(
        batching(
            "max_batch_size { value: 1 }\nmax_enqueued_batches { value: 2 }\n"
        )
    )
    channel = server.channel()
    data = requests.predict("decode", model="digits", z=[[0.5, 0, 0]])
    asked = [
        channel.unary_unary(PREDICT).future(data.SerializeToString())
        for _ in range(20)
    ]
    codes = [one.code() for one in asked]  # waits for each
    assert {*codes} == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert 3 <= codes.count(grpc.StatusCode.OK) <= 4
    call(channel, [[0, 0, 0]])
    channel.close()


def test_more_requests_than_it_takes(slow):
    server = slow("--max-requests=5")
    found = in_parallel(server.decode, [[[0.7, 0, 0]]] * 20)
    assert sorted(status for (status, _), _ in found) == [200] * 5 + [503] * 15
    for (status, answer), seconds in found:
        if status == 503:
            assert "The server answers 5 requests already" in answer["error"]
            assert seconds < 0.65
    assert server.decode([[0, 0, 0]])[0] == 200


def test_metrics_and_probes_are_answered_when_nothing_else_is(slow):
    server = slow("--max-requests=1")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(server.decode, [[1.0, 0, 0]])
        wait_for(lambda: server.metric("requests_in_flight", protocol="rest"))
        status, headers, _ = server.ask_all("/v1/models/digits")
        assert (status, headers["retry-after"]) == (503, "1")
        assert server.ready()
        assert not asked.done()
        assert asked.result()[0] == 200


def test_a_request_may_take_only_so_long(slow):
    server = slow("--rest-api-timeout-in-ms=400")
    start = time.monotonic()
    status, answer = server.decode([[2.5, 0, 0]])
    assert (status, answer) == (504, {"error": "Timed out after 400 ms"})
    with server.channel() as channel:
        with pytest.raises(grpc.RpcError) as caught:
            call(channel, [[2.5, 0, 0]])
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 2
    server.wait_idle()


def test_what_waits_too_long_is_never_run(slow, batching):
    server = slow(
        batching("max_batch_size { value: 1 }\n"),
        "--rest-api-timeout-in-ms=5000",
    )
    with (
        server.channel() as channel,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(server.decode, [[1.0, 0, 0]])
        wait_for(lambda: server.metric("requests_in_flight", protocol="rest"))
        for _ in range(5):  # They would take the thread for 10 s.
            with pytest.raises(grpc.RpcError) as caught:
                call(channel, [[2.0, 0, 0]], timeout=0.1)
            code = caught.value.code()
            assert code == grpc.StatusCode.DEADLINE_EXCEEDED
        assert running.result()[0] == 200
        start = time.monotonic()
        call(channel, [[0, 0, 0]])
        assert time.monotonic() - start < 1
    assert server.metric("requests_waiting") == 0
    # On a busy machine a client's time may be over before its call arrives.
    late = {"protocol": "grpc", "method": "Predict"}
    counted = server.metric("requests_total", code="DEADLINE_EXCEEDED", **late)
    assert 1 <= counted <= 5
