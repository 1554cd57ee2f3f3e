"""Measure storing: assessments per second on SQLite and PostgreSQL, beside raw inserts of the same rows.

The raw inserts go through the same driver into the same tables, with the same pragmas. All is
acknowledged only after COMMIT, and PostgreSQL waits for the disk. Rounds alternate between what is
measured, and the medians of the ratios within rounds are what to quote.
"""

import asyncio
import gc
import os
import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from importlib import import_module
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from api.callers import Caller
from api.keys import make_key
from api.payloads import assess_payload
from api.records import Records
from api.settings import Settings
from api.storage.api_keys import add_key
from api.storage.database import Database
from api.storage.writer import Writer
from api.storing import Storing, chance, now
from bench.assess import CLIENT_CORE, Request, cpu_seconds, put_request, send_all, serving
from bench.people import make_request
from bench.raw_inserts import Writes, insert_raw, renew
from rules.assessment import Assessor, Sheet
from rules.loading import load_model

postgres: Any = import_module(
    "tests.postgres"
)  # tests are files, not a package, to the type checker
ROUNDS = 9
REQUESTS = 384
WAITING = (1, 8, 64)
CONNECTIONS = (8, 32)
PEOPLE = 4 * REQUESTS
"""So many that nobody comes again while their scores are still remembered."""
SYNCED = ("fsync=on", "full_page_writes=on")
RAW = "raw inserts, a commit for each assessment and its audit entry"
CALLER = Caller("bench", frozenset({"records"}), "key:0123456789abcdef")
ASSESSOR = Assessor(load_model())

Round = Callable[[], float]
"""One round of one contender; gives how many assessments it stored, or made, in a second."""


class Keeper(Writer):
    """Keeps what is to be written."""

    kept: list[Writes]

    async def write(self, writes: Writes) -> None:
        """Keep it."""
        self.kept.append(writes)


class Place(NamedTuple):
    """A database with its tables."""

    settings: Settings
    storing: Storing

    def records(self, writer: Writer) -> Records:
        """Records as the service has them, with this writer."""
        database, pseudonyms = self.storing.database, self.storing.pseudonyms
        payload = assess_payload(ASSESSOR)
        return Records(database, writer, pseudonyms, ASSESSOR, payload, now, chance)


def make_writes(place: Place, people: Sequence[Request]) -> list[Writes]:
    """What Records writes when these people are stored."""
    keeper = Keeper(place.storing.database)
    keeper.kept = []
    records = place.records(keeper)
    for person in people:
        asyncio.run(records.store(CALLER, "p-0042", Sheet(**person), None))
    return keeper.kept


# The service


def work_through(jobs: Sequence[Any], work: Callable[[Any], Any], waiting: int) -> float:
    """Do jobs, so many waiting at any time."""

    async def do_all() -> None:
        due = iter(jobs)

        async def do_one_by_one() -> None:
            for job in due:
                await work(job)

        await asyncio.gather(*[do_one_by_one() for _ in range(waiting)])

    start = time.perf_counter()
    asyncio.run(do_all())
    return len(jobs) / (time.perf_counter() - start)


def assess_all(people: Sequence[Request]) -> float:
    """Assess people and store nothing."""
    start = time.perf_counter()
    for person in people:
        ASSESSOR.assess_json(Sheet(**person))
    return len(people) / (time.perf_counter() - start)


def list_inside(place: Place, people: Sequence[Request]) -> dict[str, Round]:
    """What is measured in this process."""
    writer, turns = place.storing.writer, cycle(people)
    records, requests = place.records(writer), make_writes(place, people[:REQUESTS])
    both, first = slice(2), slice(1)

    def take() -> list[Request]:
        return [next(turns) for _ in range(REQUESTS)]

    def store(person: Request) -> Any:
        return records.store(CALLER, "p-0042", Sheet(**person), None)

    rounds: dict[str, Round] = {
        RAW: lambda: insert_raw(place.settings, requests, 1, both),
        "raw inserts, the assessment alone": lambda: insert_raw(place.settings, requests, 1, first),
    }
    for most in WAITING[1:]:
        rounds[f"raw inserts, {most} requests a commit"] = partial(
            insert_raw, place.settings, requests, most, both
        )
    for most in WAITING:
        rounds[f"Writer.write, {most} waiting"] = lambda most=most: work_through(  # type: ignore[misc]
            renew(requests), writer.write, most
        )
    rounds["assessing, without storing"] = lambda: assess_all(take())
    for most in WAITING:
        rounds[f"Records.store, {most} waiting"] = lambda most=most: work_through(  # type: ignore[misc]
            take(), store, most
        )
    return rounds


class Http(NamedTuple):
    """One round of requests to the server."""

    per_second: float
    cpu_microseconds: float
    """Of the server, a request."""


