"""Files of questionnaires: which cells are answers, what goes out, and that every row is accounted for."""

import gzip
import io
import json
import math
import random
import threading
import time
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from batches import RULES, problems, read_csv, refusal, run
from crowd import make_crowd, put_crowd, write_frame
from people import MODEL

from api.batch.chunks import FileRefused
from api.batch.formats import FORMATS, Opened, open_file
from api.batch.layout import Layout
from api.batch.mapping import NO_MAPPING, asked_in_batches
from api.batch.running import Order, score_file
from api.batch.scoring import ChunkScorer
from api.batch.tally import put_summary
from api.payloads import assess_payload
from api.problems import Refusal
from rules.assessment import Assessor
from rules.questions import Question
from rules.rows import PREFIX, scored_columns

ASKED = asked_in_batches(MODEL)
PAYLOAD = assess_payload(Assessor(MODEL))
HOURS = "sitting_hours_per_day"
KINDS = ("csv", "ndjson", "parquet", "xlsx")


def read(path: Path) -> pl.DataFrame:
    """The table in a file."""
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema_length=None)
    if path.suffix == ".ndjson":
        return pl.read_ndjson(path, infer_schema_length=None)
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_excel(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target", KINDS)
def test_every_kind_of_file_scores_as_its_people_do(tmp_path: Path, kind: str, target: str) -> None:
    people = make_crowd(300, seed=4)
    write_frame(put_crowd(people), tmp_path / f"in.{kind}")
    order = Order(tmp_path / f"in.{kind}", tmp_path / f"out.{target}")
    summary = score_file(RULES, order)
    assert (summary.rows, summary.rejected) == (300, 0)
    got = read(order.target).select("psoas_row", *RULES.rows.names).to_dicts()
    for number, (person, row) in enumerate(zip(people, got, strict=True), 1):
        expected = {"psoas_row": number, **RULES.rows.score_person(person)}
        if target in ("csv", "xlsx"):
            row["psoas_model_version"] = str(row["psoas_model_version"])
        assert row == expected


def test_answers_have_types_where_a_file_has_types(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        f"id,{HOURS},runs,age_years,lumbar_support\n01,7.50,No,42,never\n"
    )
    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "out.parquet"))
    row = pl.read_parquet(tmp_path / "out.parquet").row(0)
    assert row[:6] == ("01", 7.5, False, 42, "never", 1)
    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("01,7.50,No,42,never,1,")


def test_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    done = run(tmp_path, f"b,{HOURS},a\nx,99,y\nx,4,y\n")
    assert list(done.scored[0]) == ["b", HOURS, "a", "psoas_row", *scored_columns(MODEL)]
    assert list(done.rejected[0]) == ["b", HOURS, "a", "psoas_row", "psoas_problems"]
    assert done.scored[0]["psoas_row"] == "2"
    names = [
        f"psoas_{scale}_{part}"
        for scale in ("prolonged_sitting", "index")
        for part in ("score", "low", "high", "level")
    ]
    rest = [
        f"psoas_{name}"
        for name in ("safety_action", "cleared", "top_habit", "warnings", "model_version")
    ]
    assert not {*names, *rest} - {*done.scored[0]}


def test_every_fault_of_a_row_is_named_in_the_order_of_the_questions(tmp_path: Path) -> None:
    content = (
        f"saddle_numbness,runs,running_km_per_week,{HOURS},lumbar_support\nmaybe,no,12,21,often\n"
    )
    assert problems(run(tmp_path, content).rejected) == [
        f"{HOURS}: out_of_range; lumbar_support: not_an_option; saddle_numbness: wrong_type; runs: contradiction"
    ]


def test_corrected_rejects_can_be_sent_again_as_they_are(tmp_path: Path) -> None:
    done = run(tmp_path, f'note,{HOURS}\n"a, ""b""",ten\nok,4\n"=x",30\n')
    assert done.summary.rejected == 2
    corrected = (
        (tmp_path / "out.rejects.csv").read_text().replace(",ten,", ",10,").replace(",30,", ",3,")
    )
    again = run(tmp_path, corrected)
    assert [row["note"] for row in again.scored] == ['a, "b"', "'=x"]
    assert again.summary.columns.replaced == ["psoas_row", "psoas_problems"]


