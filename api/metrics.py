"""How the service is doing, in numbers that Prometheus collects. No answer, no person and no tenant is ever among them."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from threading import Lock

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from rules.definitions import Model

MEDIA_TYPE = CONTENT_TYPE_LATEST
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which processes behind one address are told where they count together."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "_OTHER"
"""What any other method is called: callers may invent as many as they like."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds that requests are told apart by; an assessment takes about a millisecond."""
FRESH = 5.0
"""Seconds for which what was looked up is told again: whoever asks without end does not hold the database."""

Watch = Callable[[], Iterable[Metric]]
"""Something that is looked up when somebody asks."""


class Metrics:
    """What one process counts, and what is looked up when somebody asks.

    The names are those of OpenTelemetry's conventions, as Prometheus writes them. Its own library
    is not used: counting takes it four times as long, and it cannot add up several processes.
    """

    def __init__(self, model: Model, watches: Iterable[Watch]) -> None:
        self._own = CollectorRegistry()
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP requests, by route",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=BUCKETS,
            registry=self._own,
        )
        self._looked_up = CollectorRegistry()
        for watch in (lambda: tell_model(model), *watches):
            self._looked_up.register(Watched(watch))

    def count(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request; one that no route was found for has none."""
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route or "", status).observe(seconds)

    def write(self) -> bytes:
        """Everything there is to tell, in Prometheus' text format; of all processes that count together."""
        counted = self._own
        if SHARED_FOLDER in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        return generate_latest(counted) + generate_latest(self._looked_up)


class Watched(Collector):
    """Looks something up when it is asked for, and keeps it for a moment; one looks at a time, others get what is known."""

    def __init__(self, watch: Watch) -> None:
        self._watch, self._until = watch, 0.0
        self._found: tuple[Metric, ...] | None = None
        self._looking = Lock()

    def collect(self) -> Iterator[Metric]:
        """What was found."""
        if time.monotonic() >= self._until and self._looking.acquire(blocking=self._found is None):
            try:
                if time.monotonic() >= self._until:
                    self._found = tuple(self._watch())
                    self._until = time.monotonic() + FRESH
            finally:
                self._looking.release()
        yield from self._found or ()

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: it would have to be looked up before anything is there."""
        return ()


def tell_model(model: Model) -> Iterator[Metric]:
    """Which rules are served, so that processes with different ones are noticed."""
    told = GaugeMetricFamily(
        "psoas_model_info", "The rules that are served", labels=("version", "digest")
    )
    told.add_metric((model.version, model.digest), 1)
    yield told
