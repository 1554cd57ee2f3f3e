"""A disk that is full: told, survived, nothing half-done, and well again without a restart once there is room."""

from typing import Any

from clinic import DESK, Clinic
from conftest import caller, make_app
from disks import Disk, small_disk
from failing import assert_problem, count_rows, migrated, store
from postgres import serving as serving_postgres
from sqlalchemy import event

from api.storage.database import Database


def assert_full_disk_is_survived(clinic: Clinic, disk: Disk) -> None:
    """Storing is refused, nothing is half-written, and goes on when there is room."""
    first = store(clinic, 1)
    disk.fill()
    for number in range(2, 300):  # there may be room in what the database has already
        answer = store(clinic, number)
        if answer.status_code != 201:
            break
    assert_problem(answer, 507, "nothing was changed")
    # What is read is written down, for which there may be no room.
    assert clinic.call("GET", "/assessments").status_code in (200, 507)
    assert clinic.call("POST", "/assess", key="", json={"answers": DESK}).status_code == 200
    assert clinic.call("DELETE", first.headers["location"]).status_code in (204, 507)
    disk.empty()
    again = store(clinic, number)
    assert again.status_code == 201
    assert "idempotency-replayed" not in again.headers
    assert clinic.call("GET", again.headers["location"]).status_code == 200
    assert clinic.call("DELETE", again.headers["location"]).status_code == 204
    assert len(clinic.call("GET", "/assessments?limit=200").json()["items"]) in (
        number - 1,
        number - 2,
    )


def test_a_full_disk_under_sqlite(tmp_path: Any) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        assert_full_disk_is_survived(Clinic({"data_dir": disk.folder}), disk)


def test_a_disk_that_is_made_larger(tmp_path: Any) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        clinic = Clinic({"data_dir": disk.folder})
        store(clinic, 1)
        disk.fill()
        number = next(n for n in range(2, 300) if store(clinic, n).status_code == 507)
        disk.enlarge("4m")
        assert store(clinic, number).status_code == 201
        assert count_rows(clinic) == number


def test_a_disk_that_is_full_when_the_service_starts(tmp_path: Any) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        disk.fill()
        call = caller(make_app(data_dir=disk.folder))
        assert call("GET", "/readyz").json()["storage"] == "unavailable"
        assert call("POST", "/assess", json={"answers": DESK}).status_code == 200
        disk.empty()
        assert call("GET", "/readyz").json()["storage"] == "ready"


def test_a_disk_that_is_full_when_the_service_starts_again(tmp_path: Any) -> None:
    """The database is there, but not even the files that SQLite reads with have room."""
    with small_disk(tmp_path / "disk", "2m") as disk:
        clinic = Clinic({"data_dir": disk.folder})
        disk.fill()
        assert_problem(store(clinic, 1), 503, "no room left")  # it cannot be checked who is calling
        disk.empty()
        assert store(clinic, 1).status_code == 201
        assert count_rows(clinic) == 1


class Pages:
    """As many pages as SQLite may have at most: a full disk that needs no mounting."""

    def __init__(self, database: Database) -> None:
        self._database, self._most = database, 1 << 30
        event.listen(database._engine, "checkout", self._limit)

    def _limit(self, connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={self._most}")

    def fill(self) -> None:
        with self._database.reading() as session:
            self._most = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()

    def empty(self) -> None:
        self._most = 1 << 30


def test_no_page_left_under_sqlite(tmp_path: Any) -> None:
    clinic = Clinic({"data_dir": tmp_path})
    pages: Any = Pages(clinic.app.state.parts.database)
    first = [store(clinic, number).status_code for number in range(1, 4)]
    assert first == [201] * 3
    pages.fill()
    number = next(n for n in range(4, 300) if store(clinic, n).status_code == 507)
    assert count_rows(clinic) == number - 1
    pages.empty()
    assert store(clinic, number).status_code == 201
    assert count_rows(clinic) == number


def test_a_full_disk_under_postgresql(tmp_path: Any) -> None:
    with (
        serving_postgres() as server,
        small_disk(server.root / "disk", "16m", server.user) as disk,
        disk.database(server) as url,
    ):
        storage = {"data_dir": tmp_path, "database_url": url}
        with migrated(storage):
            clinic = Clinic(storage)
            assert_full_disk_is_survived(clinic, disk)
            clinic.app.state.parts.database.close()
