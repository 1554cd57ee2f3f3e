"""Batches when something fails: no room, no database, uploads and downloads that break off, files that end the process."""

import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import polars as pl
import pytest
from batches import RULES, read_csv
from clinic import DESK
from disks import small_disk
from postgres import new_database
from postgres import serving as serving_postgres
from sending import People, Sender, assert_same, holds, make_people, migrated
from serving import Serving, serving, working

from api.batch.job import MOST_FRUITLESS
from api.batch.running import Order, score_file
from api.storage.tables import StoredBatch
from rules.loading import PACKAGED_MODEL, load_model

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
HASTY = """
from functools import partialmethod
from api.batch.runner import Pace, Runner
Runner.__init__ = partialmethod(Runner.__init__, pace=Pace(silence=1.0))
"""
"""Makes a process take up soon what another one left without a word."""
POISONED = f"""{HASTY}
import os, signal
from api.batch.segments import Segments
def end_or_score(self, *given, score=Segments.score_next):
    if os.environ["PSOAS_POISON"] in str(self._folder):
        os.kill(os.getpid(), signal.SIGKILL)
    return score(self, *given)
Segments.score_next = end_or_score
"""
"""Makes a process end as soon as it scores one batch."""
ENDING = """
import os, signal
from api.batch.spool import Spool
Spool.clear = lambda self, id: os.kill(os.getpid(), signal.SIGKILL)
"""
"""Makes a process end when a batch is done, before it tidies up."""
IMPATIENT = """
import api.cli
api.cli.UNREAD = 1
"""
"""Makes a service give up soon whoever does not read."""


@pytest.fixture(autouse=True)
def tidy(tmp_path: Path) -> Iterator[None]:
    """Leave no large files behind."""
    yield
    shutil.rmtree(tmp_path / "data", ignore_errors=True)


@pytest.fixture(scope="session")
def some(tmp_path_factory: pytest.TempPathFactory) -> People:
    """Enough people for a dozen small segments."""
    return make_people(tmp_path_factory.mktemp("some"), 30_000)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> People:
    """People who are scored in no time."""
    return make_people(tmp_path_factory.mktemp("few"), 2_000)


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


# No room


