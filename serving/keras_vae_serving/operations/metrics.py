"""Prometheus metrics, with labels of which there is a bounded number.

TensorFlow Serving labels its metrics with whatever name a client sends;
here a model is named only once it has been found.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from keras_vae_serving.servable import Servable
from keras_vae_serving.status import Code

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LATENCIES_S = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
)  # fmt: skip
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_PREFIX = "keras_vae_serving_"
_OF_SIGNATURE = ("model", "signature")


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            f"{_PREFIX}requests",
            "Requests that were answered, by protocol, method and code.",
            ("protocol", "method", "code"),
            registry=self.registry,
        )
        self._seconds = self._histogram(
            "request_seconds",
            "Time from a request to its answer.",
            ("protocol", "method"),
            _LATENCIES_S,
        )
        self._predictions = Counter(
            f"{_PREFIX}predictions",
            "Calls of signatures, by code.",
            (*_OF_SIGNATURE, "code"),
            registry=self.registry,
        )
        self._rows = Counter(
            f"{_PREFIX}rows",
            "Rows that were computed.",
            _OF_SIGNATURE,
            registry=self.registry,
        )
        self._batch_rows = self._histogram(
            "batch_rows", "Rows of a batch.", _OF_SIGNATURE, _SIZES
        )
        self._padding = Counter(
            f"{_PREFIX}padding_rows",
            "Rows that filled batches up to an allowed size.",
            _OF_SIGNATURE,
            registry=self.registry,
        )
        self._waiting_s = self._histogram(
            "queue_seconds",
            "How long a batch's first request waited for a thread.",
            _OF_SIGNATURE,
            _LATENCIES_S,
        )
        self.in_flight = Gauge(
            f"{_PREFIX}requests_in_flight",
            "Requests that are being answered.",
            ("protocol",),
            registry=self.registry,
        )

    def _histogram(
        self,
        name: str,
        text: str,
        labels: tuple[str, ...],
        buckets: tuple[float, ...],
    ) -> Histogram:
        return Histogram(
            _PREFIX + name,
            text,
            labels,
            buckets=buckets,
            registry=self.registry,
        )

    def request(
        self, protocol: str, method: str, code: str, seconds: float
    ) -> None:
        """Counts a request that was answered.

        Args:
            protocol: `"rest"` or `"grpc"`.
            method: One of a fixed set of words.
            code: The HTTP status, or the name of gRPC's code.
            seconds: How long it took.
        """
        self._requests.labels(protocol, method, code).inc()
        self._seconds.labels(protocol, method).observe(seconds)

    def prediction(
        self, servable: Servable, signature: str, code: Code
    ) -> None:
        """Counts a call of a signature."""
        self._predictions.labels(servable.name, signature, code.name).inc()

    def batch(
        self,
        servable: Servable,
        signature: str,
        rows: int,
        padding: int,
        waited_s: float,
    ) -> None:
        """Counts a batch that runs; what a scheduler tells its observer."""
        labels = (servable.name, signature)
        self._rows.labels(*labels).inc(rows)
        self._batch_rows.labels(*labels).observe(rows)
        self._padding.labels(*labels).inc(padding)
        self._waiting_s.labels(*labels).observe(waited_s)

    def text(self) -> bytes:
        """Returns all metrics in Prometheus's text format."""
        return generate_latest(self.registry)
