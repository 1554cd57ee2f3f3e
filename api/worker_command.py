"""The command `psoas worker`: scores batches beside the services that take them in."""

import os
import signal
from threading import Event

from api.batch.runner import Runner
from api.batch.scoring import Rules
from api.logs import open_log
from api.settings import read_settings
from api.storing import now, open_database, open_spool
from api.telling import tell
from rules.loading import load_model

PRIVATE = 0o077
"""What is written belongs to its owner alone."""


def worker() -> None:
    """Score batches that were sent to the service, until this is ended.

    Any number of workers may share a PostgreSQL database, or one SQLite database on one machine;
    all need the same data folder.
    """
    settings = read_settings()
    os.umask(PRIVATE)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    database = open_database(settings)
    rules = Rules.of(load_model(settings.model_dir))
    runner = Runner(database, open_spool(settings), rules, now, open_log(settings.log_level))
    runner.start()
    tell("Scoring batches; end this with Ctrl-C, and what is under way is gone on with later.")
    stopping.wait()
    runner.stop()
    database.close()