@pytest.mark.parametrize("answer", [True, False])
def test_yes_and_no_in_any_case(tmp_path: Path, answer: bool) -> None:
    words = {True: "true yes 1 y", False: "false no 0 n"}[answer].split()
    spelt = [way for word in words for way in (word, word.upper(), word.title(), f" {word} ")]
    done = run(tmp_path, "pregnant,saddle_numbness\n" + "".join(f"{w},{w}\n" for w in spelt))
    assert done.summary.scored == len(spelt)
    expected = "emergency" if answer else "none"
    assert {row["psoas_safety_action"] for row in done.scored} == {expected}
    wrong = ["2", "-1", "1.0", "ja", "tru", "yes no", "N/A", "unknown", "null"]
    bad = run(tmp_path, "pregnant,id\n" + "".join(f"{w},x\n" for w in wrong))
    assert problems(bad.rejected) == ["pregnant: wrong_type"] * len(wrong)


def test_nothing_is_made_up_for_a_missing_answer(tmp_path: Path) -> None:
    empty = ["", " ", '""', '"  "']
    done = run(tmp_path, f"id,{HOURS}\n" + "".join(f"x,{cell}\n" for cell in empty))
    assert {row["psoas_prolonged_sitting_score"] for row in done.scored} == {""}
    words = ["N/A", "NA", "unknown", "-", ".", "null", "None", "nan", "#N/A", "1e999", "inf"]
    bad = run(tmp_path, f"id,{HOURS}\n" + "".join(f"x,{word}\n" for word in words))
    assert bad.summary.rejected == len(words)


def make_value(rng: random.Random, question: Any) -> Any:
    """Any value that JSON can hold, most of them near to what the question allows."""
    numbers = [
        0,
        -1,
        1,
        7,
        7.5,
        20,
        20.000001,
        24,
        300,
        1e308,
        10**30,
        -0.0,
        42.0,
        42.5,
        math.inf,
        -math.inf,
        math.nan,
    ]
    if isinstance(question, Question) and question.is_numeric:
        return rng.choice(
            [*numbers, question.minimum, question.maximum, True, False, [1], {"a": 1}, "text"]
        )
    if isinstance(question, Question) and question.answer == "several":
        ids = [option.id for option in question.options]
        return rng.choice([[], ids[:1], ids, ["nowhere"], [*ids[:1], "nowhere"]])
    if isinstance(question, Question) and question.options:
        return rng.choice([question.options[0].id, question.options[-1].id, "often", ""])
    return rng.choice([True, False, "maybe", 7, [True]])


def test_a_cell_is_refused_where_the_same_json_is_refused() -> None:
    """The two validations come from the same questions; here they are put beside each other."""
    rng = random.Random(5)  # noqa: S311  # the same cells every time
    rows = []
    for _ in range(3000):
        names = rng.sample(list(ASKED), rng.choice((1, 2, 5)))
        rows.append({name: make_value(rng, ASKED[name]) for name in names})
    problems_of = score_rows(rows)
    for number, row in enumerate(rows, 1):
        told = problems_of.get(number, "").split("; ")
        found = {tuple(problem.split(": ")) for problem in told if problem}
        assert found == find_faults(row), row


def find_faults(row: dict[str, Any]) -> set[tuple[str, str]]:
    """The faults that a request with these answers has, as field and code."""
    body: dict[str, dict[str, Any]] = {"answers": {}}
    sections = {
        "answers": MODEL.questions,
        "symptoms": MODEL.symptoms.by_id,
        "red_flags": MODEL.safety.flag_ids,
        "conditions": MODEL.safety.condition_ids,
    }
    for name, value in row.items():
        part = next(part for part, names in sections.items() if name in names)
        body.setdefault(part, {})[name] = None if value == "" else value
    try:
        PAYLOAD.read(body)
    except Refusal as refusal_:
        return {(fault.pointer.split("/")[2], fault.code) for fault in refusal_.faults}
    return set()


