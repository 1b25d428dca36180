"""Prometheus metrics, with labels of which there is a bounded number.

TensorFlow Serving labels its metrics with whatever name a client sends;
here a model is named only once it has been found.
"""

from collections.abc import Callable, Collection, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
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
_OF_CALL = (*_OF_SIGNATURE, "code")
_Labels = tuple[str, ...]


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # of memory, time and files
        self._known_versions: set[tuple[str, int]] = set()
        self._requests = self._counter(
            "requests",
            "Requests that were answered, by protocol, method and code.",
            ("protocol", "method", "code"),
        )
        self._seconds = self._histogram(
            "request_seconds",
            "Time from a request to its answer.",
            ("protocol", "method"),
            _LATENCIES_S,
        )
        self._predictions = self._counter(
            "predictions", "Calls of signatures, by code.", _OF_CALL
        )
        self._rows = self._counter(
            "rows", "Rows that were computed.", _OF_SIGNATURE
        )
        self._batch_rows = self._histogram(
            "batch_rows", "Rows of a batch.", _OF_SIGNATURE, _SIZES
        )
        self._padding = self._counter(
            "padding_rows",
            "Rows that filled batches up to an allowed size.",
            _OF_SIGNATURE,
        )
        self._waiting_s = self._histogram(
            "queue_seconds",
            "How long a batch's first request waited for a thread.",
            _OF_SIGNATURE,
            _LATENCIES_S,
        )
        self.in_flight = self._gauge(
            "requests_in_flight",
            "Requests that are being answered.",
            ("protocol",),
        )
        for protocol in ("rest", "grpc"):
            self.in_flight.labels(protocol)  # 0 from the beginning
        self._waiting = self._gauge(
            "requests_waiting", "Requests that wait for a thread."
        )
        self._refused = self._counter(
            "refused_connections",
            "Connections that were ended before there was a request, by code.",
            ("code",),
        )
        self._versions = self._gauge(
            "version_available",
            "Whether a version of a model answers.",
            ("model", "version"),
        )

    def watch_queue(self, num_waiting: Callable[[], int]) -> None:
        """Tells from now on how many requests wait."""
        self._waiting.set_function(num_waiting)

    def refused(self, status: int) -> None:
        """Counts a connection that was ended without a request."""
        self._refused.labels(str(status)).inc()

    def keep(self, models: Collection[str]) -> None:
        """Forgets the versions of all models but these."""
        for name in {name for name, _ in self._known_versions} - {*models}:
            self.versions(name, {})

    def versions(self, model: str, available: Mapping[int, bool]) -> None:
        """Notes which versions of a model answer; forgets all others."""
        stale = [
            labels
            for labels in self._known_versions
            if labels[0] == model and labels[1] not in available
        ]
        for name, version in stale:
            self._versions.remove(name, str(version))
            self._known_versions.discard((name, version))
        for version, answers in available.items():
            self._known_versions.add((model, version))
            self._versions.labels(model, str(version)).set(int(answers))

    def _counter(self, name: str, text: str, labels: _Labels = ()) -> Counter:
        return Counter(_PREFIX + name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: _Labels = ()) -> Gauge:
        return Gauge(_PREFIX + name, text, labels, registry=self.registry)

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
