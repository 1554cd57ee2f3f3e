"""A habit is one file: a sixth appears everywhere without a change of code."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import Call, caller, make_app

from rules.loading import PACKAGED_MODEL

SIXTH = """
name = "Breath holding"
order = 6
about = "Holding the breath while working."
suggestion = "You may want to vary this: a slow breath now and then."

[index]
weight = 10
basis = "judgement"
reason = "A test."

[evidence]
grade = "very_low"
note = "A test."
sources = ["source_article"]

[psoas_claim]
verdict = "unsupported"
note = "A test."
sources = ["source_article"]

[[questions]]
id = "breath_holds_per_day"
role = "core"
label = "breath holds"
ask = "How many times a day do you notice that you hold your breath?"
answer = "number"
unit = "/d"
unit_text = "times a day"
minimum = 0
maximum = 50
unanswered = { low = 0, high = 50, score = 0 }
resolution = 1
lever_limit = 0
example = 3
phrase = { zero = "no breath holding", one = "holding the breath once a day", other = "holding the breath {n} times a day" }
basis = "judgement"
reason = "A test."

[[components]]
id = "holds"
name = "Breath holds"
curve.of = "breath_holds_per_day"
curve.points = [
  { at = 0, points = 0, basis = "judgement", reason = "A test." },
  { at = 10, points = 50, basis = "judgement", reason = "A test." },
]
basis = "judgement"
reason = "A test."
"""


@pytest.fixture
def call_with_sixth(tmp_path: Path) -> Call:
    folder = Path(shutil.copytree(PACKAGED_MODEL, tmp_path / "psoas"))
    (folder / "habits" / "breath_holding.toml").write_text(SIXTH, "utf-8")
    return caller(make_app(model_dir=folder))


def test_a_sixth_habit_appears_everywhere(call_with_sixth: Call) -> None:
    form = call_with_sixth("GET", "/questionnaire").json()
    sections = {section["id"]: section for section in form["sections"]}
    assert list(sections)[-2:] == ["breath_holding", "plan"]
    assert sections["breath_holding"]["questions"][0]["unit_text"] == "times a day"
    document = call_with_sixth("GET", "/openapi.json").json()
    assert "breath_holds_per_day" in document["components"]["schemas"]["Answers"]["properties"]
    assert call_with_sixth("GET", "/model/habits/breath_holding").json()["index"]["weight"] == 10
    body = {"answers": {"breath_holds_per_day": 4}}
    habit = call_with_sixth("POST", "/assess", json=body).json()["habits"][-1]
    assert habit["id"] == "breath_holding"
    assert habit["score"] == 20
    assert habit["components"][0]["text"] == (
        "Holding the breath 4 times a day gave 20 points, of at most 50."
    )
    refused = call_with_sixth("POST", "/assess", json={"answers": {"breath_holds_per_day": 51}})
    (fault,) = refused.json()["errors"]
    assert fault["detail"] == "must be a number of times a day, 0 to 50"


def test_the_index_counts_a_sixth_habit_by_its_weight(call_with_sixth: Call) -> None:
    example = Path(__file__).parent.parent / "openapi" / "examples" / "assess" / "desk_worker.json"
    answers = json.loads(example.read_text("utf-8"))["request"]["json"]["answers"]
    answers = {**answers, "breath_holds_per_day": 0}
    index = call_with_sixth("POST", "/assess", json={"answers": answers}).json()["index"]
    assert index["score"] == 58.5
    assert index["status"] == "complete"


def test_a_sixth_habit_has_levers_and_open_questions(call_with_sixth: Call) -> None:
    answers = {"breath_holds_per_day": 8}
    got = call_with_sixth("POST", "/assess", json={"answers": answers}).json()
    (nearest,) = got["nearest_levels"]
    assert nearest["change_to"] == 4
    assert nearest["text"].startswith("Breath holds: holding the breath 4 times a day instead of")
    nothing = call_with_sixth("POST", "/assess", json={"answers": {}}).json()
    asked = [question["answer"] for question in nothing["next_questions"]["questions"]]
    assert "breath_holds_per_day" in asked
