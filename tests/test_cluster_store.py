"""Partitions in an object store: the same bytes as on disk, by workers that know only paths."""

from collections.abc import Mapping
from pathlib import Path

import obstore
import pytest
from clusters import CANARY, read_folder, scheduling, score_folder, write_partitions
from obstore.store import S3Store
from stores import SECRET, Stored

from api.batch.chunks import FileRefused
from api.cluster.places import Bucket


@pytest.fixture
def files(store: Stored, tmp_path: Path) -> S3Store:
    """A folder in the store with some partitions in it, which lie on disk, too."""
    files = S3Store.from_url(store.url, client_options={"allow_http": True})
    write_partitions(tmp_path / "in/year=2025", 3, 400)
    for path in (tmp_path / "in/year=2025").iterdir():
        obstore.put(files, f"in/year=2025/{path.name}", path)
    return files


def name(store: Stored, path: str) -> str:
    return f"{store.url}/{path}"


def read_store(files: S3Store, folder: str) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    found = [one["path"] for some in obstore.list(files, folder) for one in some]
    return {
        name.removeprefix(f"{folder}/"): bytes(obstore.get(files, name).bytes()) for name in found
    }


def results(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Scores and rejects, which know nothing of where they lie."""
    return {name: one for name, one in files.items() if name.startswith(("scores", "rejects"))}


def test_a_store_and_a_disk_give_the_same_bytes(
    store: Stored, files: S3Store, tmp_path: Path
) -> None:
    on_disk = score_folder(tmp_path / "in", tmp_path / "out")
    in_store = score_folder(name(store, "in"), name(store, "out"))
    assert on_disk[:6] == in_store[:6]
    kept = read_store(files, "out")
    assert results(kept) == results(read_folder(tmp_path / "out"))
    assert len(results(kept)) == 6
    assert "summary.json" in kept
    with pytest.raises(FileRefused, match="is there already"):
        score_folder(name(store, "in"), name(store, "out"))
    score_folder(name(store, "in/*/part-0[01].parquet"), name(store, "some"))
    assert len(results(read_store(files, "some"))) == 4
    one = name(store, "in/year=2025/part-02.parquet")
    score_folder(one, tmp_path / "one")
    made = (tmp_path / "one/scores/part-02.parquet").read_bytes()
    assert made == kept["scores/year=2025/part-02.parquet"]


def test_workers_fetch_and_put_by_themselves_and_nothing_is_told_of_it(
    store: Stored, files: S3Store, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with scheduling(tmp_path / "dask", 0) as scheduler:
        scheduler.start_worker(TMPDIR=str(scratch))
        source, target = name(store, "in"), name(store, "out")
        score_folder(source, target, scheduler=scheduler.address)
        said = scheduler.read_logs()
    score_folder(source, name(store, "alone"))
    assert read_store(files, "out") == read_store(files, "alone")
    assert not [path for path in scratch.iterdir() if path.name.startswith("psoas")]
    assert CANARY not in said
    assert SECRET not in said


def test_a_partition_that_changes_meanwhile_is_not_scored(
    store: Stored, files: S3Store, tmp_path: Path
) -> None:
    place = Bucket(name(store, "in"))
    found = min(place.list_files())
    obstore.put(files, f"in/{found.name}", b"another")
    with pytest.raises(FileRefused, match="has changed since this run began"):
        place.take(found, tmp_path)


def test_a_store_that_is_away_or_refuses_is_told_without_its_words(
    store: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FileRefused, match="object store does not answer as it should"):
        score_folder("s3://nobody/in", tmp_path / "out")
    with pytest.raises(FileRefused, match="Credentials do not belong"):
        score_folder("s3://tester:secret@psoas/in", tmp_path / "out")
    with pytest.raises(FileRefused, match="is no address of an object store"):
        score_folder("ftp://psoas/in", tmp_path / "out")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("api.cluster.places.TRIES_AGAIN", 0)
    with pytest.raises(FileRefused, match="object store does not answer") as refused:
        score_folder(name(store, "in"), tmp_path / "out")
    assert SECRET not in str(refused.value)
    assert not (tmp_path / "out").exists()
