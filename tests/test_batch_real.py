"""Real files that nobody here wrote, scored whole with the mappings of `examples/`; skipped without PSOAS_TEST_DATA."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
from batches import RULES, Run, problems, run
from conftest import ROOT

from api.batch.formats import FORMATS, Opened, open_file
from api.batch.layout import Layout
from api.batch.mapping import asked_in_batches, read_mapping
from api.batch.scoring import ChunkScorer

HOURS = "sitting_hours_per_day"
VIGOROUS, MODERATE = "vigorous_minutes_per_week", "moderate_minutes_per_week"


def score(folder: Path, source: Path, example: str, **order: Any) -> Run:
    """A real file scored with the mapping of an example."""
    mapping = (ROOT / "examples" / "mappings" / f"{example}.toml").read_text("utf-8")
    return run(folder, source.read_bytes(), mapping=mapping, **order)


def test_a_national_survey(real_data: Path, tmp_path: Path) -> None:
    """9,693 in, 3 rejected for sitting above 20 hours, and codes are never scored as minutes."""
    source = real_data / "nhanes_2017_2020.csv"
    done = score(tmp_path, source, "nhanes")
    assert (done.summary.rows, done.summary.scored, done.summary.rejected) == (9693, 9690, 3)
    assert problems(done.rejected) == [f"{HOURS}: out_of_range"] * 3
    assert {row["PAD680"] for row in done.rejected} == {"1320"}
    with source.open(encoding="utf-8") as file:
        published = {row["SEQN"]: row for row in csv.DictReader(file)}
    unknown = Counter(
        row["PAD680"] for row in done.scored if row["psoas_prolonged_sitting_score"] == ""
    )
    assert unknown == Counter(
        row["PAD680"] for row in published.values() if row["PAD680"] in ("", "7777", "9999")
    )
    for row in done.scored:
        assert {name: row[name] for name in published["109266"]} == published[row["SEQN"]]
        assert row["psoas_index_score"] == ""
        for habit in ("slouching", "fetal_sleeping", "one_sided_loading", "heavy_running"):
            assert (row[f"psoas_{habit}_score"], row[f"psoas_{habit}_low"]) == ("", "0.0")
            assert row[f"psoas_{habit}_high"] == "100.0"


def test_minutes_of_a_national_survey_by_hand(real_data: Path, tmp_path: Path) -> None:
    """Each person's minutes worked out here from the published answers, and what the mapping made of them."""
    source = real_data / "nhanes_2017_2020.csv"
    done = score(tmp_path, source, "nhanes")
    answers = answers_of(tmp_path, "nhanes")
    checked = Counter[str]()
    for row, answered in zip(done.scored, answers, strict=True):
        work = weekly(row["PAQ605"], row["PAQ610"], row["PAD615"])
        sport = weekly(row["PAQ650"], row["PAQ655"], row["PAD660"])
        expected = None if work is None or sport is None else work + sport
        assert answered[VIGOROUS] == expected
        checked["unknown" if expected is None else "none" if not expected else "some"] += 1
    assert min(checked["unknown"], checked["none"], checked["some"]) > 10, checked


def weekly(asked: str, days: str, minutes: str) -> float | None:
    """Minutes a week: none for a no, unknown for a refusal, else days times minutes."""
    if asked == "2":
        return 0.0
    if asked != "1" or days in ("", "77", "99") or minutes in ("", "7777", "9999"):
        return None
    return float(days) * float(minutes)


def answers_of(folder: Path, example: str) -> list[dict[str, object]]:
    """The answers that a mapping made of the file that was scored last."""
    mapping = read_mapping(
        (ROOT / "examples" / "mappings" / f"{example}.toml").read_text("utf-8"), RULES.model
    )
    with (folder / "in.csv").open("rb") as stream:
        source = open_file(FORMATS["csv"], Opened(folder / "in.csv", stream))
        layout = Layout(source.header, asked_in_batches(RULES.model), mapping)
        frames = []
        for chunk in source.read():
            scored = ChunkScorer(RULES, layout, chunk.frame.schema).score(chunk)
            frames.append(scored.rows.filter(scored.good).select(layout.answered))
    return pl.concat(frames).to_dicts()


def test_backpacks_in_pounds(real_data: Path, tmp_path: Path) -> None:
    done = score(tmp_path, real_data / "Backpack.csv", "backpack")
    assert (done.summary.scored, done.summary.rejected) == (100, 0)
    first = answers_of(tmp_path, "backpack")[0]
    assert first == {"carry_load_kg": 4.08233133, "body_mass_kg": 56.69904625}
    assert {row["psoas_one_sided_loading_score"] for row in done.scored} == {""}


def test_a_running_log_added_up_by_the_week(real_data: Path, tmp_path: Path) -> None:
    """Adding up is the user's job; the guide shows how, and this runs what it shows."""
    guide = (ROOT / "docs" / "score-a-spreadsheet.md").read_text("utf-8")
    code = (
        guide.partition("<!-- running log -->")[2].partition("```python\n")[2].partition("```")[0]
    )
    names = {"LOG": str(real_data / "Marathon.csv"), "WEEKS": str(tmp_path / "weeks.csv")}
    exec(compile(code, "guide", "exec"), names)  # noqa: S102  # our own page, run as it stands
    weeks = (tmp_path / "weeks.csv").read_bytes()
    done = run(tmp_path, weeks)
    assert done.summary.scored > 200
    assert done.summary.rejected == 0
    scores = [
        float(row["psoas_heavy_running_score"])
        for row in done.scored
        if row["psoas_heavy_running_score"]
    ]
    assert max(scores) > 50
    assert min(scores) < 25


def test_exports_of_a_research_database(real_data: Path, tmp_path: Path) -> None:
    done = score(tmp_path, real_data / "redcap" / "decimal-comma--data.csv", "redcap")
    assert (done.summary.scored, done.summary.rejected) == (4, 0)
    assert [one["body_mass_kg"] for one in answers_of(tmp_path, "redcap")] == [
        52.3,
        92.3,
        123.4,
        45.9,
    ]
    assert [row["weight"] for row in done.scored] == ["52,3", "92,3", "123,4", "45,9"]
    boxes = (real_data / "redcap" / "checkboxes-1--data.csv").read_bytes()
    mapping = '[questions.activity_limited]\ncolumn = "check_one___1"\n'
    done = run(tmp_path, boxes, mapping=mapping)
    assert (done.summary.scored, done.summary.rejected) == (4, 0)
    assert done.scored[3]["desired_result"] == ""
    assert done.scored[0]["desired_result"].startswith("Should have data for both")


def test_a_who_questionnaire_of_one_person(real_data: Path, tmp_path: Path) -> None:
    done = score(tmp_path, real_data / "gpaq" / "gpaq-1.csv", "gpaq")
    assert [row["psoas_prolonged_sitting_low"] for row in done.scored] == ["0.0"]
    assert answers_of(tmp_path, "gpaq")[0][HOURS] == 3