def test_a_file_that_there_is_no_room_for_is_refused_and_nothing_of_it_stays(
    tmp_path: Path, some: People, few: People
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (
        small_disk(data / "batches", "8m"),
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log") as service,
    ):
        headers = {"Content-Type": "text/csv"}
        content = some.file.read_bytes()
        answer = sender.call(service, "POST", "/batches", content=content, headers=headers)
        assert_problem(answer, 507, "nothing of it was kept")
        assert list_spool(sender) == []
        assert list_batches(service, sender) == []
        sent = sender.send(service, few.file)
        sender.wait_done(sent)
        assert_same(service, sender, sent, few)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_batch_whose_results_find_no_room_waits_for_it(
    tmp_path: Path, some: People, kind: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    content, media_type = some.file.read_bytes(), "text/csv"
    scores = some.scores.read_bytes()
    if kind == "parquet":
        content, scores = make_parquet(tmp_path, some)
        media_type = "application/vnd.apache.parquet"
    with (
        small_disk(data / "batches", "120m") as disk,
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        filler = disk.folder / "filler"
        filler.write_bytes(bytes(120 * 2**20 - len(content) - len(scores)))
        headers = {"Content-Type": media_type}
        answer = sender.call(service, "POST", "/batches", content=content, headers=headers)
        assert answer.status_code == 202, answer.text
        sent = answer.json()["id"]
        sender.wait(sent, lambda row: row.reason is not None, 40)
        told = sender.call(service, "GET", f"/batches/{sent}").json()
        assert told["state"] == "running"
        assert "no room" in told["reason"]
        assert_not_there_yet(service, sender, sent)
        kept = {path.suffix for path in sender.folder(sent).iterdir() if path.is_file()}
        assert kept <= {f".{kind}", ".part"}
        assert not list(sender.folder(sent).glob("scores*"))
        assert_assesses(service)
        filler.unlink()
        row = sender.wait_done(sent)
        assert sender.call(service, "GET", f"/batches/{sent}/scores").content == scores
        assert (row.takes, row.reason) == (1, None)
    assert "Traceback" not in (tmp_path / "log").read_text()


def make_parquet(folder: Path, people: People) -> tuple[bytes, bytes]:
    """The people as a typed file, and their scores."""
    read = pl.read_csv(people.file, infer_schema_length=None, ignore_errors=True)
    read.write_parquet(folder / "in.parquet")
    target = folder / "scores.parquet"
    score_file(RULES, Order(folder / "in.parquet", target))
    return (folder / "in.parquet").read_bytes(), target.read_bytes()


def test_another_kind_of_file_that_there_is_no_room_for_can_be_had_later(
    tmp_path: Path, few: People
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with (
        small_disk(data / "batches", "8m") as disk,
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log") as service,
    ):
        sent = sender.send(service, few.file)
        sender.wait_done(sent)
        wait_until(lambda: not any(sender.folder(sent).glob("parts-*")))
        disk.fill()
        for kind in ("ndjson", "parquet", "xlsx"):
            path = f"/batches/{sent}/scores?format={kind}"
            assert_problem(get_when_made(service, sender, path), 507)
        assert_same(service, sender, sent, few)
        disk.empty()
        answer = get_when_made(service, sender, f"/batches/{sent}/scores?format=parquet")
        expected = tmp_path / "expected.parquet"
        score_file(RULES, Order(few.file, expected))
        assert answer.content == expected.read_bytes()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_batch_that_is_erased_while_it_is_made_into_another_kind_of_file_is_gone(
    tmp_path: Path, some: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        sent = sender.send(service, some.file)
        sender.wait_done(sent)
        path = f"/batches/{sent}/scores?format=ndjson"
        asked = pool.submit(sender.call, service, "GET", path)
        wait_until(lambda: any(sender.folder(sent).glob(".scores.ndjson.part")))
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert_problem(asked.result(), 404)
        assert list_spool(sender) == []


def get_when_made(service: Serving, sender: Sender, path: str) -> httpx.Response:
    """What is answered once a file is no longer being made."""
    while (answer := sender.call(service, "GET", path)).status_code == 503:
        time.sleep(0.5)
    return answer


# The database is away, or somebody holds a lock


def test_a_batch_outlives_a_server_that_is_away(tmp_path: Path, some: People) -> None:
    with serving_postgres() as server, new_database(f"{server.address}/postgres") as address:
        storage = migrated({"data_dir": tmp_path / "data", "database_url": address})
        with (
            closing(Sender(storage)) as sender,
            serving(storage, tmp_path / "log", first=SLOWLY) as service,
        ):
            sent = sender.send(service, some.file)
            sender.wait(sent, is_begun, 30)
            server.stop()
            end = time.monotonic() + 6
            while time.monotonic() < end:
                began = time.monotonic()
                assert_problem(sender.call(service, "GET", f"/batches/{sent}"), 503)
                assert time.monotonic() - began < SOON
                assert_assesses(service)
            server.start()
            sender.wait_done(sent)
            assert_same(service, sender, sent, some)
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize("file", ["psoas.sqlite3", "psoas.queue.sqlite3"])
def test_a_batch_outlives_a_lock(tmp_path: Path, some: People, file: str) -> None:
    data = tmp_path / "data"
    with (
        closing(Sender({"data_dir": data})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, 30)
        with closing(sqlite3.connect(data / file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            end = time.monotonic() + 8
            while time.monotonic() < end:
                answer = sender.call(service, "GET", f"/batches/{sent}")  # reading needs no lock
                assert answer.json()["state"] == "running"
                assert_assesses(service)
                time.sleep(0.2)
            other.execute("ROLLBACK")
        sender.wait_done(sent)
        assert_same(service, sender, sent, some)
    assert "Traceback" not in (tmp_path / "log").read_text()


# Uploads that break off


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Sender]]:
    """A service that takes little and waits for nobody."""
    folder = tmp_path_factory.mktemp("strict")
    with (
        closing(Sender({"data_dir": folder / "data"})) as sender,
        serving(sender.storage, folder / "log", upload_seconds=1, batch_mb=1) as service,
    ):
        yield service, sender
    assert "Traceback" not in (folder / "log").read_text()


def begin_upload(service: Serving, sender: Sender, announced: int, content: bytes) -> socket.socket:
    """A connection on which so many bytes of a file were announced, and these sent."""
    head = (
        f"POST /batches HTTP/1.1\r\nHost: psoas\r\nContent-Type: text/csv\r\n"
        f"Authorization: {sender.headers['Authorization']}\r\nContent-Length: {announced}\r\n\r\n"
    )
    connection = connect(service)
    connection.sendall(head.encode() + content)
    return connection


def connect(service: Serving) -> socket.socket:
    url = httpx.URL(service.address)
    return socket.create_connection((url.host, url.port or 0), timeout=SOON)


def read_answer(connection: socket.socket) -> httpx.Response:
    """What is answered before the other side hangs up."""
    said = b""
    while piece := connection.recv(65536):
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)


def assert_nothing_left(service: Serving, sender: Sender) -> None:
    """See that nothing is left of an upload, which may take a moment to be noticed, and that the service goes on."""
    end = time.monotonic() + SOON
    while list_spool(sender):
        assert time.monotonic() < end, list_spool(sender)
        time.sleep(0.05)
    assert list_batches(service, sender) == []
    assert_assesses(service)


def begun(few: People) -> bytes:
    """The beginning of a file, which would be one by itself."""
    return few.file.read_bytes()[:200_000].rpartition(b"\n")[0] + b"\n"


def test_nothing_is_left_of_an_upload_that_breaks_off(
    strict: tuple[Serving, Sender], few: People
) -> None:
    service, sender = strict
    with begin_upload(service, sender, 900_000, begun(few)):
        end = time.monotonic() + SOON
        while not list_spool(sender):  # else there would be nothing to show
            assert time.monotonic() < end
            time.sleep(0.01)
    assert_nothing_left(service, sender)


def test_nobody_waits_for_an_upload_that_stalls(
    strict: tuple[Serving, Sender], few: People
) -> None:
    service, sender = strict
    with begin_upload(service, sender, 900_000, begun(few)) as connection:
        assert_problem(read_answer(connection), 408, "The body came too slowly")
    assert_nothing_left(service, sender)


def test_a_file_that_is_announced_as_too_large_is_refused_before_it_is_sent(
    strict: tuple[Serving, Sender],
) -> None:
    service, sender = strict
    with begin_upload(service, sender, 1_000_001, b"") as connection:
        assert_problem(read_answer(connection), 413, "1,000,000 bytes")
    assert_nothing_left(service, sender)


def test_a_file_that_turns_out_too_large_is_refused_on_the_way(
    strict: tuple[Serving, Sender], few: People
) -> None:
    service, sender = strict
    piece = begun(few)
    headers = {"Content-Type": "text/csv"}
    pieces = (piece for _ in range(1 + 1_000_000 // len(piece)))
    answer = sender.call(service, "POST", "/batches", content=pieces, headers=headers)
    assert_problem(answer, 413, "1,000,000 bytes")
    assert_nothing_left(service, sender)


# Downloads that stall


@pytest.mark.parametrize("is_erased", [False, True])
def test_who_stops_reading_a_download_does_not_keep_the_file(
    impatient: tuple[Serving, Sender], some: People, is_erased: bool
) -> None:
    service, sender = impatient
    process = service.process.pid
    sent = sender.send(service, some.file)
    sender.wait_done(sent)
    wait_until(lambda: not holds(process, sender.folder(sent)))
    with stall(service, sender, f"/batches/{sent}/scores"):
        wait_until(lambda: holds(process, sender.folder(sent)))
        assert_assesses(service)
        if is_erased:
            assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
            assert not sender.folder(sent).exists()
        else:
            assert_same(service, sender, sent, some)
        wait_until(lambda: not holds(process, sender.folder("")))
        assert_assesses(service)


def test_who_stops_reading_a_download_is_hung_up_on(
    impatient: tuple[Serving, Sender], some: People
) -> None:
    service, sender = impatient
    process = service.process.pid
    sent = sender.send(service, some.file)
    sender.wait_done(sent)
    sockets = count_sockets(process)
    with stall(service, sender, f"/batches/{sent}/scores"):
        wait_until(lambda: count_sockets(process) > sockets)
        wait_until(lambda: count_sockets(process) <= sockets)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Sender]]:
    """A service that soon gives up whoever does not read."""
    folder = tmp_path_factory.mktemp("impatient")
    with (
        closing(Sender({"data_dir": folder / "data"})) as sender,
        serving(sender.storage, folder / "log", first=IMPATIENT) as service,
    ):
        yield service, sender
    assert "Traceback" not in (folder / "log").read_text()


def stall(service: Serving, sender: Sender, path: str) -> socket.socket:
    """A connection on which a file was asked for, and nothing is read."""
    url = httpx.URL(service.address)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((url.host, url.port))
    asking = f"GET {path} HTTP/1.1\r\nHost: psoas\r\nAuthorization: {sender.headers['Authorization']}\r\n\r\n"
    connection.sendall(asking.encode())
    return connection


def count_sockets(process: int) -> int:
    """How many sockets a process has open."""
    handles = Path(f"/proc/{process}/fd").iterdir()
    return sum("socket:" in str(handle.readlink()) for handle in handles if handle.is_symlink())


def wait_until(is_so: Callable[[], bool], seconds: float = SOON) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


# Files that end the process


def test_a_file_that_ends_the_process_each_time_is_given_up(tmp_path: Path, few: People) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender, serving(storage, log, jobs=False) as service:
        poison = sender.send(service, few.file)
        ended = 0
        while sender.look(poison).state != "failed":
            with working(storage, log, first=POISONED, poison=poison) as worker:
                wait_until(lambda: worker.poll() is not None or is_over(sender, poison), STARTS)
                ended += worker.poll() == -signal.SIGKILL
            assert ended <= MOST_FRUITLESS
        assert ended == MOST_FRUITLESS
        told = sender.call(service, "GET", f"/batches/{poison}").json()
        assert f"begun {MOST_FRUITLESS} times" in told["reason"]
        assert_problem(
            sender.call(service, "GET", f"/batches/{poison}/scores"), 409, told["reason"]
        )
        with working(storage, log, first=HASTY):
            sent = sender.send(service, few.file)
            assert sender.wait_done(sent).takes == 1
            assert_same(service, sender, sent, few)
        assert sender.look(poison).state == "failed"


def test_what_is_scored_beside_such_a_file_is_done_all_the_same(
    tmp_path: Path, some: People, few: People
) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender, serving(storage, log, jobs=False) as service:
        sent, poison = sender.send(service, some.file), sender.send(service, few.file)
        for _ in range(2 * MOST_FRUITLESS + 2):
            with working(storage, log, first=SLOWLY + POISONED, poison=poison) as worker:
                wait_until(
                    lambda: worker.poll() is not None or is_over(sender, sent, poison), STARTS
                )
            if is_over(sender, sent, poison):
                break
        assert sender.look(poison).state == "failed"
        assert sender.look(sent).state == "done"


def is_over(sender: Sender, *sent: str) -> bool:
    """Whether batches are finished."""
    return all(sender.look(one).state in {"done", "failed"} for one in sent)


def test_nothing_is_left_over_where_a_process_ends_just_when_a_batch_is_done(
    tmp_path: Path, few: People
) -> None:
    storage, log = {"data_dir": tmp_path / "data"}, tmp_path / "log"
    with closing(Sender(storage)) as sender:
        with serving(storage, log, first=ENDING) as service:
            sent = sender.send(service, few.file)
            assert service.process.wait(30) == -signal.SIGKILL
        assert sender.look(sent).state == "done"
        with serving(storage, log) as service:
            assert_same(service, sender, sent, few)


# One beside the other


def test_a_small_batch_need_not_wait_for_the_end_of_a_large_one(
    tmp_path: Path, some: People, few: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        large = sender.send(service, some.file)
        sender.wait(large, is_begun, 30)
        small = sender.send(service, few.file)
        sender.wait_done(small)
        assert sender.look(large).state == "running"
        sender.wait_done(large)
        assert_same(service, sender, small, few)
        assert_same(service, sender, large, some)


def test_a_batch_that_is_erased_while_it_is_scored_is_gone(
    tmp_path: Path, some: People, few: People
) -> None:
    with (
        closing(Sender({"data_dir": tmp_path / "data"})) as sender,
        serving(sender.storage, tmp_path / "log", first=SLOWLY) as service,
    ):
        sent = sender.send(service, some.file)
        sender.wait(sent, is_begun, 30)
        assert sender.call(service, "DELETE", f"/batches/{sent}").status_code == 204
        assert list_spool(sender) == []
        assert_problem(sender.call(service, "GET", f"/batches/{sent}"), 404)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            assert list_spool(sender) == []
            time.sleep(0.01)
        assert not holds(service.process.pid, sender.folder(""))
        following = sender.send(service, few.file)
        sender.wait_done(following)
        assert_same(service, sender, following, few)
        assert list_spool(sender) == [following]
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert "batch failed" not in said


# The rules change


def test_a_batch_is_scored_wholly_by_the_rules_of_today(
    tmp_path: Path, some: People, few: People
) -> None:
    storage, log, folder = {"data_dir": tmp_path / "data"}, tmp_path / "log", tmp_path / "psoas"
    change_rules(folder)
    expected = score_by(folder, some, tmp_path)
    with closing(Sender(storage)) as sender:
        with serving(storage, log, first=SLOWLY + HASTY) as service:
            finished = sender.send(service, few.file)
            sender.wait_done(finished)
            sent = sender.send(service, some.file)
            sender.wait(sent, is_begun, 30)
            service.kill()
        with serving(storage, log, first=HASTY, model_dir=folder) as service:
            assert sender.wait_done(sent).model_version == "2026.2"
            scores = sender.call(service, "GET", f"/batches/{sent}/scores").content
            assert scores == expected.scores.read_bytes()
            versions = {row["psoas_model_version"] for row in read_csv(expected.scores)}
            assert versions == {"2026.2"}
            assert scores != some.scores.read_bytes()
            assert_same(service, sender, finished, few)
            answer = sender.call(service, "GET", f"/batches/{finished}/scores?format=parquet")
            assert_problem(answer, 409, "rules have changed")
            answer = get_when_made(service, sender, f"/batches/{sent}/scores?format=parquet")
            assert answer.status_code == 200
            sender.folder(sent).joinpath("scores.parquet").unlink()
            sender.folder(sent).joinpath("rejects.parquet").unlink()
            assert_same(service, sender, sent, expected)
    assert "Traceback" not in log.read_text()


def change_rules(folder: Path) -> None:
    """Other rules: a number is another one, and so is the version."""
    shutil.copytree(PACKAGED_MODEL, folder)
    model = folder / "model.toml"
    text = model.read_text("utf-8").replace('version = "2026.1"', 'version = "2026.2"')
    model.write_text(text.replace("margin_below_floor = 25", "margin_below_floor = 15"), "utf-8")


def score_by(rules: Path, people: People, folder: Path) -> People:
    """The same people, scored by other rules."""
    scores, rejects = folder / "scores.csv", folder / "rejects.csv"
    known = type(RULES).of(load_model(rules))
    score_file(known, Order(people.file, scores, rejects=rejects))
    return people._replace(scores=scores, rejects=rejects)