def send_round(server: tuple[int, int], requests: Iterator[bytes], at_once: int) -> Http:
    """Send a round of requests."""
    port, pid = server
    cpu, start = cpu_seconds(pid), time.perf_counter()
    send_all(port, requests, REQUESTS, at_once)
    seconds = time.perf_counter() - start
    return Http(REQUESTS / seconds, (cpu_seconds(pid) - cpu) / REQUESTS * 1e6)


# Put together


def compare_inside(place: Place, people: Sequence[Request]) -> None:
    """Measure in this process, and print."""
    contenders = list_inside(place, people)
    rounds = [{name: run() for name, run in contenders.items()} for _ in range(ROUNDS + 1)][1:]
    for name in contenders:
        rate, ratios = median(r[name] for r in rounds), [r[name] / r[RAW] for r in rounds]
        print(
            f"{name:62} {rate:6.0f}/s {median(ratios):5.2f} of raw ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def compare_http(place: Place, people: Sequence[Request], key: str) -> None:
    """Measure a server, and print."""
    requests = make_writes(place, people[:REQUESTS])
    sent = f"Authorization: Bearer {key}"
    assess = cycle([put_request(person, "/assess", sent) for person in people])
    storing = cycle(
        [put_request({"person": "p-0042", **p}, "/assessments", sent) for p in people[REQUESTS:]]
    )
    with serving("psoas", **put_environment(place.settings)) as server:
        for many in CONNECTIONS:
            send_round(server, assess, many)
            send_round(server, storing, many)
            rounds = []
            for _ in range(ROUNDS):
                raw = insert_raw(place.settings, requests, 1, slice(2))
                assessed = send_round(server, assess, many)
                rounds.append((raw, assessed, send_round(server, storing, many)))
            tell_http(many, rounds)


def tell_http(many: int, rounds: Sequence[tuple[float, Http, Http]]) -> None:
    """Print what requests over so many connections cost."""
    for name, at in (("POST /assess", 1), ("POST /assessments", 2)):
        results: list[tuple[float, Http]] = [(r[0], r[at]) for r in rounds]  # type: ignore[misc]
        ratios = [result.per_second / raw for raw, result in results]
        print(
            f"{f'{name}, {many} connections':62} {median(r.per_second for _, r in results):6.0f}/s "
            f"{median(ratios):5.2f} of raw ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"{median(r.cpu_microseconds for _, r in results):.0f} µs CPU each"
        )
    time_ratios = [assess.per_second / stored.per_second for _, assess, stored in rounds]
    cpu_ratios = [stored.cpu_microseconds / assess.cpu_microseconds for _, assess, stored in rounds]
    print(
        f"{'':9}storing costs {median(time_ratios):.2f} times /assess in time, {median(cpu_ratios):.2f} times in CPU"
    )


def put_environment(settings: Settings) -> dict[str, str]:
    """The settings of a server for this database, without limits."""
    environment = {
        "PSOAS_DATA_DIR": str(settings.data_dir),
        "PSOAS_RATE_PER_KEY": "0",
        "PSOAS_RATE_PER_ADDRESS": "0",
    }
    if settings.database_url:
        environment["PSOAS_DATABASE_URL"] = settings.database_url.get_secret_value()
    return environment


@contextmanager
def opening(settings: Settings) -> Iterator[Place]:
    """A new database with its tables."""
    storing = Storing.open(settings, now)
    with closing(storing):
        storing.database.migrate()
        storing.database.prepare()
        yield Place(settings, storing)


def add_new_key(database: Database) -> str:
    """A key that may store."""
    wanted: Mapping[str, Any] = {"tenant": "bench", "name": "", "expires_at": None}
    new = make_key(secrets.randbits, now(), rights=("records", "assess"), **wanted)
    with database.writing() as connection:
        add_key(connection, new.row)
    return new.text


def compare(settings: Settings, people: Sequence[Request]) -> None:
    """Measure one database, and print."""
    kind = "PostgreSQL (psycopg), fsync on" if settings.database_url else "SQLite (sqlite3)"
    print(f"\n{kind}; medians of {ROUNDS} alternating rounds of {REQUESTS} requests", flush=True)
    cores = os.sched_getaffinity(0)
    with opening(settings) as place:
        compare_inside(place, people)
        os.sched_setaffinity(0, {CLIENT_CORE})
        compare_http(place, people, add_new_key(place.storing.database))
    os.sched_setaffinity(0, cores)


def main() -> None:
    """Measure and print."""
    rng = random.Random(1)  # noqa: S311
    people = [make_request(ASSESSOR.model, rng, missing=0.0) for _ in range(PEOPLE)]
    gc.collect()
    gc.freeze()  # as the service does
    with tempfile.TemporaryDirectory() as name:
        compare(Settings(data_dir=Path(name), database_url=None), people)
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.serving(SYNCED) as server,
        postgres.new_database(f"{server.address}/postgres") as address,
    ):
        compare(Settings(data_dir=Path(name), database_url=address), people)


if __name__ == "__main__":
    main()
