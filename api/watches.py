"""What is looked up for those who watch the service: whether what it needs answers, and how its work stands."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlmodel import Session

from api.metrics import Watch
from api.rates import Rates
from api.storage.batches import Standing, read_standing
from api.storage.database import Database
from api.storage.deliveries import DeliveryStanding, read_deliveries
from api.storage.failures import StorageUnavailable


def watch_database(database: Database, clock: Callable[[], datetime]) -> Watch:
    """What tells how the database is, and the batches and deliveries in it, of all tenants."""

    def look() -> Iterator[Metric]:
        told = "1 while the database answers, else 0"
        try:
            now = clock()
            batches, deliveries = database.look_up(lambda session: read_work(session, now))
        except StorageUnavailable:
            yield GaugeMetricFamily("psoas_storage_up", told, value=0)
            return
        yield GaugeMetricFamily("psoas_storage_up", told, value=1)
        yield tell_counts("psoas_batches", "Batches of all tenants", "state", batches.counts)
        yield tell_counts(
            "psoas_batches_under_way",
            "Batches under way by the rules that their worker has",
            "digest",
            batches.scored_by,
        )
        yield tell_counts(
            "psoas_deliveries", "Messages to webhooks of all tenants", "state", deliveries.counts
        )
        for name, about, since in (
            (
                "psoas_batch_waiting_seconds",
                "Since when the batch waits that has waited longest; 0 when none does",
                batches.waiting_since,
            ),
            (
                "psoas_batch_silent_seconds",
                "Since when the batch under way that has been silent longest got no further; 0 when none is",
                batches.silent_since,
            ),
            (
                "psoas_delivery_due_seconds",
                "Since when an attempt is due that nobody makes, for the longest; 0 when none is",
                deliveries.due_since,
            ),
        ):
            seconds = max(0.0, (now - since).total_seconds()) if since else 0.0
            yield GaugeMetricFamily(name, about, value=seconds)

    return look


def read_work(session: Session, moment: datetime) -> tuple[Standing, DeliveryStanding]:
    """How batches and deliveries stand."""
    return read_standing(session), read_deliveries(session, moment)


def tell_counts(name: str, about: str, label: str, counts: Mapping[str, int]) -> Metric:
    """How many there are of each kind."""
    counted = GaugeMetricFamily(name, about, labels=(label,))
    for kind, count in counts.items():
        counted.add_metric((kind,), count)
    return counted


def watch_rates(rates: Rates) -> Watch:
    """What tells whether all processes count requests together, where they are meant to."""

    def look() -> Iterator[Metric]:
        if rates.counts_together is not None:
            yield GaugeMetricFamily(
                "psoas_rate_store_up",
                "1 while requests are counted together with other processes, else 0",
                value=rates.counts_together,
            )

    return look