def score_rows(rows: list[dict[str, Any]]) -> dict[int, str]:
    """The problems of rows of JSON, by their numbers."""
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    stream = io.BufferedReader(io.BytesIO(lines))
    source = open_file(FORMATS["ndjson"], Opened(Path("-"), stream))
    layout = Layout(source.header, ASKED, NO_MAPPING)
    found: dict[int, str] = {}
    for chunk in source.read():
        rejected = ChunkScorer(RULES, layout, chunk.frame.schema).score(chunk).rejected
        found |= dict(rejected.select("psoas_row", "psoas_problems").iter_rows())
    return found


def test_columns_are_told_apart(tmp_path: Path) -> None:
    content = f"id,{HOURS},sitting_hours_per_dya,Runs ,psoas_row,minutes_per_day\n1,4,5,no,9,15\n"
    columns = run(tmp_path, content).summary.columns
    assert columns.recognised == [HOURS]
    assert columns.carried == ["id", "sitting_hours_per_dya", "Runs ", "minutes_per_day"]
    assert columns.near == {"sitting_hours_per_dya": HOURS, "Runs ": "runs"}
    assert columns.replaced == ["psoas_row"]


def test_a_file_without_a_question_is_refused_with_what_may_be_meant(tmp_path: Path) -> None:
    told = refusal(tmp_path, "id,siting_hours_per_day\n1,2\n")
    assert "Did you mean sitting_hours_per_day by siting_hours_per_day?" in told


def test_json_lines_go_out_as_they_came(tmp_path: Path) -> None:
    lines = [
        '{"b": [1, {"c": 1.50}], "%s": 4,   "a": "\\u00e9"}',
        '{"%s": 99, "x": 1e5}',
        "{ }",
        "nothing",
    ]
    (tmp_path / "in.ndjson").write_text("\n".join(line.replace("%s", HOURS) for line in lines))
    score_file(RULES, Order(tmp_path / "in.ndjson", tmp_path / "out.ndjson"))
    scored = (tmp_path / "out.ndjson").read_text().splitlines()
    assert scored[0].startswith(lines[0].replace("%s", HOURS)[:-1] + ',"psoas_row":1,')
    assert orjson.loads(scored[0])["psoas_prolonged_sitting_score"] == 0
    assert orjson.loads(scored[1])["psoas_row"] == 3
    rejected = [
        orjson.loads(line) for line in (tmp_path / "out.rejects.ndjson").read_text().splitlines()
    ]
    assert rejected == [
        {HOURS: 99, "x": 1e5, "psoas_row": 2, "psoas_problems": f"{HOURS}: out_of_range"},
        {"psoas_malformed": "nothing", "psoas_row": 4, "psoas_problems": "line 4: malformed"},
    ]
    again = Order(tmp_path / "out.rejects.ndjson", tmp_path / "again.ndjson")
    assert score_file(RULES, again).rejected == 2
    sent_again = [
        orjson.loads(line) for line in (tmp_path / "again.rejects.ndjson").read_text().splitlines()
    ]
    assert sent_again[0] == {**rejected[0], "psoas_row": 1}
    assert sent_again[1]["psoas_problems"] == "line 2: malformed"


def test_typed_columns_keep_their_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            HOURS: [4, 30, None],
            "runs": [0, 1, 2],
            "pain_sites": [["low_back"], [], None],
            "when": pl.Series([0, 1, 2]).cast(pl.Date),
            "raw": [b"a", b"b", None],
            "nested": [{"a": [1]}, None, {"a": []}],
            "deep": [[{"b": b"a", "c": None}], [], None],
        }
    )
    frame.write_parquet(tmp_path / "in.parquet")
    score_file(RULES, Order(tmp_path / "in.parquet", tmp_path / "out.parquet"))
    scored = pl.read_parquet(tmp_path / "out.parquet")
    rejects = pl.read_parquet(tmp_path / "out.rejects.parquet")
    assert scored.select(frame.columns).equals(frame[:1])
    assert rejects.select(frame.columns).equals(frame[1:])
    assert rejects["psoas_problems"].to_list() == [f"{HOURS}: out_of_range", "runs: wrong_type"]
    score_file(RULES, Order(tmp_path / "in.parquet", tmp_path / "out.csv"))
    (row,) = read_csv(tmp_path / "out.csv")
    assert (row["when"], row["raw"], row["nested"]) == ("1970-01-01", "YQ==", '{"a":[1]}')
    assert row["deep"] == '[{"b":"YQ==","c":null}]'


