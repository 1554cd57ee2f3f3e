"""A tenant that sends files of people to services in processes of their own, and what comes of them undisturbed."""

import filecmp
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import waiting
from batches import RULES
from clinic import DESK, make_key_text
from serving import Serving, psoas

from api.batch.running import Order, score_file
from api.settings import Settings
from api.storage.tables import StoredBatch
from api.storing import open_database
from bench.generate import write_people

Storage = dict[str, Any]
SOON = 8.0
"""Seconds after which an answer is too late."""
STARTS = 30.0
"""Seconds that a process may need to start, and to take up a batch that another one left."""
SLOWLY = """
import time
from functools import partialmethod
from api.batch import delimited
from api.batch.scoring import ChunkScorer
from api.batch.segments import Segments
def score_slowly(self, chunk, score=ChunkScorer.score):
    time.sleep(0.3)
    return score(self, chunk)
delimited.BLOCK = 1 << 20
Segments.__init__ = partialmethod(Segments.__init__, rows=1_000)
ChunkScorer.score = score_slowly
"""
"""Makes a process score text in many small segments with a pause before each."""
TIDY = 5.0
"""Seconds within which what a run kept is gone, once the batch is done."""


class People(NamedTuple):
    """A file of people, and what comes of it where nobody disturbs."""

    file: Path
    scores: Path
    rejects: Path
    rows: int


def make_people(folder: Path, rows: int) -> People:
    """So many people, scored."""
    people = People(folder / "in.csv", folder / "scores.csv", folder / "rejects.csv", rows)
    write_people(people.file, rows, "csv")
    summary = score_file(RULES, Order(people.file, people.scores, rejects=people.rejects))
    assert summary.rejected > 0
    return people


class Sender:
    """A tenant that sends batches to services, and looks into their database for what comes of them."""

    def __init__(self, storage: dict[str, Any], *rights: str) -> None:
        self.storage = storage
        key = make_key_text(storage, "clinic", *(rights or ("batch",)))
        self.headers = {"Authorization": f"Bearer {key}"}
        self._database = open_database(Settings(**storage))

    def call(self, service: Serving, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request."""
        headers = {**self.headers, **options.pop("headers", {})}
        address = f"{service.address}{path}"
        return httpx.request(method, address, headers=headers, timeout=60, **options)

    def send(self, service: Serving, file: Path) -> str:
        """Send a file of CSV; gives its id."""
        with file.open("rb") as body:
            headers = {"Content-Type": "text/csv"}
            answer = self.call(service, "POST", "/batches", content=body, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def folder(self, id: str) -> Path:
        """Where the files of a batch lie."""
        return Path(self.storage["data_dir"]) / "batches" / id

    def look(self, id: str) -> StoredBatch:
        """What is stored of a batch; no service is asked."""
        found = self._database.look_up(lambda session: session.get(StoredBatch, UUID(id)))
        assert found is not None
        return found

    def wait(self, id: str, until: Callable[[StoredBatch], bool], seconds: float) -> StoredBatch:
        """Wait until a batch is as it should be."""
        end = time.monotonic() + seconds
        while not until(row := self.look(id)):
            assert time.monotonic() < end, row
            time.sleep(0.02)
        return row

    def wait_done(self, id: str, seconds: float = 60) -> StoredBatch:
        """Wait until a batch is done."""
        row = self.wait(id, lambda row: row.state in {"done", "failed"}, seconds)
        assert row.state == "done", row.reason
        return row

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def migrated(storage: Storage) -> Storage:
    """The same storage, with its tables and those of the queue."""
    said = psoas(storage, "migrate")
    assert said.exit_code == 0, said.output
    return storage


def assert_same(service: Serving, sender: Sender, id: str, people: People) -> None:
    """See that a batch is done, no row is lost, nothing is left over, and the results are those of an undisturbed run."""
    assert sender.call(service, "GET", f"/batches/{id}").json()["state"] == "done"
    summary = sender.call(service, "GET", f"/batches/{id}/summary").json()
    assert summary["rows"] == summary["scored"] + summary["rejected"] == people.rows
    for what, expected in (("scores", people.scores), ("rejects", people.rejects)):
        answer = sender.call(service, "GET", f"/batches/{id}/{what}")
        assert answer.status_code == 200, answer.text
        assert answer.content == expected.read_bytes(), what
    wanted = {"input.csv", "scores.csv", "rejects.csv", "summary.json"}
    end = time.monotonic() + TIDY
    while (kept := {path.name for path in sender.folder(id).iterdir()}) != wanted:
        assert time.monotonic() < end, kept
        time.sleep(0.02)
    assert filecmp.cmp(sender.folder(id) / "input.csv", people.file, shallow=False)


def holds(process: int, folder: Path) -> bool:
    """Whether a process has a file in a folder open."""
    for handle in Path(f"/proc/{process}/fd").iterdir():
        try:
            opened = handle.readlink()
        except FileNotFoundError:
            continue
        if opened.is_relative_to(folder.resolve()):
            return True
    return False


def is_begun(row: StoredBatch) -> bool:
    return row.state == "running" and row.rows_done > 0


def assert_problem(answer: httpx.Response, status: int, says: str = "") -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def assert_assesses(service: Serving) -> None:
    """See that people are assessed, and soon."""
    began = time.monotonic()
    answer = httpx.post(f"{service.address}/assess", json={"answers": DESK}, timeout=SOON)
    assert answer.status_code == 200
    assert time.monotonic() - began < SOON


def assert_not_there_yet(service: Serving, sender: Sender, sent: str) -> None:
    """See that nothing can be had of what is half-done."""
    for what in ("scores", "rejects", "summary", "scores?format=parquet"):
        assert_problem(sender.call(service, "GET", f"/batches/{sent}/{what}"), 409, "not done yet")


def list_spool(sender: Sender) -> list[str]:
    """What lies in the spool."""
    folder = sender.folder("")
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def list_batches(service: Serving, sender: Sender) -> list[str]:
    return [one["id"] for one in sender.call(service, "GET", "/batches").json()["items"]]


wait_until = partial(waiting.wait_until, seconds=SOON)
"""Waits until something is so."""


def get_when_made(service: Serving, sender: Sender, path: str) -> httpx.Response:
    """What is answered once a file is no longer being made."""
    while (answer := sender.call(service, "GET", path)).status_code == 503:
        time.sleep(0.5)
    return answer
