"""Exports of a project that was made from our dictionary: scored as they are, and scores taken back in."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from batches import RULES, Run, problems, read_csv, refusal, run
from clinic import Clinic
from crowd import make_crowd
from people import MODEL
from redcap import KEYS, Project
from serving import psoas

from api.batch.answers import read_labels
from api.batch.formats import FORMATS, Opened
from api.batch.layout import Layout, find_named
from api.batch.mapping import NO_MAPPING, asked_in_batches
from api.batch.scoring import ChunkScorer
from api.redcap import FORM, OPEN, SCORES, name_taking, write_dictionary
from rules.rows import scored_columns

PROJECT = Project(write_dictionary(MODEL))
SITES = [option.id for option in MODEL.symptoms.by_id["pain_sites"].options]
FLAVOURS: dict[str, dict[str, bool]] = {
    "raw": {},
    "labels": {"labels": True},
    "headings": {"labels": True, "headings": True},
    "raw with headings": {"headings": True},
    "decimal comma": {"comma": True},
    "labels with decimal comma": {"labels": True, "headings": True, "comma": True},
}
ASKED = asked_in_batches(MODEL)
SCALES = [*(habit.id for habit in MODEL.habits), "index"]
NUMBERS = ("_score", "_low", "_high")


def keep(number: int, answers: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Answers as a project keeps them."""
    kept = {
        name: [*answer]
        if isinstance(answer, list)
        else str(int(answer))
        if isinstance(answer, bool)
        else f"{answer:.2f}".rstrip("0").rstrip(".")
        if isinstance(answer, float)
        else str(answer)
        for name, answer in answers.items()
    }
    return PROJECT.work_out({"record_id": str(number), f"{FORM}_complete": "2", **more, **kept})


def make_records(people: int) -> list[dict[str, Any]]:
    crowd = make_crowd(people, seed=8)
    for place, person in enumerate(crowd):
        person |= {"pain_sites": SITES[: place % 4]}  # type: ignore[dict-item]
    return [keep(number, person) for number, person in enumerate(crowd, 1)]


RECORDS = make_records(300)


def write_plainly(records: Sequence[Mapping[str, Any]]) -> str:
    """The same answers as a file of ours."""
    names = [name for name in PROJECT.fields if any(name in record for record in records)]
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(names)
    for record in records:
        cells = (record.get(name, "") for name in names)
        writer.writerow(";".join(cell) if isinstance(cell, list) else cell for cell in cells)
    return file.getvalue()


def scores_of(done: Run) -> list[dict[str, str]]:
    return [
        {name: row[name] for name in ("psoas_row", *scored_columns(MODEL))} for row in done.scored
    ]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """What comes of the records as a file of ours."""
    done = run(tmp_path_factory.mktemp("plain"), write_plainly(RECORDS))
    assert done.summary.scored > 250
    return done


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_export_is_scored_as_it_is(tmp_path: Path, expected: Run, flavour: str) -> None:
    text = PROJECT.export(RECORDS, **FLAVOURS[flavour])
    done = run(tmp_path, text)
    assert problems(done.rejected) == problems(expected.rejected)
    assert scores_of(done) == scores_of(expected)
    header = next(csv.reader(io.StringIO(text)))
    own = [name for name in header if not name.startswith("psoas_")]
    if not FLAVOURS[flavour].get("headings"):
        assert list(done.scored[0])[: len(own)] == own
        assert done.summary.columns.carried[0] == "record_id"
        assert "habits_complete" in done.summary.columns.carried
    assert done.summary.columns.near == {}


def read_answers(text: str) -> pl.DataFrame:
    """The answers in a file, read carefully, by question."""
    header, *rows = csv.reader(io.StringIO(text))
    schema = {str(place): pl.String for place in range(len(header))}
    cells = [[cell or None for cell in row] for row in rows]
    frame = pl.DataFrame(cells, schema=schema, orient="row")
    readers = Layout(header, ASKED, NO_MAPPING).open_readers(frame.schema)
    return frame.select(reader.read(careful=True) for reader in readers)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_answers_that_are_read_are_those_that_were_given(flavour: str) -> None:
    answers = read_answers(PROJECT.export(RECORDS, **FLAVOURS[flavour]))
    assert set(answers.columns) == set(ASKED)
    for read, record in zip(answers.iter_rows(named=True), RECORDS, strict=True):
        for name, answer in read.items():
            given = record.get(name) or None
            if name == "pain_sites":
                assert answer == (";".join(given) if given else None)
            elif isinstance(answer, str) or given is None:
                assert answer == given, name
            else:
                assert float(answer) == float(given), name