def test_decimal_commas_come_out_where_they_are_asked_for(tmp_path: Path) -> None:
    done = run(tmp_path, f"id;{HOURS};runs\n1;7,5;yes\n", decimal_comma=True)
    assert done.scored[0]["psoas_prolonged_sitting_score"] == "52,5"
    done = run(tmp_path, f"id,{HOURS}\n1,7.5\n", decimal_comma=True)
    assert done.scored[0]["psoas_prolonged_sitting_score"] == "52,5"


@pytest.mark.parametrize("suffix", [".csv.gz", ".csv.zst", ".ndjson.gz", ".tsv"])
def test_what_is_packed_is_unpacked_and_what_is_to_be_packed_is_packed(
    tmp_path: Path, suffix: str
) -> None:
    people = make_crowd(50, seed=8)
    put_crowd(people).write_csv(tmp_path / "in.csv")
    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / f"a{suffix}"))
    summary = score_file(RULES, Order(tmp_path / f"a{suffix}", tmp_path / "b.parquet"))
    assert (tmp_path / f"a.rejects{suffix}").exists()
    assert summary.rows == summary.scored == 50
    got = pl.read_parquet(tmp_path / "b.parquet").select(RULES.rows.names).to_dicts()
    assert got == [RULES.rows.score_person(person) for person in people]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    put_crowd(make_crowd(500, seed=2)).write_csv(tmp_path / "in.csv")
    for kind in ("csv", "csv.gz", "ndjson", "parquet"):
        first, second = tmp_path / f"1.{kind}", tmp_path / f"2.{kind}"
        for target in (first, second):
            score_file(RULES, Order(tmp_path / "in.csv", target))
        assert first.read_bytes() == second.read_bytes()


def test_nothing_is_overwritten_unless_asked(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"id,{HOURS}\n1,4\n")
    (tmp_path / "out.csv").write_text("mine")
    for target, told in (
        ("out.csv", "--force"),
        ("in.csv", "--force"),
        ("nowhere/out.csv", "nowhere"),
    ):
        with pytest.raises(FileRefused, match=told):
            score_file(RULES, Order(tmp_path / "in.csv", tmp_path / target))
    with pytest.raises(FileRefused, match="to be read"):
        score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "in.csv", may_replace=True))
    with pytest.raises(FileRefused, match="same file"):
        score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "a.csv", tmp_path / "a.csv"))
    assert (tmp_path / "out.csv").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"in.csv", "out.csv"}


def test_rejects_of_a_run_killed_between_two_names_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"id,{HOURS}\n1,4\n2,99\n")
    (tmp_path / "out.rejects.csv").write_text("of the run before")
    order = Order(tmp_path / "in.csv", tmp_path / "out.csv")
    with pytest.raises(FileRefused, match="--force"):
        score_file(RULES, order)
    (tmp_path / ".out.csv.part").write_text("half")
    assert score_file(RULES, order).rejected == 1
    assert len(read_csv(tmp_path / "out.rejects.csv")) == 1
    assert not (tmp_path / ".out.csv.part").exists()


def test_only_files_are_replaced_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"id,{HOURS}\n1,4\n")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileRefused, match="not a file"):
        score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "folder.csv", may_replace=True))
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    score_file(RULES, Order(tmp_path / "in.csv", tmp_path / "link.csv"))
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_csv(tmp_path / "real.csv")) == 1


