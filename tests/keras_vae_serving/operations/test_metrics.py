import pytest
from prometheus_client.parser import text_string_to_metric_families

from keras_vae_serving.operations.metrics import CONTENT_TYPE, Metrics
from keras_vae_serving.status import Code
from tests.keras_vae_serving.echo import EchoServer, ModelSpec

pytestmark = pytest.mark.once

PREFIX = "keras_vae_serving_"


@pytest.fixture
def servable():
    with EchoServer().acquire(ModelSpec("echo")) as found:
        return found


def samples(metrics, name):
    """By its labels' values, in the order of their names, each value."""
    return {
        tuple(value for _, value in sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for one in family.samples
        if one.name == PREFIX + name
    }


def test_requests():
    metrics = Metrics()
    metrics.request("rest", "predict", "200", 0.003)
    metrics.request("rest", "predict", "200", 20.0)
    metrics.request("grpc", "Predict", "OK", 0.1)
    assert samples(metrics, "requests_total") == {
        ("200", "predict", "rest"): 2,
        ("OK", "Predict", "grpc"): 1,
    }
    buckets = samples(metrics, "request_seconds_bucket")
    assert buckets["0.0025", "predict", "rest"] == 0
    assert buckets["0.005", "predict", "rest"] == 1
    assert buckets["10.0", "predict", "rest"] == 1
    assert buckets["+Inf", "predict", "rest"] == 2


def test_signatures_and_batches(servable):
    metrics = Metrics()
    metrics.prediction(servable, "two_in", Code.OK)
    metrics.prediction(servable, "two_in", Code.UNAVAILABLE)
    metrics.batch(servable, "two_in", 5, 3, 0.02)
    metrics.batch(servable, "two_in", 2, 0, 0.02)
    key = ("echo", "two_in")
    assert samples(metrics, "rows_total") == {key: 7}
    assert samples(metrics, "padding_rows_total") == {key: 3}
    assert samples(metrics, "batch_rows_count") == {key: 2}
    assert samples(metrics, "queue_seconds_sum")[key] == pytest.approx(0.04)
    found = samples(metrics, "predictions_total")
    assert {*found.values()} == {1}
    assert {code for code, *_ in found} == {"OK", "UNAVAILABLE"}


def test_what_is_in_flight_is_there_from_the_beginning():
    metrics = Metrics()
    assert samples(metrics, "requests_in_flight") == {
        ("rest",): 0,
        ("grpc",): 0,
    }
    with metrics.in_flight.labels("grpc").track_inprogress():
        assert samples(metrics, "requests_in_flight")["grpc",] == 1


def test_the_queue_is_asked_each_time():
    metrics = Metrics()
    waiting = [1, 2]
    metrics.watch_queue(lambda: len(waiting))
    assert samples(metrics, "requests_waiting") == {(): 2}
    waiting.clear()
    assert samples(metrics, "requests_waiting") == {(): 0}


def test_connections_that_are_refused():
    metrics = Metrics()
    for status in (431, 400, 431):
        metrics.refused(status)
    assert samples(metrics, "refused_connections_total") == {
        ("400",): 1,
        ("431",): 2,
    }


def test_versions_that_are_gone_are_forgotten():
    metrics = Metrics()
    metrics.versions("a", {1: True, 2: False})
    metrics.versions("b", {1: True})
    assert samples(metrics, "version_available") == {
        ("a", "1"): 1,
        ("a", "2"): 0,
        ("b", "1"): 1,
    }
    metrics.versions("a", {2: True})
    metrics.keep(["a"])
    assert samples(metrics, "version_available") == {("a", "2"): 1}
    metrics.keep([])
    assert samples(metrics, "version_available") == {}


def test_servers_do_not_share_their_metrics():
    one, other = Metrics(), Metrics()
    one.refused(400)
    assert samples(other, "refused_connections_total") == {}


def test_the_format_is_that_of_prometheus():
    text = Metrics().text().decode()
    assert CONTENT_TYPE.startswith("text/plain; version=0.0.4")
    assert f"# TYPE {PREFIX}requests_total counter" in text
    assert text.endswith("\n")