def test_only_exports_that_need_it_are_read_carefully() -> None:
    for flavour, careful in (("raw", False), ("labels", True)):
        text = PROJECT.export(RECORDS[:150], **FLAVOURS[flavour]).encode()
        source = FORMATS["csv"].read(Opened(Path("-"), io.BytesIO(text)))
        (chunk, *_) = source.read()
        layout = Layout(source.header, ASKED, NO_MAPPING)
        scorer = ChunkScorer(RULES, layout, chunk.frame.schema)
        scorer.score(chunk)
        assert scorer.careful is careful, flavour


def test_boxes_may_be_exported_as_the_labels_of_those_that_are_ticked() -> None:
    text = "pain_sites___groin,pain_sites___front_of_hip,runs\nGroin,,\n,Front of the hip,\n,,no\n"
    assert read_answers(text)["pain_sites"].to_list() == ["groin", "front_of_hip", None]


def test_a_cell_of_a_box_that_is_neither_ticked_nor_not_is_told(tmp_path: Path) -> None:
    for cell in ("2", "maybe", "Thigh"):
        done = run(tmp_path, f"record_id,pain_sites___groin,runs\n1,{cell},no\n2,1,no\n")
        assert problems(done.rejected) == ["pain_sites: not_an_option"]
        assert done.rejected[0]["pain_sites___groin"] == cell
        assert [row["record_id"] for row in done.scored] == ["2"]


def test_an_id_counts_before_a_text_and_before_boxes(tmp_path: Path) -> None:
    text = PROJECT.label("runs")
    done = run(tmp_path, f'runs,"{text}",pain_sites,pain_sites___groin\nno,yes,thigh,9\n')
    assert done.summary.columns.recognised == ["runs", "pain_sites"]
    assert done.summary.columns.carried == [text, "pain_sites___groin"]
    assert done.scored[0]["psoas_heavy_running_score"] == "0.0"


def test_a_mapping_counts_before_texts_and_boxes(tmp_path: Path) -> None:
    text = PROJECT.label("sitting_hours_per_day")
    mapping = '[questions.sitting_hours_per_day]\ncolumn = "q1"\n'
    done = run(tmp_path, f'q1,"{text}",runs\n5,9,no\n', mapping=mapping)
    assert done.summary.columns.mapped == {"sitting_hours_per_day": ["q1"]}
    assert done.summary.columns.carried == [text]
    mapping = '[questions.pain_sites]\ncolumn = "pain_sites___groin"\nvalues = { 1 = "thigh" }\n'
    done = run(tmp_path, "pain_sites___groin,runs\n1,no\n", mapping=mapping)
    assert done.summary.columns.mapped == {"pain_sites": ["pain_sites___groin"]}


def test_what_answers_a_question_twice_is_refused(tmp_path: Path) -> None:
    text = PROJECT.label("runs")
    for name in (text, "pain_sites___groin"):
        assert "More than one column" in refusal(tmp_path, f'"{name}","{name}"\n1,0\n')


def test_a_text_or_label_that_could_mean_two_things_means_neither() -> None:
    runs, level = ASKED["runs"], ASKED["activity_limited"]
    same = {"runs": runs, "activity_limited": level.model_copy(update={"ask": runs.ask})}
    assert find_named([runs.ask, "activity_limited"], same)[0] == {
        "activity_limited": "activity_limited"
    }
    assert find_named([runs.ask], {"runs": runs})[0] == {"runs": runs.ask}
    options = MODEL.questions["lumbar_support"].options
    twice = [*options[:2], options[2].model_copy(update={"label": options[0].label})]
    cells = pl.DataFrame({"0": [option.label for option in options]})
    read = cells.select(read_labels(pl.col("0"), twice)).to_series().to_list()
    assert read == [None, options[1].id, None]