def test_no_writer_is_left_behind_by_a_run_that_ends_early(tmp_path: Path) -> None:
    line = '{"%s": 4}\n'.replace("%s", HOURS)
    packed = gzip.compress((line * 200_000).encode())
    (tmp_path / "in.ndjson.gz").write_bytes(packed[:-100])
    before = threading.active_count()
    for target in ("out.csv", "out.parquet", "out.xlsx", "out.ndjson"):
        with pytest.raises(FileRefused, match="damaged"):
            score_file(RULES, Order(tmp_path / "in.ndjson.gz", tmp_path / target))
    time.sleep(0.3)
    assert threading.active_count() <= before
    assert [path.name for path in tmp_path.iterdir()] == ["in.ndjson.gz"]


def test_rejects_of_the_last_run_do_not_stay(tmp_path: Path) -> None:
    assert run(tmp_path, f"id,{HOURS}\n1,99\n").summary.rejected == 1
    assert run(tmp_path, f"id,{HOURS}\n1,9\n").summary.rejected == 0
    assert len((tmp_path / "out.rejects.csv").read_text().splitlines()) == 1


def test_the_summary_counts_levels_actions_and_problems(tmp_path: Path) -> None:
    content = f"{HOURS},saddle_numbness\n" + "8,\n2,yes\n2,no\n99,no\nx,\nx,maybe\n"
    summary = run(tmp_path, content).summary
    assert summary.levels["prolonged_sitting"] == {"high": 1, "low": 2}
    assert summary.levels["slouching"] == {None: 3}
    assert summary.actions == {"emergency": 1, "none": 2}
    assert summary.problems == {
        f"{HOURS}: wrong_type": 2,
        f"{HOURS}: out_of_range": 1,
        "saddle_numbness: wrong_type": 1,
    }


def test_a_summary_is_in_the_same_order_every_time_and_counts_malformed_lines_together(
    tmp_path: Path,
) -> None:
    rows = [
        "8,",
        "2,yes",
        "nothing,to,read",
        "99,",
        "4,no",
        "2,no",
        ",",
        "still,nothing,here",
        "x,",
    ]
    summary = run(tmp_path, "\n".join([f"{HOURS},saddle_numbness", *rows])).summary
    told = json.loads(put_summary(summary))
    levels = told["levels"]["prolonged_sitting"]
    assert [*levels.items()] == [("low", 3), ("high", 1), ("not_known", 1)]
    assert [*told["actions"].items()] == [("none", 4), ("emergency", 1)]
    assert [*told["problems"].items()] == [
        ("line: malformed", 2),
        (f"{HOURS}: out_of_range", 1),
        (f"{HOURS}: wrong_type", 1),
    ]


def test_a_column_of_a_caller_may_be_called_anything(tmp_path: Path) -> None:
    names = ["0", "1", "__kept_0", "__bad", "__line", "index", "literal", "", "*", "^.*$"]
    done = run(tmp_path, ",".join([*names, HOURS]) + "\n" + ",".join([*"abcdefghij", "4"]) + "\n")
    assert list(done.scored[0].values())[:10] == list("abcdefghij")
    assert done.scored[0][f"{PREFIX}prolonged_sitting_score"] == "0.0"


def test_missing_codes_do_not_let_a_cell_out_unquoted(tmp_path: Path) -> None:
    content = f'{HOURS},runs,id\n"7,5",no,1\n=NA(),no,2\n"n/a, x",no,3\n'
    done = run(tmp_path, content, mapping='missing = ["=NA()", "n/a, x"]')
    assert [row["id"] for row in done.scored] == ["1", "2", "3"]
    assert [row[HOURS] for row in done.scored] == ["7,5", "'=NA()", "n/a, x"]
    assert done.scored[0]["psoas_prolonged_sitting_score"] == "52.5"


