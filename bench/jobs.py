"""Measure batches: a job's rows a second beside `psoas score`, and how long /assess takes while one runs.

The file and the results are CSV. Where a store that speaks S3 is installed (`make .venv-servers/stamp`), a job whose
files lie in it is measured, too; the store takes its processor time from the same machine. A job is timed from the moment it is begun until its results are
there; the way up is told apart. Requests come at fixed times, each of another person, and one that
has to wait for the one before it has waited since its own time.
"""

import argparse
import os
import random
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from itertools import cycle
from pathlib import Path
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx

from api.keys import make_key
from api.settings import Settings
from api.storage.api_keys import add_key
from api.storing import now, open_database
from bench.assess import Connection, put_request
from bench.batch import PSOAS, measure
from bench.generate import write_people
from bench.people import make_request
from rules.loading import load_model

ROWS, ROUNDS = 5_000_000, 3
PER_SECOND = 40
"""Requests to /assess."""
IDLE_SECONDS = 30
PEOPLE = 2_000
SERVE, WORKER = "a job of psoas serve", "a job of psoas worker"
IN_STORE = "the same with a store"
STORE = Path(__file__).parent.parent / ".venv-servers" / "bin" / "moto_server"
MEGABYTE = 1 << 20


class Service:
    """A service of our own with a key."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=600,
        )

    def send(self, source: Path) -> str:
        """Send a file; gives the batch's address."""
        with source.open("rb") as stream:
            headers = {"Content-Type": "text/csv"}
            sent = self.client.post("/batches", content=stream, headers=headers)
        return str(sent.raise_for_status().headers["location"])

    def look(self, place: str) -> dict[str, Any]:
        """How far a batch is."""
        found: dict[str, Any] = self.client.get(place).json()
        assert found["state"] != "failed", found
        return found

    def wait(self, place: str, state: str) -> dict[str, Any]:
        """Wait until a batch is in a state."""
        while (found := self.look(place))["state"] != state:
            time.sleep(0.2)
        return found


class Job(NamedTuple):
    """A job that is done."""

    sending: float
    seconds: float


def find_port() -> int:
    """A port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving_store() -> Iterator[dict[str, str]]:
    """A store of our own; gives the settings by which it is used."""
    port = find_port()
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([STORE, "-H", "127.0.0.1", "-p", str(port)], **quiet) as process:
        try:
            while not answers(port):
                time.sleep(0.05)
            address = f"http://127.0.0.1:{port}"
            httpx.put(f"{address}/bench").raise_for_status()
            yield {
                "PSOAS_SPOOL_URL": "s3://bench/batches",
                "AWS_ENDPOINT_URL": address,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "bench",
                "AWS_SECRET_ACCESS_KEY": "bench",
            }
        finally:
            process.kill()


@contextmanager
def serving(
    folder: Path, *, worker: bool, store: dict[str, str] | None = None
) -> Iterator[Service]:
    """A service, which scores batches itself or leaves them to a worker, with their files in a folder or a store."""
    with closing(open_database(Settings(data_dir=folder))) as database, database.writing() as open_:
        new = make_key(
            secrets.randbits, now(), tenant="bench", name="", rights=["batch"], expires_at=None
        )
        add_key(open_, new.row)
    port = find_port()
    limits = {"PSOAS_RATE_PER_ADDRESS": "0", "PSOAS_RATE_PER_KEY": "0"}
    named = {"PSOAS_DATA_DIR": str(folder), "PSOAS_JOBS": str(not worker), **limits}
    named |= store or {}
    commands: list[list[str | Path]] = [[PSOAS, "serve", "--port", str(port)], [PSOAS, "worker"]]
    processes = [
        subprocess.Popen(
            words,
            env={**os.environ, **named},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in commands[: 1 + worker]
    ]
    try:
        while not answers(port):
            time.sleep(0.05)
        time.sleep(2)  # until it has made its queue
        yield Service(port, new.text)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def answers(port: int) -> bool:
    """Whether something listens at a port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def run_job(service: Service, source: Path) -> Job:
    """Have a file scored, and erase everything."""
    started = time.perf_counter()
    place = service.send(source)
    sending = time.perf_counter() - started
    done = service.wait(place, "done")
    begun, ended = (datetime.fromisoformat(done[name]) for name in ("started_at", "finished_at"))
    service.client.delete(place)
    return Job(sending, (ended - begun).total_seconds())


