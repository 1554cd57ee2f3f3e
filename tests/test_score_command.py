"""The command `psoas score`, run as its users run it: files, streams, exit codes, and killed in the middle."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batches import read_csv
from conftest import SOAK
from crowd import make_crowd, put_crowd

PSOAS = Path(sys.executable).with_name("psoas")
HOURS = "sitting_hours_per_day"
SMALL = f"id,{HOURS},saddle_numbness\n1,4,yes\n2,99,no\n"


def score(folder: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder and give what it said."""
    return subprocess.run(
        [PSOAS, "score", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=folder,
        **options,
    )


def test_a_file_is_scored_and_summed_up(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(SMALL)
    done = score(tmp_path, "in.csv", "out.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "2 rows in = 1 scored + 1 rejected" in done.stderr
    assert "emergency" in done.stderr
    assert f"{HOURS}: out_of_range" in done.stderr
    assert "Carried along as they are: id." in done.stderr
    assert [row["psoas_safety_action"] for row in read_csv(tmp_path / "out.csv")] == ["emergency"]
    assert [row["id"] for row in read_csv(tmp_path / "out.rejects.csv")] == ["2"]


def test_streams(tmp_path: Path) -> None:
    done = score(tmp_path, "-", "-", "--rejects", "bad.csv", input=SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"id,{HOURS},saddle_numbness,psoas_row,")
    assert len(done.stdout.splitlines()) == 2
    assert len(read_csv(tmp_path / "bad.csv")) == 1
    assert "--rejects" in score(tmp_path, "-", "-", input=SMALL).stderr
    lines = score(
        tmp_path, "-", "-", "--to", "ndjson", "--rejects", "bad.ndjson", input='{"runs": false}\n'
    )
    assert lines.stdout.startswith('{"runs": false,"psoas_row":1,')
    sheet = score(tmp_path, "-", "out.xlsx", input=SMALL)
    assert sheet.returncode == 0, sheet.stderr
    with (tmp_path / "out.xlsx").open("rb") as file:
        again = score(tmp_path, "-", "-", "--rejects", "r.csv", stdin=file)
    assert again.returncode == 0, again.stderr
    assert "emergency" in again.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("in.csv", "out.csv"), "is there already"),
        (("nobody.csv", "new.csv"), "No such file"),
        (("in.csv", "new.unknown"), "cannot be told from its name"),
        (("in.csv", "new.csv", "--map", "nowhere.toml"), "No such file"),
        (("in.csv", "new.csv", "--map", "in.csv"), "not TOML"),
        (("in.csv", "new.csv", "--from", "word"), "no kind of file called word"),
        (("in.csv", "nowhere/new.csv"), "nowhere"),
        ((".", "new.csv", "--from", "csv"), "lies among the files that are to be read"),
    ],
)
def test_what_cannot_be_used_is_told_without_a_traceback(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "in.csv").write_text(SMALL)
    (tmp_path / "out.csv").write_text("mine")
    done = score(tmp_path, *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "mine"


def test_force_replaces_and_rejects_can_end_with_a_code_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(SMALL)
    (tmp_path / "out.csv").write_text("old")
    done = score(tmp_path, "in.csv", "out.csv", "--force", "--fail-on-rejects")
    assert done.returncode == 3
    assert len(read_csv(tmp_path / "out.csv")) == 1


def test_no_cell_is_repeated_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"id,{HOURS}\ncanary-1,canary-2\nx,4,canary-3\ncanary-4,5\n")
    done = score(tmp_path, "in.csv", "out.csv")
    assert done.returncode == 0
    assert "canary" not in done.stdout + done.stderr


def test_names_of_columns_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"\x1b[31mred,[bold]b[/bold],{HOURS}\nx,y,4\n")
    done = score(tmp_path, "in.csv", "out.csv")
    assert done.returncode == 0, done.stderr
    assert "\x1b[31m" not in done.stderr
    assert "[bold]b[/bold]" in done.stderr


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here")
    put_crowd(make_crowd(3000)).write_csv(tmp_path / "in.csv")
    with full.open("w") as file:
        done = subprocess.run(
            [PSOAS, "score", "in.csv", "-", "--rejects", "r.csv"],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 2
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_reader_that_goes_away_is_told_as_that(tmp_path: Path) -> None:
    put_crowd(make_crowd(20_000)).write_csv(tmp_path / "in.csv")
    run = subprocess.Popen(
        [PSOAS, "score", "in.csv", "-", "--rejects", "r.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert run.stdout
    assert run.stderr
    run.stdout.read(100)
    run.stdout.close()
    said = run.stderr.read().decode()
    run.stderr.close()
    assert run.wait(60) == 2
    assert "whoever was reading it has gone" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize("target", ["out.csv", "out.parquet", "out.ndjson.gz"])
def test_killed_in_the_middle_nothing_half_written_has_its_name(
    tmp_path: Path, target: str
) -> None:
    """Killed at moments of chance, then run again: the same bytes as a run that nobody disturbed."""
    rng = random.Random(len(target))  # noqa: S311  # the same moments every time
    block = put_crowd(make_crowd(4000, seed=6)).write_csv(include_header=False)
    header = put_crowd([]).write_csv()
    with (tmp_path / "in.csv").open("w") as file:
        file.write(header)
        for _ in range(60 if SOAK else 25):
            file.write(block)
    clean = tmp_path / "clean"
    clean.mkdir()
    started = time.monotonic()
    assert score(tmp_path, "in.csv", f"clean/{target}").returncode == 0
    whole = time.monotonic() - started
    killed, wanted = 0, 10 if SOAK else 3
    for _ in range(4 * wanted):
        run = subprocess.Popen(
            [PSOAS, "score", "in.csv", target], cwd=tmp_path, stderr=subprocess.DEVNULL
        )
        time.sleep(rng.uniform(0.1, 0.9) * whole)
        run.send_signal(signal.SIGKILL)
        killed += run.wait() == -signal.SIGKILL
        if (tmp_path / target).exists():  # named before the signal came: then it is whole
            for path in clean.iterdir():
                assert path.read_bytes() == (tmp_path / path.name).read_bytes()
                (tmp_path / path.name).unlink()
        if killed == wanted:
            break
    assert killed == wanted
    assert score(tmp_path, "in.csv", target).returncode == 0
    for path in clean.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {path.name for path in clean.iterdir()}
    assert left == {"in.csv", "clean"}


def test_two_runs_for_the_same_file_do_not_mix(tmp_path: Path) -> None:
    put_crowd(make_crowd(20_000, seed=7)).write_csv(tmp_path / "in.csv")
    words: list[str | Path] = [PSOAS, "score", "in.csv", "out.csv", "--force"]
    runs = [subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE) for _ in range(2)]
    said = [run.communicate(timeout=60)[1].decode() for run in runs]
    assert sorted(run.returncode for run in runs) in ([0, 0], [0, 2])
    if runs[0].returncode or runs[1].returncode:
        assert any("another run is writing it" in one for one in said)
    assert len(read_csv(tmp_path / "out.csv")) == 20_000


def test_help_names_every_kind_of_file() -> None:
    done = subprocess.run(
        [PSOAS, "score", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    for kind in ("csv", "ndjson", "parquet", "xlsx"):
        assert kind in done.stdout
