"""Uploads and downloads of batches that break off, stall or are too large: nothing is left, and nobody is held up."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sending import (
    SOON,
    People,
    Sender,
    assert_assesses,
    assert_problem,
    assert_same,
    holds,
    list_batches,
    list_spool,
    wait_until,
)
from serving import Serving, serving

pytest_plugins = ["sent_people"]
IMPATIENT = """
import api.cli
api.cli.UNREAD = 1
"""
"""Makes a service give up soon whoever does not read."""


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
