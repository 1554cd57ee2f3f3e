"""Deliveries: whatever fails on the way, each event arrives once its receiver is back, and none is sent by two."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from clinic import Clinic
from receiving import (
    LOOPBACK,
    QUICK,
    SOON,
    Answer,
    Receiver,
    answer_with,
    delivering,
    look,
    store,
    verify,
    wait_for,
)
from sending import Sender, migrated
from serving import serving, working
from sqlalchemy import update
from sqlmodel import col, select

from api.storage.deliveries import (
    Outcome,
    announce_end,
    note_outcome,
    read_deliveries,
    switch_off,
    take_due,
)
from api.storage.failures import StorageUnavailable
from api.storage.tables import Delivery, StoredBatch, StoredWebhook
from api.webhooks_delivery import PAUSES, SPREAD, Courier, choose_outcome
from api.webhooks_sending import Attempt, Sending

pytest_plugins = ["receivers"]
SENT = "sitting_hours_per_day\n9\n"
HOURS_AS_THE_RULES_HAVE_THEM = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24]
QUICKLY = """
from functools import partial
from api import webhooks_delivery as delivery
delivery.DeliveryPace = partial(delivery.DeliveryPace, look=0.05, lease=1.0)
"""
"""Makes a process take up soon what another one left without a word."""
ENDING = f"""{QUICKLY}
import os, signal
from api.webhooks_sending import Sending
async def end(*_):
    os.kill(os.getpid(), signal.SIGKILL)
