"""Keyed hashes: the same only for the same, under a secret that is made once and never lost half-way."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clinic import Clinic

from api.pseudonyms import Pseudonyms, keep_secret
from api.storage.failures import StorageUnavailable


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: keep_secret(path), range(50)))
    assert len(made) == 1
    assert len(made.pop()) == 64
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]
    assert keep_secret(tmp_path / "other" / "secret") != keep_secret(path)


@pytest.mark.parametrize("left", [b"", b"\n", b"short\n", b"x" * 31])
def test_what_a_crash_left_of_a_secret_is_not_used(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(left)
    with pytest.raises(OSError, match="short"):
        keep_secret(path)
    with pytest.raises(StorageUnavailable, match="secret"):
        Pseudonyms(lambda: keep_secret(path)).name_person("clinic", "p-1")


def test_without_the_secret_it_is_told_what_is_wrong(tmp_path: Path) -> None:
    clinic = Clinic({"data_dir": tmp_path})
    (tmp_path / "secret").write_bytes(b"")
    response = clinic.store()
    assert response.status_code == 503
    assert clinic.call("GET", "/model", "").status_code == 200


def test_hashes_are_the_same_only_for_the_same() -> None:
    one, other = Pseudonyms(lambda: b"a" * 32), Pseudonyms(lambda: b"b" * 32)
    named = [
        *(one.name_person("clinic", "p-1"), one.name_person("clinic", "p-2")),
        *(one.name_person("clinic-p", "1"), one.name_person("clinicp", "-1")),
        *(one.name_subject("clinic", "p-1"), one.name_body("clinic", b"p-1").hex()[:32]),
        *(other.name_person("clinic", "p-1"), one.check.hex()[:32], other.check.hex()[:32]),
    ]
    assert len(set(named)) == len(named)
    assert one.name_person("clinic", "p-1") == Pseudonyms(lambda: b"a" * 32).name_person(
        "clinic", "p-1"
    )
