"""Webhooks: stored with a secret shown once, told when a batch ends and of nothing else, signed after the rules."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from clinic import Clinic
from receiving import (
    LOOPBACK,
    NotGenuine,
    Received,
    Receiver,
    answer_with,
    delivering,
    look,
    store,
    verify,
    wait_for,
)
from standardwebhooks.webhooks import Webhook

from api.batch.ledger import Ledger, Stopped
from api.logs import open_log
from api.settings import Settings
from api.storage.batches import look_at
from api.storage.deliveries import announce_end
from api.storage.tables import Delivery, StoredBatch
from api.storing import Tidying

pytest_plugins = ["receivers"]
CANARY = "canary-4711"
SENT = f"person,sitting_hours_per_day\n{CANARY},7.125\n{CANARY},99.5\n"


def is_genuine(secrets: list[str], one: Received, now: float, **changed: str) -> bool:
    """Whether a receiver takes a message, with some of its headers changed."""
    named = {name.replace("_", "-"): value for name, value in changed.items()}
    try:
        verify(secrets, {**one.headers, **named}, one.body, now)
    except NotGenuine:
        return False
    return True


def open_ledger(clinic: Clinic) -> Ledger:
    parts = clinic.app.state.parts
    log = open_log("error", io.BytesIO())
    return Ledger(parts.database, parts.model, clinic.clock, Event(), log)


def take(clinic: Clinic, ledger: Ledger) -> StoredBatch:
    """A batch just sent and taken up."""
    taken = ledger.take(UUID(clinic.send(SENT).json()["id"]))
    assert taken is not None
    return taken


def list_deliveries(clinic: Clinic) -> list[tuple[str, str]]:
    """What is to be told, and what became of that."""
    with clinic.app.state.parts.database.reading() as session:
        rows = session.exec(Delivery.__table__.select()).all()  # type: ignore[attr-defined]
    return sorted((row.event, row.state) for row in rows)


# What is told


def test_a_receiver_takes_what_it_is_told_of_a_batch_and_nothing_that_was_changed(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook = store(clinic, receiver.address)
    with delivering(clinic):
        batch = clinic.batch(SENT).rpartition("/")[2]
        (one,) = receiver.wait(1)
        wait_for(lambda: look(clinic, hook["id"])["waiting"] == 0)
    data = {"batch_id": batch, "state": "done", "rows": 2, "rejected": 1}
    at = "2026-08-01T09:30:00Z"
    assert one.told == {"type": "batch.done", "timestamp": at, "data": data}
    assert one.headers["content-type"] == "application/json"
    now, secrets = clinic.clock().timestamp(), [hook["secret"]]
    assert is_genuine(secrets, one, now)
    assert is_genuine(secrets, one, now + 299)
    assert not is_genuine(secrets, one, now + 301)
    assert not is_genuine(secrets, one, now - 301)
    assert not is_genuine(secrets, one._replace(body=one.body.replace(b"done", b"gone")), now)
    assert not is_genuine(secrets, one, now, webhook_id="msg_other")
    assert not is_genuine(secrets, one, now, webhook_timestamp=str(int(now) + 1))
    assert not is_genuine(["whsec_AAAA"], one, now)
    last = look(clinic, hook["id"])["last_delivery"]
    assert last == {
        "message": one.name,
        "event": "batch.done",
        "batch_id": batch,
        "state": "delivered",
        "attempts": 1,
        "attempted_at": "2026-08-01T09:30:00.000Z",
        "status": 204,
        "fault": None,
        "next_attempt_at": None,
    }


def test_the_receiver_and_the_library_of_the_rules_agree() -> None:
    """Else the one that is tested with would prove nothing."""
    secret, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1_785_576_600
    signature = Webhook(secret).sign("msg_1", datetime.fromtimestamp(now, UTC), '{"a":1}')
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(now)}
    verify([secret], {**headers, "webhook-signature": signature}, b'{"a":1}', now)
    with pytest.raises(NotGenuine):
        verify([secret], {**headers, "webhook-signature": signature[:-2] + "A="}, b'{"a":1}', now)


def test_what_failed_is_told_without_the_reason_and_only_to_those_who_asked(
    clinic: Clinic, receiver: Receiver
) -> None:
    hooks = [
        store(clinic, f"{receiver.address}/{name}", events=events)["id"]
        for name, events in (("both", ["batch.done", "batch.failed"]), ("done", ["batch.done"]))
    ]
    store(clinic.neighbour(), f"{receiver.address}/other")
    ledger = open_ledger(clinic)
    batch = take(clinic, ledger)
    ledger.finish(batch, "failed", f"{CANARY} is no number")
    with delivering(clinic):
        (one,) = receiver.wait(1)
        wait_for(lambda: look(clinic, hooks[0])["waiting"] == 0)
    assert one.path.endswith("/both")
    assert one.told["type"] == "batch.failed"
    assert one.told["data"] == {"batch_id": str(batch.id), "state": "failed"}
    assert CANARY.encode() not in one.body
    assert look(clinic, hooks[1])["last_delivery"] is None


def test_an_old_secret_signs_beside_the_new_one_for_a_day(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook = store(clinic, receiver.address)
    first = hook["secret"]
    renewed = clinic.call("POST", f"/webhooks/{hook['id']}/secret").json()
    second = renewed["secret"]
    assert renewed["old_secrets_until"] == "2026-08-02T09:30:00.000Z"
    assert look(clinic, hook["id"])["old_secrets_until"] == renewed["old_secrets_until"]
    clinic.clock.move(hours=23)
    third = clinic.call("POST", f"/webhooks/{hook['id']}/secret").json()["secret"]
    assert len({first, second, third}) == 3
    with delivering(clinic):
        clinic.batch(SENT)
        (one,) = receiver.wait(1)
        now = clinic.clock().timestamp()
        assert len(one.signatures) == 3
        assert all(is_genuine([secret], one, now) for secret in (first, second, third))
        clinic.clock.move(hours=2)
        clinic.batch(SENT)
        one = receiver.wait(2)[1]
        now = clinic.clock().timestamp()
        assert not is_genuine([first], one, now)
        assert is_genuine([second], one, now)
        clinic.clock.move(hours=24)
        clinic.batch(SENT)
        one = receiver.wait(3)[2]
        assert len(one.signatures) == 1
        assert is_genuine([third], one, clinic.clock().timestamp())
    assert look(clinic, hook["id"])["old_secrets_until"] is None


def test_secrets_are_renewed_only_so_often_that_each_signs_for_its_day(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook = store(clinic, receiver.address)
    path, secrets = f"/webhooks/{hook['id']}/secret", [hook["secret"]]
    for _ in range(4):
        secrets.append(clinic.call("POST", path).json()["secret"])
        clinic.clock.move(hours=1)
    refused = clinic.call("POST", path)
    assert refused.status_code == 409
    assert "after 2026-08-02T09:30:00.000Z" in refused.json()["detail"]
    clinic.clock.move(hours=19, minutes=59)
    assert clinic.call("POST", path).status_code == 409
    clinic.batch(SENT)
    with delivering(clinic):
        (one,) = receiver.wait(1)
        now = clinic.clock().timestamp()
        assert len(one.signatures) == 5
        assert all(is_genuine([secret], one, now) for secret in secrets)
        wait_for(lambda: look(clinic, hook["id"])["waiting"] == 0)  # else it is sent once more
        clinic.clock.move(minutes=1)
        secrets.append(clinic.call("POST", path).json()["secret"])
        clinic.batch(SENT)
        one = receiver.wait(2)[1]
    now = clinic.clock().timestamp()
    assert [is_genuine([secret], one, now) for secret in secrets] == [False] + [True] * 5


# What is written together


def test_nothing_is_told_of_a_batch_that_did_not_end(
    clinic: Clinic, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(clinic, receiver.address)
    ledger = open_ledger(clinic)
    batch = take(clinic, ledger)
    newer = ledger.take(batch.id)
    assert newer is not None
    with pytest.raises(Stopped):
        ledger.finish(batch, "done")  # another one has taken it up
    assert list_deliveries(clinic) == []

    def break_off(*given: Any) -> None:
        announce_end(*given)
        raise ValueError("the process ends")

    with monkeypatch.context() as patch:
        patch.setattr("api.batch.ledger.announce_end", break_off)
        with pytest.raises(ValueError, match="ends"):
            ledger.finish(newer, "done")
    assert list_deliveries(clinic) == []
    found = clinic.app.state.parts.database.look_up(lambda session: look_at(session, batch.id))
    assert found.state == "running"
    ledger.finish(newer, "done")
    assert list_deliveries(clinic) == [("batch.done", "waiting")]
    with pytest.raises(Stopped):
        ledger.finish(batch, "failed")
    assert list_deliveries(clinic) == [("batch.done", "waiting")]


def test_what_is_erased_takes_with_it_what_was_to_be_told(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook, other = (store(clinic, receiver.address)["id"] for _ in range(2))
    batch, kept = clinic.batch(SENT), clinic.batch(SENT)
    assert look(clinic, hook)["waiting"] == 2
    clinic.call("DELETE", batch)
    assert look(clinic, hook)["waiting"] == look(clinic, other)["waiting"] == 1
    assert clinic.call("DELETE", f"/webhooks/{hook}").status_code == 204
    assert clinic.call("GET", f"/webhooks/{hook}").status_code == 404
    with delivering(clinic):
        receiver.wait(1)
        wait_for(lambda: look(clinic, other)["waiting"] == 0)
    (one,) = receiver.received
    assert one.told["data"]["batch_id"] == kept.rpartition("/")[2]


def test_what_was_told_long_ago_is_tidied_away(clinic: Clinic, receiver: Receiver) -> None:
    hook = store(clinic, receiver.address)["id"]
    with delivering(clinic):
        clinic.batch(SENT)
        wait_for(lambda: list_deliveries(clinic) == [("batch.done", "delivered")])
    parts, log = clinic.app.state.parts, open_log("error", io.BytesIO())
    settings = Settings(batch_days=0)
    tidying = Tidying(parts.records, parts.batches, parts.webhooks, settings, clinic.clock, log)
    for days, left in ((29, 1), (2, 0)):
        clinic.clock.move(days=days)
        asyncio.run(tidying.tidy())
        assert len(list_deliveries(clinic)) == left
    assert look(clinic, hook)["last_delivery"] is None


# What callers may ask for


def test_a_tenant_has_so_many_webhooks_and_no_more(storage: dict[str, Any]) -> None:
    clinic = Clinic({**storage, "webhooks_per_tenant": 2})
    urls = [f"https://clinic.example/{number}" for number in range(2)]
    hooks = []
    for url in urls:
        hooks.append(store(clinic, url))
        clinic.clock.move(seconds=1)
    refused = clinic.call("POST", "/webhooks", json={"url": "https://clinic.example/2"})
    assert refused.status_code == 409
    assert "At most 2" in refused.json()["detail"]
    store(clinic.neighbour(), urls[0])
    listed = clinic.call("GET", "/webhooks").json()["items"]
    assert [one["url"] for one in listed] == urls[::-1]
    clinic.call("DELETE", f"/webhooks/{hooks[0]['id']}")
    store(clinic, urls[0])


def test_a_secret_is_shown_once_and_stands_nowhere(tmp_path: Path, receiver: Receiver) -> None:
    log = io.BytesIO()
    clinic = Clinic({"data_dir": tmp_path / "data", "webhook_networks": (LOOPBACK,)}, log=log)
    hook = store(clinic, f"{receiver.address}/{CANARY}")
    with delivering(clinic) as told:
        clinic.batch(SENT)
        wait_for(lambda: look(clinic, hook["id"])["last_delivery"])
        clinic.clock.move(seconds=1)
        receiver.answer = answer_with(500, Canary=CANARY)
        clinic.batch(SENT)
        receiver.wait(2)
        wait_for(lambda: look(clinic, hook["id"])["last_delivery"]["status"] == 500)
    again = clinic.call("GET", "/webhooks").text + clinic.call("GET", "/audit").text
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("psoas.sqlite3*"))
    said = log.getvalue() + told.getvalue()
    assert b'"webhook"' in said
    for text in (hook["secret"], hook["secret"][6:30]):
        assert text not in again
        assert text.encode() not in kept + said
    for text in (CANARY, "127.0.0.1", "7.125", "sitting"):
        assert text.encode() not in said


def test_who_changes_a_webhook_stands_in_the_audit_trail(
    clinic: Clinic, receiver: Receiver
) -> None:
    hook = store(clinic, receiver.address)["id"]
    clinic.clock.move(seconds=1)
    receiver.answer = answer_with(410)
    first = clinic.call("POST", f"/webhooks/{hook}/ping")
    assert first.status_code == 202
    clinic.clock.move(seconds=1)
    with delivering(clinic):
        wait_for(lambda: look(clinic, hook)["state"] == "off")
    assert first.json()["message"] == receiver.received[0].name
    clinic.clock.move(seconds=1)
    clinic.call("POST", f"/webhooks/{hook}/secret")
    clinic.clock.move(seconds=1)
    clinic.call("DELETE", f"/webhooks/{hook}")
    items = clinic.call("GET", "/audit").json()["items"]
    done = [(one["action"], one["actor"].partition(":")[0]) for one in reversed(items)]
    assert done[-5:] == [
        ("webhook_store", "key"),
        ("webhook_ping", "key"),
        ("webhook_off", "service"),
        ("webhook_secret", "key"),
        ("webhook_erase", "key"),
    ]


def test_while_a_ping_waits_there_is_no_other(clinic: Clinic, receiver: Receiver) -> None:
    hook = store(clinic, receiver.address)["id"]
    names = {clinic.call("POST", f"/webhooks/{hook}/ping").json()["message"] for _ in range(3)}
    assert len(names) == 1
    with delivering(clinic):
        (one,) = receiver.wait(1)
        wait_for(lambda: look(clinic, hook)["waiting"] == 0)
    assert {one.name} == names
    assert one.told["data"] == {"webhook_id": hook}
    assert clinic.call("POST", f"/webhooks/{hook}/ping").json()["message"] not in names


@pytest.mark.parametrize("path", ["", "/secret", "/ping"])
def test_what_is_not_there_is_not_found(clinic: Clinic, path: str) -> None:
    method = "POST" if path else "GET"
    for name in ("0198a0b2-8c00-7000-8000-000000000001", "nothing"):
        assert clinic.call(method, f"/webhooks/{name}{path}").status_code == 404