Sending.send = end
"""
"""Makes a process end when it is about to send."""


def hang(request: BaseHTTPRequestHandler) -> None:  # noqa: ARG001
    """Never answer."""
    time.sleep(5)


def drip(request: BaseHTTPRequestHandler) -> None:
    """Answer byte by byte, and come to no end of the headers."""
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\nA: ")
        for _ in range(50):
            request.wfile.write(b"a")
            time.sleep(0.1)


def flood(request: BaseHTTPRequestHandler) -> None:
    """Answer with a body that does not end."""
    with suppress(OSError):
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(20_000):
            request.wfile.write(b"a" * 65536)


def hang_up(request: BaseHTTPRequestHandler) -> None:
    """Answer nothing, and be gone."""
    request.close_connection = True


# A receiver that fails


@pytest.mark.parametrize(
    ("answer", "status", "fault"),
    [
        (answer_with(500), 500, None),
        (answer_with(302, Location="/psoas"), 302, None),
        (hang, None, "timeout"),
        (drip, None, "timeout"),
        (hang_up, None, "no_connection"),
        (None, None, "no_connection"),
    ],
    ids=["500", "redirect", "hangs", "drips", "hangs up", "closed"],
)
def test_a_receiver_that_fails_for_a_while_gets_each_event_once_it_is_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Answer | None,
    status: int | None,
    fault: str | None,
) -> None:
    monkeypatch.setattr("api.webhooks_sending.PATIENCE", 0.4)
    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": (LOOPBACK,)})
    failing = Receiver()
    failing.answer = answer or answer_with(204)
    hook, port = store(clinic, failing.address), failing.port
    if answer is None:
        failing.close()
    batches = [clinic.batch(SENT).rpartition("/")[2] for _ in range(2)]
    with delivering(clinic):
        for pause in (0, 6):
            clinic.clock.move(seconds=pause)
            wait_for(lambda: look(clinic, hook["id"])["last_delivery"])
            wait_for_rest(clinic, hook["id"])
        last = look(clinic, hook["id"])["last_delivery"]
        assert (last["status"], last["fault"], last["state"]) == (status, fault, "waiting")
        assert last["attempts"] == 2
        if answer is not None:
            failing.close()
        names = {one.name for one in failing.received}
        with closing(Receiver(port)) as back:
            clinic.clock.move(minutes=6)
            wait_for(lambda: look(clinic, hook["id"])["waiting"] == 0)
            told = [one.told["data"]["batch_id"] for one in back.received]
            assert sorted(told) == sorted(batches)
            assert not names or {one.name for one in back.received} == names
            for one in back.received:
                verify([hook["secret"]], one.headers, one.body, clinic.clock().timestamp())
    last = look(clinic, hook["id"])["last_delivery"]
    assert (last["state"], last["attempts"], last["fault"]) == ("delivered", 3, None)


def wait_for_rest(clinic: Clinic, hook: str) -> None:
    """Wait until nothing is due at the moment, and nothing is being sent."""
    database, now = clinic.app.state.parts.database, clinic.clock()

    def is_at_rest() -> bool:
        with database.reading() as session:
            due = session.exec(select(Delivery).where(col(Delivery.next_at) <= now)).first()
            taken = select(StoredWebhook).where(col(StoredWebhook.taken_until).is_not(None))
            return due is None and session.exec(taken).first() is None

    wait_for(is_at_rest)
    assert look(clinic, hook)["state"] == "on"


def test_an_answer_is_not_read_to_its_end(tmp_path: Path, receiver: Receiver) -> None:
    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": (LOOPBACK,)})
    receiver.answer = flood
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    began = time.monotonic()
    with delivering(clinic):
        wait_for(lambda: look(clinic, hook)["waiting"] == 0)
    assert time.monotonic() - began < 3
    assert look(clinic, hook)["last_delivery"]["state"] == "delivered"


def answer_interim(request: BaseHTTPRequestHandler) -> None:
    """Say without end that something is still to come."""
    with suppress(OSError):
        for _ in range(100_000):
            request.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)


def answer_after_interim(request: BaseHTTPRequestHandler) -> None:
    """Say a few times that something is still to come, and then that it was taken."""
    request.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 20)
    answer_with(204)(request)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (answer_interim, ("waiting", None, "no_connection")),
        (answer_after_interim, ("delivered", 204, None)),
    ],
)
def test_interim_answers_are_passed_over_but_not_without_end(
    tmp_path: Path, receiver: Receiver, answer: Answer, told: tuple[str, int | None, str | None]
) -> None:
    clinic = Clinic({"data_dir": tmp_path, "webhook_networks": (LOOPBACK,)})
    receiver.answer = answer
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    began = time.monotonic()
    with delivering(clinic):
        wait_for_attempt(clinic, hook, 1)
    assert time.monotonic() - began < 3
    last = look(clinic, hook)["last_delivery"]
    assert (last["state"], last["status"], last["fault"]) == told


def test_what_fails_in_a_way_that_nobody_thought_of_counts_and_comes_to_an_end(
    clinic: Clinic, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> Attempt:
        raise ExceptionGroup("canary", [OverflowError("canary")])

    monkeypatch.setattr(Sending, "send", fail)
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    with delivering(clinic) as log:
        for attempt in range(1, 11):
            wait_for_attempt(clinic, hook, attempt)
            last = look(clinic, hook)["last_delivery"]
            assert last["fault"] == "no_connection"
            assert last["state"] == ("given_up" if attempt == 10 else "waiting")
            clinic.clock.move(hours=27)
    assert log.getvalue().count(b'"event":"webhook failed"') == 10
    assert b"canary" not in log.getvalue()


def test_a_port_that_there_is_not_comes_to_an_end_where_it_was_stored_before(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    with clinic.app.state.parts.database.writing() as connection:
        connection.execute(update(StoredWebhook).values(url="http://127.0.0.1:99999/"))
    with delivering(clinic):
        wait_for_attempt(clinic, hook, 1)
    assert look(clinic, hook)["last_delivery"]["fault"] == "refused_port"


def test_due_is_only_what_nobody_sends(clinic: Clinic, receiver: Receiver) -> None:
    """A tenant whose address answers nothing, with many messages, is sent to again and again."""
    hook = UUID(store(clinic, receiver.address)["id"])
    began, database = clinic.clock(), clinic.app.state.parts.database
    for _ in range(3):
        clinic.batch(SENT)

    def since() -> datetime | None:
        standing = database.look_up(lambda session: read_deliveries(session, clinic.clock()))
        assert standing.counts["waiting"] == 3
        due: datetime | None = standing.due_since
        return due

    assert since() == began
    clinic.clock.move(seconds=700)
    assert since() == began
    at = clinic.clock()
    until = at + timedelta(seconds=60)
    (errand,) = database.change(lambda connection: take_due(connection, at, until, 50))
    clinic.clock.move(seconds=15)
    assert since() is None
    failed = Outcome(at, None, "timeout", "waiting", clinic.clock() + timedelta(seconds=5))
    database.change(lambda connection: note_outcome(connection, errand, failed))
    assert since() == at
    clinic.clock.move(seconds=900)
    assert since() == at
    database.change(
        lambda connection: connection.execute(
            update(StoredWebhook).where(col(StoredWebhook.id) == hook).values(is_on=False)
        )
    )
    assert since() is None


def give(bits: int) -> Callable[[int], int]:
    """Chance that is none."""
    return lambda _: bits


def wait_for_attempt(clinic: Clinic, hook: str, attempt: int) -> None:
    """Wait until it is written down what came of an attempt."""
    wait_for(lambda: (look(clinic, hook)["last_delivery"] or {}).get("attempts") == attempt)


def test_the_pauses_are_those_of_the_rules_and_a_little_longer_each_time_by_chance() -> None:
    at, ended = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 1, 0, 0, 15, tzinfo=UTC)
    failed = Attempt(503)
    for before, hours in enumerate(HOURS_AS_THE_RULES_HAVE_THEM):
        for bits, longer in ((0, 0.0), ((1 << 32) - 1, 1.0), (1 << 31, 0.5)):
            outcome = choose_outcome(before, failed, (at, ended), give(bits))
            assert outcome.next_at is not None
            pause = timedelta(hours=hours) * (1 + SPREAD * longer)
            assert abs(outcome.next_at - ended - pause) < timedelta(milliseconds=1)
            assert outcome.state == "waiting"
    last = choose_outcome(len(PAUSES), failed, (at, ended), lambda _: 0)
    assert (last.state, last.next_at) == ("given_up", None)
    assert choose_outcome(0, Attempt(299), (at, ended), lambda _: 0).state == "delivered"
    assert choose_outcome(0, Attempt(410), (at, ended), lambda _: 0).state == "given_up"


def test_what_is_never_taken_is_given_up_after_ten_attempts(
    clinic: Clinic, receiver: Receiver
) -> None:
    receiver.answer = answer_with(503)
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    with delivering(clinic):
        for attempt in range(1, 11):
            receiver.wait(attempt)
            wait_for_attempt(clinic, hook, attempt)
            clinic.clock.move(hours=27)
        last = look(clinic, hook)["last_delivery"]
        assert (last["state"], last["next_attempt_at"]) == ("given_up", None)
        assert look(clinic, hook)["waiting"] == 0
        receiver.answer = answer_with(204)
        clinic.batch(SENT)
        receiver.wait(11)
    assert len({one.name for one in receiver.received}) == 2
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.received[:10]]
    assert stamps == sorted(set(stamps))


def test_an_address_that_is_gone_is_told_nothing_more(clinic: Clinic, receiver: Receiver) -> None:
    receiver.answer = answer_with(410)
    hook = store(clinic, receiver.address)["id"]
    for _ in range(3):
        clinic.batch(SENT)
    with delivering(clinic):
        wait_for(lambda: look(clinic, hook)["state"] == "off")
        receiver.answer = answer_with(204)
        clinic.batch(SENT)
        assert look(clinic, hook)["waiting"] == 0
        refused = clinic.call("POST", f"/webhooks/{hook}/ping")
        assert refused.status_code == 409
        other = store(clinic, f"{receiver.address}/other")["id"]
        clinic.call("POST", f"/webhooks/{other}/ping")
        receiver.wait(2)
    assert [one.path for one in receiver.received] == ["/psoas", "/psoas/other"]


def test_an_address_that_does_not_answer_holds_no_other(clinic: Clinic, receiver: Receiver) -> None:
    with closing(Receiver()) as slow:
        slow.answer = hang
        hooks = [store(clinic, slow.address)["id"] for _ in range(8)]
        good = store(clinic, receiver.address)["id"]
        for _ in range(3):
            clinic.batch(SENT)
        began = time.monotonic()
        with delivering(clinic, pace=QUICK._replace(leave=0.1)):
            receiver.wait(3)
            wait_for(lambda: look(clinic, good)["waiting"] == 0)
            assert time.monotonic() - began < 4
            assert len(slow.wait(8)) == 8  # one at a time for each
        assert all(look(clinic, hook)["waiting"] == 3 for hook in hooks)
        receiver.received.clear()
        slow.answer = answer_with(204)
        with delivering(clinic):  # what was called off is left to others at once
            wait_for(lambda: not any(look(clinic, hook)["waiting"] for hook in hooks))


def test_what_ends_while_a_webhook_is_switched_off_is_not_left_waiting(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook, batch = UUID(store(clinic, receiver.address)["id"]), UUID(clinic.send(SENT).json()["id"])
    database = clinic.app.state.parts.database
    switching = Thread(
        target=lambda: database.change(lambda connection: switch_off(connection, hook))
    )
    with database.writing() as connection:
        ended = update(StoredBatch).where(col(StoredBatch.id) == batch).values(state="done")
        connection.execute(ended)
        announce_end(connection, batch, clinic.clock())
        switching.start()
        switching.join(0.3)
        assert switching.is_alive()  # it waits until that is written
    switching.join(SOON)
    with database.reading() as session:
        (told,) = session.exec(select(Delivery)).all()
        assert (told.state, told.next_at) == ("given_up", None)


# Several that send


def test_two_that_send_share_the_work_and_send_nothing_twice(
    clinic: Clinic, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks_delivery.AT_ONCE", 3)  # so that each leaves some to the other

    def pause(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.05)
        answer_with(204)(request)

    receiver.answer = pause
    hooks = [store(clinic, f"{receiver.address}/{number}")["id"] for number in range(6)]
    for _ in range(4):
        clinic.batch(SENT)

    def is_done() -> bool:
        clinic.clock.move(seconds=0.05)  # an attempt that fails on a busy machine is made again
        return not any(look(clinic, hook)["waiting"] for hook in hooks)

    with delivering(clinic) as one, delivering(clinic) as other:
        wait_for(is_done, seconds=60)
    counted = Counter((got.path, got.name) for got in receiver.received)
    assert len(counted) == 24
    assert set(counted.values()) == {1}
    assert all(log.getvalue().count(b'"event":"webhook"') for log in (one, other))


def test_what_one_that_died_had_taken_up_is_sent_by_another_after_a_while(
    clinic: Clinic, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)

    def die(*_: Any) -> None:
        raise StorageUnavailable("it is dead")

    with monkeypatch.context() as patch:
        patch.setattr(Courier, "_note", die)
        with delivering(clinic):
            receiver.wait(1)
    with delivering(clinic):
        time.sleep(0.3)
        assert len(receiver.received) == 1  # its time is not over yet
        clinic.clock.move(seconds=61)
        receiver.wait(2)
        wait_for(lambda: look(clinic, hook)["waiting"] == 0)
    first, second = receiver.received
    assert first.name == second.name
    assert look(clinic, hook)["last_delivery"]["attempts"] == 1


def test_nothing_is_sent_under_another_secret(clinic: Clinic, receiver: Receiver) -> None:
    hook = store(clinic, receiver.address)["id"]
    clinic.batch(SENT)
    given = clinic.storage
    clinic.storage = {**given, "secret": "another secret, of thirty-two letters"}
    with delivering(clinic) as log:
        wait_for(lambda: b"webhooks wait" in log.getvalue())
    assert b"PSOAS_SECRET is not the one" in log.getvalue()
    assert receiver.received == []
    clinic.storage = given
    with delivering(clinic):
        receiver.wait(1)
    assert look(clinic, hook)["waiting"] == 0


# Processes


def test_what_ends_its_process_between_a_batch_and_its_message_loses_nothing(
    storage: dict[str, Any], tmp_path: Path, receiver: Receiver
) -> None:
    migrated(storage)
    log, changed = tmp_path / "log", {"webhook_networks": LOOPBACK}
    with closing(Sender(storage)) as sender:
        with serving(storage, log, first=ENDING, **changed) as service:
            answer = sender.call(service, "POST", "/webhooks", json={"url": receiver.address})
            secret = answer.json()["secret"]
            file = tmp_path / "in.csv"
            file.write_text(SENT)
            sent = sender.send(service, file)
            assert service.process.wait(30) == -signal.SIGKILL
        assert sender.look(sent).state == "done"
        assert receiver.received == []
        with working(storage, log, first=QUICKLY, **changed):
            (one,) = receiver.wait(1)
    assert one.told["data"] == {"batch_id": sent, "state": "done", "rows": 1, "rejected": 0}
    verify([secret], one.headers, one.body, time.time())
    assert b"Traceback" not in log.read_bytes()
