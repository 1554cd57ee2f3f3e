"""Places where nothing can be stored: a folder that may not be written to, a database begun with another secret."""

import os
from pathlib import Path
from typing import Any

import pytest
from clinic import DESK, Clinic
from conftest import caller, make_app
from disks import small_disk
from serving import psoas, serving

Storage = dict[str, Any]
SECRETS = ("one secret that is long enough for it", "another secret, just as long as that one")


def test_another_secret_is_told(storage: Storage) -> None:
    clinic = Clinic(storage, secret=SECRETS[0])
    assert clinic.store().status_code == 201
    call = caller(make_app(**storage, secret=SECRETS[1]))
    body = {"person": "p-1", "answers": DESK}
    headers = {"Authorization": f"Bearer {clinic.key}"}
    for method in ("GET", "POST"):
        refused = call(method, "/assessments", headers=headers, json=body)
        assert refused.status_code == 503
        assert "PSOAS_SECRET" in refused.json()["detail"]
        assert not any(secret in refused.text for secret in SECRETS)
    assert call("GET", "/readyz").json()["storage"] == "unavailable"
    assert call("POST", "/assess", json={"answers": DESK}).status_code == 200
    again = Clinic(storage, secret=SECRETS[0])
    assert len(again.call("GET", "/assessments").json()["items"]) == 1


def test_a_secret_that_is_lost_is_told(storage: Storage) -> None:
    """A new one is made in the data folder, which is not the one with which the database was begun."""
    clinic = Clinic(storage)
    clinic.store()
    (storage["data_dir"] / "secret").unlink()
    headers = {"Authorization": f"Bearer {clinic.key}"}
    refused = caller(make_app(**storage))("GET", "/assessments", headers=headers)
    assert refused.status_code == 503
    assert "PSOAS_SECRET" in refused.json()["detail"]


def assert_unusable(folder: Path, log: Path, reason: str) -> None:
    """It is told why nothing can be stored, where it is told, and people are assessed all the same."""
    storage: Storage = {"data_dir": folder}
    call = caller(make_app(**storage))
    assert call("GET", "/readyz").json()["storage"] == "unavailable"
    headers = {"Authorization": f"Bearer psoas_{'0' * 16}_{'0' * 64}"}
    refused = call("GET", "/assessments", headers=headers)
    assert refused.status_code == 503
    assert reason in refused.json()["detail"]
    assert str(folder) not in refused.text
    assert call("POST", "/assess", json={"answers": DESK}).status_code == 200
    for words in (("migrate",), ("keys", "list")):
        done = psoas(storage, *words)
        assert done.exit_code == 2
        assert reason.lower() in done.stderr.lower()
        assert "Traceback" not in done.stderr
    with serving(storage, log):
        pass
    said = log.read_text()
    assert "Nothing can be stored yet" in said
    assert reason in said
    assert "Traceback" not in said


def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        disk.change("ro")
        assert_unusable(disk.folder, tmp_path / "log", "Read-only file system")


def test_a_disk_that_becomes_one_that_may_only_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "2m") as disk:
        clinic = Clinic({"data_dir": disk.folder})
        clinic.store()
        parts = clinic.app.state.parts
        parts.database.close()  # what is open for writing keeps a disk from being made so
        disk.change("ro")
        assert clinic.store().status_code == 503
        assert clinic.call("GET", "/assessments").status_code == 503
        disk.change("rw")
        assert clinic.store().status_code == 201
        assert len(clinic.call("GET", "/assessments").json()["items"]) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    assert_unusable(folder, tmp_path / "log", "Permission denied")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert_unusable(tmp_path / "file", tmp_path / "log", "Not a directory")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "psoas.sqlite3").write_bytes(b"canary" * 1000)
    call = caller(make_app(data_dir=tmp_path))
    assert call("GET", "/readyz").json()["storage"] == "unavailable"
    done = psoas({"data_dir": tmp_path}, "keys", "list")
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    assert "does not answer as it should" in done.stderr
