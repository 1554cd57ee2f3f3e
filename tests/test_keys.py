"""Keys: shown once, kept as a hash, listed without their secret, and gone when revoked or past their time."""

import asyncio
import hashlib
import re
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import Result
from clinic import Clinic, Clock, make_key_text
from conftest import caller, make_app
from serving import PSOAS, name_settings, serving
from typer.testing import CliRunner

from api.cli import cli, look_at_storage
from api.settings import Settings
from api.storage import api_keys
from api.storage.api_keys import list_keys
from api.storage.tables import ApiKey
from api.storage.writer import Write
from api.storage_commands import read_expiry
from api.storing import now, open_database

Storage = dict[str, Any]
KEY = r"psoas_([0-9a-f]{16})_([0-9a-f]{64})"


@pytest.fixture
def run(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ways to run `psoas keys` on each kind of database."""
    for name, value in storage.items():
        monkeypatch.setenv(f"PSOAS_{name.upper()}", str(value))
    return lambda *words: CliRunner().invoke(cli, ["keys", *words])


def create(run: Any, *words: str) -> Result:
    """Make a key for the clinic."""
    done: Result = run("create", "--tenant", "clinic", "--scopes", "records", *words)
    assert done.exit_code == 0, done.output
    return done


def status(storage: Storage, key: str, app: Any = None) -> int:
    """What a key is answered with, by default in a process that does not know it yet."""
    call = caller(app or make_app(**storage))
    return call("GET", "/assessments", headers={"Authorization": f"Bearer {key}"}).status_code


def read_keys(storage: Storage) -> list[ApiKey]:
    """The keys as they are stored."""
    with closing(open_database(Settings(**storage))) as database, database.reading() as session:
        return list(list_keys(session, None))


def read_everything(storage: Storage) -> bytes:
    """All that is in a database: the bytes of its files, or every row as text."""
    if "database_url" not in storage:
        return b"".join(path.read_bytes() for path in storage["data_dir"].iterdir())
    with psycopg.connect(storage["database_url"]) as connection:
        return repr(connection.execute("SELECT t::text FROM api_key t").fetchall()).encode()


# Made


def test_a_key_is_printed_once_and_kept_as_a_hash(run: Any, storage: Storage) -> None:
    done = create(run, "--name", "front desk")
    match = re.fullmatch(KEY + r"\n", done.stdout)
    assert match
    assert match[1] in done.stderr
    assert match[2] not in done.stderr
    hashed = hashlib.sha256(match[2].encode()).digest()
    with closing(open_database(Settings(**storage))) as database, database.reading():
        kept = read_everything(
            storage
        )  # while it is open, SQLite keeps a file of changes beside it
    assert match[1].encode() in kept
    assert hashed in kept or hashed.hex().encode() in kept
    for secret in (match[2].encode(), bytes.fromhex(match[2]), done.stdout.strip().encode()):
        assert secret not in kept
    assert status(storage, done.stdout.strip()) == 200


def test_no_two_keys_are_alike(run: Any, storage: Storage) -> None:
    texts = [create(run).stdout.strip() for _ in range(5)]
    for part in (1, 2):
        assert len({text.split("_")[part] for text in texts}) == 5
    assert len(read_keys(storage)) == 5


def test_a_scope_named_twice_is_one(run: Any, storage: Storage) -> None:
    done = run("create", "--tenant", "a", "--scopes", " admin, records ,admin,,")
    assert done.exit_code == 0
    assert read_keys(storage)[0].scopes == "admin records"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"--tenant": "Clinic"}, ["--tenant"]),
        ({"--tenant": ""}, ["--tenant"]),
        ({"--tenant": "a\n"}, ["--tenant"]),
        ({"--tenant": "x" * 65}, ["--tenant"]),
        ({"--scopes": "records,canary"}, ["--scopes"]),
        ({"--scopes": ","}, ["--scopes"]),
        ({"--name": "x" * 201}, ["--name"]),
        ({"--name": "a\x1b[2J"}, ["--name"]),
        ({"--name": "a\tb"}, ["--name"]),
        ({"--expires": "2020-01-01"}, ["--expires"]),
        ({"--expires": "soon"}, ["--expires"]),
        (
            {"--tenant": "A", "--scopes": "x", "--name": "\n", "--expires": "d"},
            ["--tenant", "--scopes", "--name", "--expires"],
        ),
    ],
)
def test_every_fault_is_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: list[str]
) -> None:
    monkeypatch.setenv("PSOAS_DATA_DIR", str(tmp_path / "data"))
    options = {"--tenant": "clinic", "--scopes": "records", **changed}
    words = [word for option in options.items() for word in option]
    done = CliRunner().invoke(cli, ["keys", "create", *words])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert [line.split()[0] for line in done.stderr.splitlines()] == named
    assert not (tmp_path / "data").exists()


MOMENT = datetime(2026, 8, 1, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("90d", MOMENT + timedelta(days=90)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T12:00+02:00", datetime(2027, 1, 31, 10, tzinfo=UTC)),
        ("2026-08-01T09:30:01Z", MOMENT + timedelta(seconds=1)),
        ("2026-08-01T09:30Z", None),
        ("2026-08-01", None),
        ("0001-01-01T00:00+14:00", None),
        ("9999-12-31T23:00-14:00", None),
        *(
            (text, None)
            for text in ("0d", "-5d", "d", "1.5d", "99999999d", "9" * 40 + "d", "", "x")
        ),
    ],
)
def test_the_end_of_a_key_is_a_date_or_days(text: str, until: datetime | None) -> None:
    assert read_expiry(text, MOMENT) == until


# Listed and revoked


def test_a_list_tells_all_but_the_secret(run: Any, storage: Storage) -> None:
    texts = [create(run, "--name", "front desk").stdout.strip()]
    texts.append(create(run, "--expires", "1d").stdout.strip())
    texts.append(make_key_text(storage, "other", expires_at=MOMENT))
    ids = [text.split("_")[1] for text in texts]
    assert run("revoke", ids[1]).exit_code == 0
    assert status(storage, texts[0]) == 200
    listed = run("list")
    assert listed.exit_code == 0
    rows = {row[0]: row[1:] for row in (line.split("\t") for line in listed.stdout.splitlines())}
    assert set(rows) == set(ids)
    assert rows[ids[0]][:4] == ["clinic", "records", "works", "no end"]
    assert rows[ids[0]][4].startswith(f"{now():%Y-%m-}")
    assert rows[ids[0]][5] == "front desk"
    assert rows[ids[1]][2] == "revoked"
    assert rows[ids[1]][4] == "never"
    assert rows[ids[2]][:4] == ["other", "records", "expired", "2026-08-01T09:30:00.000Z"]
    for text in texts:
        assert text.split("_")[2] not in listed.output
    assert run("list", "--tenant", "other").stdout.splitlines() == listed.stdout.splitlines()[:1]
    assert run("list", "--tenant", "nobody").stdout == ""


def test_a_revoked_key_works_five_seconds_at_most(run: Any, storage: Storage) -> None:
    clinic = Clinic(storage)
    text = create(run).stdout.strip()
    id_of_key = text.split("_")[1]
    assert status(storage, text, clinic.app) == 200
    revoked = run("revoke", id_of_key)
    assert revoked.exit_code == 0
    assert revoked.stdout == ""
    assert id_of_key in revoked.stderr
    assert status(storage, text) == 401
    clinic.clock.move(seconds=5)
    assert status(storage, text, clinic.app) == 401
    assert clinic.call("GET", "/assessments").status_code == 200
    again = run("revoke", id_of_key)
    assert again.exit_code == 2
    assert "no such key" in again.stderr


@pytest.mark.parametrize("id", ["0123456789abcdef", "", "' OR 1=1 --", "x" * 9999])
def test_what_is_no_key_cannot_be_revoked(run: Any, storage: Storage, id: str) -> None:
    text = create(run).stdout.strip()
    done = run("revoke", "--", id)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.output
    assert status(storage, text) == 200


# Used


def test_a_key_works_to_the_moment_it_ends(storage: Storage) -> None:
    clock = Clock()
    app = make_app(**storage, clock=clock)
    text = make_key_text(storage, "clinic", expires_at=clock() + timedelta(seconds=2))
    assert status(storage, text, app) == 200
    clock.move(seconds=2, milliseconds=-1)
    assert status(storage, text, app) == 200
    assert status(storage, text, make_app(**storage, clock=clock)) == 200
    clock.move(milliseconds=1)
    assert status(storage, text, app) == 401
    assert status(storage, text, make_app(**storage, clock=clock)) == 401


def test_another_secret_or_another_id_opens_nothing(storage: Storage) -> None:
    app = make_app(**storage)
    one, other = (make_key_text(storage, "clinic").split("_") for _ in range(2))
    wrong = [
        (one[1], other[2]),
        (other[1], one[2]),
        (one[1], one[2][:-1]),
        (one[1], one[2].upper()),
    ]
    wrong += [(one[1], ("1" if one[2][0] == "0" else "0") + one[2][1:]), (one[1], "")]
    for id_of_key, secret in wrong:
        assert status(storage, f"psoas_{id_of_key}_{secret}", app) == 401
    assert status(storage, "_".join(one), app) == 200


def test_use_is_written_down_at_most_once_a_minute(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    written: list[datetime] = []
    touch_key = api_keys.touch_key

    def watch(id: str, moment: datetime) -> Write:
        written.append(moment)
        return touch_key(id, moment)

    monkeypatch.setattr("api.keys.touch_key", watch)
    text = make_key_text(storage, "clinic")
    app = make_app(**storage, clock=clock)

    async def send_all() -> list[int]:
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {text}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            sent = [client.get("/model", headers=headers) for _ in range(10)]
            return [answer.status_code for answer in await asyncio.gather(*sent)]

    begun = clock()
    for seconds, expected in (
        (0, [0]),
        (6, [0]),
        (53.9, [0]),
        (0.1, [0]),
        (10, [0, 70]),
        (10, [0, 70]),
    ):
        clock.move(seconds=seconds)
        assert asyncio.run(send_all()) == [200] * 10
        assert written == [begun + timedelta(seconds=moment) for moment in expected]
        assert read_keys(storage)[0].last_used_at == written[-1]


# Told


def test_serve_says_how_to_make_the_first_key(run: Any, storage: Storage, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with serving(storage, log) as service:
        assert httpx.get(f"{service.address}/assessments").status_code == 401
    told = log.read_text()
    command = re.search(r"psoas keys (create .*)", told)
    assert command
    done = run(*command[1].split())
    assert done.exit_code == 0
    assert status(storage, done.stdout.strip()) == 200


def test_serve_says_nothing_of_keys_once_there_are_some(
    storage: Storage, capsys: pytest.CaptureFixture[str]
) -> None:
    look_at_storage(Settings(**storage))
    assert "psoas keys create" in capsys.readouterr().err
    make_key_text(storage, "clinic")
    look_at_storage(Settings(**storage))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_URL", "mysql://user:canary@host/name", "PSOAS_DATABASE_URL: must name"),
        ("DATABASE_URL", "canary", "PSOAS_DATABASE_URL: must look like"),
        ("DATABASE_URL", "postgresql://user:canary@127.0.0.1:9/x", "The database does not answer"),
        ("SECRET", "canary", "PSOAS_SECRET: "),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    done = subprocess.run(
        [PSOAS, "keys", "list"],
        env=name_settings({"data_dir": tmp_path / "data", name: value}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "canary" not in done.stderr