def assess_steadily(service: Service, requests: Iterator[bytes], going_on: Any) -> list[float]:
    """Seconds that requests take which come at fixed times, for as long as `going_on` says so."""
    connection, taken = Connection(service.port), []
    due = time.perf_counter()
    while going_on():
        due += 1 / PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.socket.sendall(next(requests))
        while not connection.receive():
            pass
        taken.append(time.perf_counter() - due)
    connection.socket.close()
    return taken


def make_requests() -> Iterator[bytes]:
    """People who come to be assessed."""
    model, rng = load_model(), random.Random(2)  # noqa: S311
    return cycle([put_request(make_request(model, rng)) for _ in range(PEOPLE)])


def measure_latency(folder: Path, source: Path, requests: Iterator[bytes]) -> list[list[float]]:
    """How long /assess takes without a job, and while one runs in the same process."""
    with serving(folder, worker=False) as service:
        until = time.monotonic() + IDLE_SECONDS
        assess_steadily(service, requests, lambda: time.monotonic() < until - IDLE_SECONDS + 3)
        idle = assess_steadily(service, requests, lambda: time.monotonic() < until)
        place = service.send(source)
        service.wait(place, "running")
        looked = [time.monotonic(), True]

        def is_running() -> bool:
            if time.monotonic() - looked[0] > 1:
                looked[:] = time.monotonic(), service.look(place)["state"] == "running"
            return bool(looked[1])

        busy = assess_steadily(service, requests, is_running)
        service.client.delete(place)
    return [idle, busy]


def percentile(taken: list[float], at: int) -> float:
    """A percentile, in milliseconds."""
    return quantiles(taken, n=100)[at - 1] * 1000


def main() -> None:
    """Measure, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, help="where files of several gigabytes have room")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="psoas-bench-", dir=wanted.folder) as name:
        folder = Path(name)
        source, target = folder / "people.csv", folder / "out.csv"
        write_people(source, wanted.rows, "csv")
        print(f"{wanted.rows:,} rows of CSV ({source.stat().st_size / MEGABYTE:,.0f} MiB) to CSV")
        compare_rates(folder, source, target, wanted.rows, wanted.rounds)
        requests = make_requests()
        latencies = [
            measure_latency(folder / "data", source, requests) for _ in range(wanted.rounds)
        ]
    print(f"\nPOST /assess, {PER_SECOND} a second, each of another person")
    for at in (50, 99):
        ratios = [percentile(busy, at) / percentile(idle, at) for idle, busy in latencies]
        idle, busy = (median(percentile(one[n], at) for one in latencies) for n in (0, 1))
        print(
            f"  p{at}: {idle:6.1f} ms without a job, {busy:6.1f} ms beside one in the same process; "
            f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        )


def compare_rates(folder: Path, source: Path, target: Path, rows: int, rounds: int) -> None:
    """A job's rows a second beside those of the command."""
    taken: dict[str, list[float]] = {"psoas score": [], SERVE: [], WORKER: []}
    if STORE.exists():
        taken[IN_STORE] = []
    sending: dict[str, list[float]] = {title: [] for title in taken}
    for _ in range(rounds):
        taken["psoas score"].append(measure([PSOAS, "score", source, target, "--force"]).seconds)
        target.unlink()
        for title in list(taken)[1:]:
            with ExitStack() as stack:
                store = stack.enter_context(serving_store()) if title == IN_STORE else None
                service = stack.enter_context(
                    serving(folder / "data", worker=title != SERVE, store=store)
                )
                job = run_job(service, source)
            taken[title].append(job.seconds)
            sending[title].append(job.sending)
    for title, seconds in taken.items():
        print(f"  {title:24} {rows / median(seconds):9,.0f} rows/s; {tell(taken, title)}")
    if STORE.exists():
        print(f"  in a store {tell(taken, IN_STORE, WORKER)}")
    for title in list(taken)[1:]:
        print(f"  the way up to {title} takes {median(sending[title]):.1f} s")


def tell(taken: dict[str, list[float]], title: str, beside: str = "psoas score") -> str:
    """How many times as fast something is as something else in the same round."""
    ratios = [other / one for one, other in zip(taken[title], taken[beside], strict=True)]
    return f"{median(ratios):.2f} of {beside} ({min(ratios):.2f} to {max(ratios):.2f})"


if __name__ == "__main__":
    main()