def test_yes_and_no_as_floats_with_gaps(tmp_path: Path) -> None:
    frame = pl.DataFrame({HOURS: [4.0, 4.0, 4.0, 4.0], "saddle_numbness": [1.0, None, 0.0, 0.5]})
    frame.write_parquet(tmp_path / "in[1].parquet")
    frame.head(1).write_parquet(tmp_path / "in1.parquet")
    order = Order(tmp_path / "in[1].parquet", tmp_path / "out.csv")
    summary = score_file(RULES, order)
    assert (summary.scored, summary.problems) == (3, {"saddle_numbness: wrong_type": 1})
    assert summary.actions == {"emergency": 1, "none": 2}


def test_cells_that_are_nobodys_business_stay_as_they_are(tmp_path: Path) -> None:
    cells = ["'+49123", "'-5", "a\rb", "b\r", "\r", 'c"d']
    text = f"note,{HOURS}\n" + "".join(f"{quote(c)},4\n" for c in cells)
    done = run(tmp_path, text)
    assert [row["note"] for row in done.scored] == [f"'{c}" if c == "\r" else c for c in cells]


def quote(cell: str) -> str:
    """A cell in quotes; one with a quote in its middle as it is, which is odd and has to be borne."""
    return cell if '"' in cell else f'"{cell}"'


def test_a_key_is_found_twice_however_it_is_spaced(tmp_path: Path) -> None:
    lines = '{"H":4,"H" :9}\n{"H":4}\n'.replace("H", HOURS)
    assert problems(run(tmp_path, lines, "in.ndjson").rejected) == [f"{HOURS}: malformed"]


def test_lines_that_are_sent_again_keep_their_numbers(tmp_path: Path) -> None:
    line = '{"H":4,"id":0.12345678901234567890,"e":1E5'.replace("H", HOURS)
    (tmp_path / "in.ndjson").write_text(line + ',"psoas_row":3,"psoas_problems":"x"}\n')
    score_file(RULES, Order(tmp_path / "in.ndjson", tmp_path / "out.ndjson"))
    assert (tmp_path / "out.ndjson").read_text().startswith(line + ',"psoas_row":1,')


def test_columns_that_a_spreadsheet_would_call_the_same_both_stay(tmp_path: Path) -> None:
    pl.DataFrame({"=a": ["x"], "'=a": ["y"], HOURS: [4.0]}).write_parquet(tmp_path / "in.parquet")
    score_file(RULES, Order(tmp_path / "in.parquet", tmp_path / "out.csv"))
    (row,) = read_csv(tmp_path / "out.csv")
    assert list(row.values())[:2] == ["x", "y"]


def test_what_a_sheet_cannot_hold_is_refused_or_kept_as_text(tmp_path: Path) -> None:
    wide = {f"c{n}": [1] for n in range(16_370)}
    pl.DataFrame({HOURS: [4.0], **wide}).write_parquet(tmp_path / "wide.parquet")
    with pytest.raises(FileRefused, match="16,384 columns"):
        score_file(RULES, Order(tmp_path / "wide.parquet", tmp_path / "out.xlsx"))
    pl.DataFrame({HOURS: [4.0], "x": ["y" * 40_000]}).write_parquet(tmp_path / "long.parquet")
    with pytest.raises(FileRefused, match="32,767"):
        score_file(RULES, Order(tmp_path / "long.parquet", tmp_path / "out.xlsx"))
    pl.DataFrame({HOURS: [4.0], "id": [9007199254740993]}).write_parquet(tmp_path / "id.parquet")
    score_file(RULES, Order(tmp_path / "id.parquet", tmp_path / "out.xlsx"))
    assert pl.read_excel(tmp_path / "out.xlsx")["id"].to_list() in (
        ["9007199254740993"],
        [9007199254740993],
    )


def test_columns_of_any_type_go_through(tmp_path: Path) -> None:
    frame = pl.DataFrame({HOURS: [4.0], "took": [90_000_000]}).cast({"took": pl.Duration("us")})
    frame.write_parquet(tmp_path / "in.parquet")
    score_file(RULES, Order(tmp_path / "in.parquet", tmp_path / "out.csv"))
    assert read_csv(tmp_path / "out.csv")[0]["took"] == "PT1M30S"
