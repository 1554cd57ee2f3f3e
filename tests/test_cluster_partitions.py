"""The partitions of a dataset: which files they are, what their results are called, and those that do not fit."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
from batches import read_csv
from clusters import CANARY, read_folder, score_folder, write_partitions

from api.batch.chunks import FileRefused
from api.cluster.partitions import find_dataset, matches, name_scores, split_pattern

HOURS = "sitting_hours_per_day"
MAPPING = '[questions.sitting_hours_per_day]\ncolumn = "q1"\nunit = "min/d"\n'


@pytest.mark.parametrize(
    ("pattern", "fits", "others"),
    [
        ("*.csv", ["a.csv"], ["b/a.csv", "a.csv.gz"]),
        ("*/a.csv", ["b/a.csv"], ["a.csv", "b/c/a.csv"]),
        ("**/*.csv", ["a.csv", "b/c/a.csv"], ["b/a.parquet"]),
        ("year=202[34]/**", ["year=2023/a.csv", "year=2024/b/a.csv"], ["year=2025/a.csv"]),
    ],
)
def test_a_pattern_fits_whole_paths(pattern: str, fits: list[str], others: list[str]) -> None:
    assert all(matches(name.split("/"), pattern.split("/")) for name in fits)
    assert not any(matches(name.split("/"), pattern.split("/")) for name in others)


def test_what_stands_fast_of_a_pattern(tmp_path: Path) -> None:
    assert split_pattern("s3://bucket/in/*/a.csv") == ("s3://bucket/in", "*/a.csv")
    assert split_pattern("s3://bucket/in") == ("s3://bucket/in", "")
    assert split_pattern("/*.csv") == ("/", "*.csv")
    assert split_pattern("*.csv") == (".", "*.csv")
    odd = tmp_path / "a[1].csv"
    odd.write_text(f"{HOURS}\n4\n")
    assert split_pattern(str(odd)) == (str(tmp_path), "a[[]1].csv")
    assert [one.found.name for one in find_dataset(str(odd), None, None).partitions] == [odd.name]


@pytest.mark.parametrize(
    ("name", "kind", "target", "called"),
    [
        ("a/b.csv", "csv", None, "a/b.csv"),
        ("a/b.csv.gz", "csv", None, "a/b.csv.gz"),
        ("a/b.csv.gz", "csv", "parquet", "a/b.parquet"),
        ("b.c.parquet", "parquet", "csv", "b.c.csv"),
        ("part-0000", "csv", None, "part-0000.csv"),
        ("b.csv.gz", "csv", "csv", "b.csv"),
        ("b.tsv", "csv", None, "b.tsv"),
    ],
)
def test_results_are_called_like_their_partition(
    name: str, kind: str, target: str | None, called: str
) -> None:
    assert name_scores(name, kind, target) == called


def test_folders_of_several_kinds_go_to_one_kind_and_what_is_no_partition_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    (source / "year=2025").mkdir(parents=True)
    (source / "a.csv").write_text(f"id;{HOURS}\n1;4,5\n2;99\n")
    (source / "year=2025/b.csv.gz").write_bytes(gzip.compress(f"id,{HOURS}\n3,5\n".encode()))
    (source / "c.ndjson").write_text(f'{{"id": 4, "{HOURS}": 6, "runs": false}}\nno line\n')
    pl.DataFrame({"id": [5, 6], HOURS: [7.0, 8.0]}).write_parquet(source / "d.parquet")
    for name in ("_SUCCESS", ".half.csv", "readme.md", "_old/a.csv"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text("x")
    summary = score_folder(source, target, target_format="csv")
    assert summary[:3] == (7, 5, 2)
    assert summary.notes[0] == "Files of no known kind were left out: 1."
    assert "1 columns are called like a question." in capsys.readouterr().err
    scores = {
        name: [(row["id"], row["psoas_row"]) for row in read_csv(target / "scores" / name)]
        for name in ("a.csv", "year=2025/b.csv", "c.csv", "d.csv")
    }
    assert scores == {
        "a.csv": [("1", "1")],
        "year=2025/b.csv": [("3", "1")],
        "c.csv": [("4", "1")],
        "d.csv": [("5", "1"), ("6", "2")],
    }
    told = json.loads((target / "summary.json").read_text())
    assert told["problems"] == {"line: malformed": 1, f"{HOURS}: out_of_range": 1}
    assert {one["name"]: one["rows"] for one in told["partitions"]} == {
        "a.csv": 2,
        "c.ndjson": 2,
        "d.parquet": 2,
        "year=2025/b.csv.gz": 1,
    }


def test_every_partition_that_does_not_fit_is_named_at_once_and_nothing_is_scored(
    tmp_path: Path,
) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write_partitions(source, 3, 50)
    whole = (source / "part-00.parquet").read_bytes()
    (source / "broken.parquet").write_bytes(whole[:-9])
    (source / "text.parquet").write_text(f"{HOURS}\n{CANARY}\n")
    (source / "empty.csv").write_text("")
    pl.read_parquet(source / "part-00.parquet").drop("runs").write_parquet(source / "less.parquet")
    (source / "none.csv").write_text(f"id,siting_hours_per_day\n{CANARY},4\n")
    with pytest.raises(FileRefused) as refused:
        score_folder(source, target)
    told = str(refused.value)
    assert told.startswith("Nothing was scored, because of 5 of 8 partitions:\n")
    assert "broken.parquet: The file does not end as parquet files do" in told
    assert "text.parquet: The file does not end as parquet files do" in told
    assert "empty.csv: The file is empty." in told
    assert "less.parquet: It does not answer runs, as the others do." in told
    assert f"Did you mean {HOURS} by siting_hours_per_day?" in told
    assert "part-0" not in told
    assert CANARY not in told
    assert not target.exists()


def test_partitions_may_carry_other_columns_along_and_have_theirs_in_another_order(
    tmp_path: Path,
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_text(f"id,{HOURS},runs\n1,4,no\n")
    (source / "b.csv").write_text(f"runs,{HOURS},ward\nno,4,x\n")
    summary = score_folder(source, tmp_path / "out")
    assert summary.scored == 2
    assert "do not carry the same columns along" in summary.notes[0]


def test_a_text_whose_first_line_is_long_is_looked_at_again(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    names = ",".join(f"{'x' * 300}{n}" for n in range(5_000))
    (source / "wide.csv").write_text(f"{names},{HOURS}\n{',' * 5_000}4\n")
    assert score_folder(source, tmp_path / "out").scored == 1


def test_results_may_not_lie_among_what_is_read(tmp_path: Path) -> None:
    source = tmp_path / "in"
    write_partitions(source, 1, 10)
    for target in (source, source / "out", source / "part-00.parquet"):
        with pytest.raises(FileRefused, match="lies among the files"):
            score_folder(source, target)
    with pytest.raises(FileRefused, match="lies among the files"):
        score_folder(tmp_path / "**/*.parquet", source)
    assert list(read_folder(source)) == ["part-00.parquet"]


def test_results_that_would_be_called_alike_are_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text(f"{HOURS}\n4\n")
    with pytest.raises(FileRefused, match="same name") as refused:
        score_folder(tmp_path / "a.?sv", tmp_path / "out", target_format="parquet")
    assert "a.csv, a.tsv" in str(refused.value)


@pytest.mark.parametrize("source", ["nowhere/*.csv", "empty", "nowhere.csv"])
def test_no_partitions_at_all(tmp_path: Path, source: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileRefused, match="there are no files"):
        score_folder(tmp_path / source, tmp_path / "out")


# What a run that broke off leaves, and what another one makes of it


def test_nothing_is_overwritten_unless_told(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.csv").write_text("id,q1\n1,240\n")
    (source / "b.csv").write_text("id,q1\n2,300\n")
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    with pytest.raises(FileRefused, match="holds files already"):
        score_folder(source, target, mapping=MAPPING)
    score_folder(source, target, mapping=MAPPING, may_replace=True)
    first = read_folder(target)
    assert first["mine.txt"] == b"mine"
    with pytest.raises(FileRefused, match="is there already"):
        score_folder(source, target, mapping=MAPPING)
    (target / "summary.json").unlink()
    with pytest.raises(FileRefused, match="a part of a run with other"):
        score_folder(source, target, mapping=MAPPING.replace("min/d", "h/d"))
    score_folder(source, target, mapping=MAPPING)
    assert read_folder(target) == first


def test_what_is_done_is_done_anew_only_where_that_is_needed(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    write_partitions(source, 5, 60)
    score_folder(source, target)
    clean = read_folder(target)
    (target / "summary.json").unlink()
    (target / "counts/part-00.parquet.json").unlink()  # killed before it was noted
    (target / "rejects/part-01.parquet").unlink()  # lost
    (target / "scores/part-02.parquet").write_bytes(b"PAR1")  # half copied
    (source / "part-04.parquet").unlink()  # no longer wanted
    kept = (target / "scores/part-03.parquet").stat().st_mtime_ns
    score_folder(source, target)
    assert (target / "scores/part-03.parquet").stat().st_mtime_ns == kept
    again = read_folder(target)
    assert again.keys() == {name for name in clean if "part-04" not in name}
    assert all(again[name] == clean[name] for name in again if name != "summary.json")
    (target / "summary.json").unlink()
    changed = pl.read_parquet(source / "part-00.parquet").head(9)
    changed.write_parquet(source / "part-00.parquet")
    assert score_folder(source, target).rows == 3 * 60 + 9


def test_rejects_may_go_elsewhere_and_come_back_corrected(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.csv").write_text(f"id,{HOURS}\n1,4\n2,99\n")
    score_folder(source, tmp_path / "out", rejects=tmp_path / "bad")
    assert not (tmp_path / "out/rejects").exists()
    corrected = (tmp_path / "bad/a.csv").read_text().replace("99", "9")
    (tmp_path / "bad/a.csv").write_text(corrected)
    assert score_folder(tmp_path / "bad", tmp_path / "again")[:3] == (1, 1, 0)