def test_a_label_is_read_as_it_stands_and_never_guessed_at(tmp_path: Path) -> None:
    done = run(tmp_path, "lumbar_support,runs\n Always ,no\nalway,no\nAlways or never,no\n")
    assert len(done.scored) == 1
    assert done.scored[0]["lumbar_support"] == " Always "
    assert problems(done.rejected) == ["lumbar_support: not_an_option"] * 2


# Several rows a record


VISITS: list[dict[str, Any]] = [
    {"record_id": "-7", "redcap_event_name": "first_arm_1", "age_years": "40"},
    {
        **keep(0, {"sitting_hours_per_day": 9.0, "runs": False, "pain_sites": ["groin"]}),
        "record_id": "-7",
        "redcap_event_name": "first_arm_1",
        "redcap_repeat_instrument": FORM,
        "redcap_repeat_instance": "1",
    },
    {
        **keep(0, {"sitting_hours_per_day": 4.5, "saddle_numbness": True}),
        "record_id": "-7",
        "redcap_event_name": "first_arm_1",
        "redcap_repeat_instrument": FORM,
        "redcap_repeat_instance": "2",
    },
    {
        "record_id": "-7",
        "redcap_event_name": "first_arm_1",
        "redcap_repeat_instrument": "medication",
        "redcap_repeat_instance": "1",
    },
    {
        **keep(0, {"runs": True, "running_km_per_week": 70}),
        "record_id": "8",
        "redcap_event_name": "second_arm_1",
        "redcap_repeat_instance": "3",
    },
]
"""A project with events, a form that repeats and an event that repeats; one row is of another form."""


def put_scores(folder: Path, text: str, *words: str) -> tuple[int, str]:
    """Score an export and write what is to be imported: the exit code, and what was said."""
    run(folder, text)
    said = psoas({}, "redcap", "scores", str(folder / "out.csv"), str(folder / "in_redcap.csv"), *words)  # fmt: skip
    return said.exit_code, said.stderr


def test_rows_of_other_forms_go_through_without_scores(tmp_path: Path) -> None:
    done = run(tmp_path, PROJECT.export(VISITS))
    assert (done.summary.scored, done.summary.rejected) == (len(VISITS), 0)
    other = done.scored[3]
    assert other["redcap_repeat_instrument"] == "medication"
    assert {other[f"psoas_{name}_score"] for name in SCALES} == {""}
    assert {other[f"psoas_{name}_level"] for name in SCALES} == {""}
    assert (other["psoas_safety_action"], other["psoas_cleared"]) == ("none", "false")
    assert [row["psoas_prolonged_sitting_score"] != "" for row in done.scored] == [
        *(False, True, True, False, False)
    ]


def test_scores_go_back_to_the_record_event_and_instance_they_came_from(tmp_path: Path) -> None:
    code, said = put_scores(tmp_path, PROJECT.export(VISITS))
    assert code == 0, said
    assert said.strip() == "Rows to import: 4. Left out, for they hold no answer: 1."
    rows = PROJECT.take_in((tmp_path / "in_redcap.csv").read_bytes().decode())
    assert [tuple(row[name] for name in ("record_id", *KEYS)) for row in rows] == [
        ("-7", "first_arm_1", "", ""),
        ("-7", "first_arm_1", SCORES, "1"),
        ("-7", "first_arm_1", SCORES, "2"),
        ("8", "second_arm_1", "", "3"),
    ]
    scored = [row for row in read_csv(tmp_path / "out.csv") if row["psoas_row"] != "4"]
    for row, out in zip(rows, scored, strict=True):
        assert row[f"{SCORES}_complete"] == "2"
        for name in scored_columns(MODEL):
            value = row[name_taking(name)]
            if name == "psoas_cleared":
                assert value == str(int(out[name] == "true"))
            elif name == "psoas_safety_action":
                assert value == (OPEN if out[name] == "none" else out[name])
            elif name.endswith(NUMBERS):
                assert (value and float(value)) == (out[name] and float(out[name])), name
            else:
                assert value == out[name], name
    assert rows[2]["psoas_risk_safety_action"] == "emergency"


