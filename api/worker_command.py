"""The command `psoas worker`: scores batches beside the services that take them in, and tells webhooks of their ends."""

import os
import signal
from threading import Event

from api.batch.runner import Runner
from api.batch.scoring import Rules
from api.fhir.lines import make_line_assessor
from api.logs import open_log
from api.settings import read_settings
from api.storing import chance, make_courier, now, open_database, open_pseudonyms, open_spool
from api.telling import tell
from api.webhooks_addresses import Addresses, Lookups
from rules.loading import load_model

PRIVATE = 0o077
"""What is written belongs to its owner alone."""


def worker() -> None:
    """Score batches that were sent to the service, until this is ended.

    Any number of workers may share a PostgreSQL database, or one SQLite database on one machine;
    all need the same data folder, or the same store (PSOAS_SPOOL_URL).
    """
    settings = read_settings()
    os.umask(PRIVATE)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    database = open_database(settings)
    model = load_model(settings.model_dir)
    rules = Rules.of(model, make_line_assessor(model))
    log = open_log(settings.log_level)
    spool = open_spool(settings)
    runner = Runner(database, spool, rules, now, log)
    runner.start()
    addresses = Addresses(settings.webhook_networks, Lookups())
    courier = make_courier(database, open_pseudonyms(settings), addresses, now, chance, log)
    courier.start()
    tell("Scoring batches; end this with Ctrl-C, and what is under way is gone on with later.")
    stopping.wait()
    runner.stop()
    courier.stop()
    spool.close()
    database.close()