def test_a_simple_project_gets_its_scores_by_record(tmp_path: Path) -> None:
    text = PROJECT.export(RECORDS[:30], **FLAVOURS["labels with decimal comma"] | {"headings": False})  # fmt: skip
    code, said = put_scores(tmp_path, text)
    assert code == 0, said
    rows = PROJECT.take_in((tmp_path / "in_redcap.csv").read_bytes().decode())
    assert list(rows[0])[:2] == ["record_id", name_taking(scored_columns(MODEL)[0])]
    assert {row["record_id"] for row in rows} <= {record["record_id"] for record in RECORDS}
    again = run(tmp_path, "record_id,runs,psoas_risk_index_score\n1,no,50\n")
    assert again.summary.columns.replaced == ["psoas_risk_index_score"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx", "ndjson"])
def test_scored_rows_of_every_kind_are_taken(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "export.csv"
    source.write_text(PROJECT.export(RECORDS[:20]), "utf-8")
    for target in (f"out.{kind}", "comma.csv"):
        words = ["--decimal-comma"] if target == "comma.csv" else []
        scored = tmp_path / target
        assert psoas({}, "score", str(source), str(scored), *words).exit_code == 0
        said = psoas({}, "redcap", "scores", str(scored), str(tmp_path / f"{target}.import.csv"))
        assert said.exit_code == 0, said.stderr
    one, other = (tmp_path / f"{name}.import.csv" for name in (f"out.{kind}", "comma.csv"))
    assert one.read_bytes() == other.read_bytes()
    assert PROJECT.take_in(one.read_text("utf-8"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"redcap_event_name": "First visit"}, "has a label in redcap_event_name"),
        ({"redcap_repeat_instrument": "Habits "}, "has a label in redcap_repeat_instrument"),
        ({"record_id": ""}, "has no record_id"),
        ({"redcap_repeat_instance": "2"}, "has the same record_id, redcap_event_name"),
    ],
)
def test_rows_that_could_not_be_put_in_their_place_are_told(
    tmp_path: Path, change: dict[str, str], told: str
) -> None:
    records = [VISITS[0], {**VISITS[1], **change}, *VISITS[2:]]
    code, said = put_scores(tmp_path, PROJECT.export(records))
    assert code == 2
    assert told in said
    assert not (tmp_path / "in_redcap.csv").exists()


def test_a_file_that_scores_cannot_be_taken_from_is_refused(tmp_path: Path) -> None:
    text = PROJECT.export(RECORDS[:5], headings=True)
    code, said = put_scores(tmp_path, text)
    assert (code, "no column record_id" in said) == (2, True)
    assert put_scores(tmp_path, text, "--record", "Record ID")[0] == 0
    said = put_scores(tmp_path, text, "--record", "Record ID")[1]
    assert "is there already; --force replaces it" in said
    assert put_scores(tmp_path, text, "--record", "Record ID", "--force")[0] == 0
    source = str(tmp_path / "in.csv")
    assert "no column psoas_" in psoas({}, "redcap", "scores", source, "-").stderr
    same = psoas({}, "redcap", "scores", source, source, "--force")
    assert "is the file that is to be read" in same.stderr


def test_the_service_scores_exports_as_well(tmp_path: Path, expected: Run) -> None:
    clinic = Clinic({"data_dir": tmp_path / "data"})
    text = PROJECT.export(RECORDS, labels=True, headings=True)
    sent = clinic.batch(text)
    told = clinic.call("GET", sent).json()
    assert told["columns"]["near"] == {}
    scores = clinic.call("GET", f"{sent}/scores").text
    rows = list(csv.DictReader(io.StringIO(scores)))
    assert [row["psoas_index_score"] for row in rows] == [
        row["psoas_index_score"] for row in expected.scored
    ]
    look = clinic.call(
        "POST", "/batches/columns", content=text.encode(), headers={"Content-Type": "text/csv"}
    ).json()
    assert look["unanswered"] == []
    assert PROJECT.label("runs") in look["columns"]["recognised"]
