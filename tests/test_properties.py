"""What must hold for everybody: bounds, honest intervals, and worse never scoring better."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from people import MODEL, answers_to, people, sheets

from rules.assessment import Assessor, Sheet
from rules.questions import Answer, Question

ASSESSOR = Assessor(MODEL)
HIDEABLE = [q.id for q in MODEL.questions.values() if q.id != "sitting_hours_source"]


def scores(answers: dict[str, Answer]) -> dict[str, dict[str, Any]]:
    """Every habit's score and the index, by id."""
    assessment = ASSESSOR.assess(Sheet(answers))
    habits: dict[str, dict[str, Any]] = {h["id"]: dict(h) for h in assessment["habits"]}
    return {**habits, "index": dict(assessment["index"])}


@given(people())
def test_scores_lie_in_their_interval_and_on_the_scale(answers: dict[str, Answer]) -> None:
    for name, score in scores(answers).items():
        assert 0 <= score["low"] <= score["high"] <= 100, name
        if score["score"] is not None:
            assert score["low"] <= score["score"] <= score["high"], name
            assert score["level"] is not None
        assert score["level_decided"] == (score["level_low"] == score["level_high"])
        expected = "partial" if score["low"] < score["high"] else "complete"
        assert score["status"] == ("insufficient" if score["score"] is None else expected)


@given(people(complete=True), st.sets(st.sampled_from(HIDEABLE)))
def test_hiding_answers_never_loses_the_truth(answers: dict[str, Answer], hidden: set[str]) -> None:
    truth = scores(answers)
    seen = scores({name: answer for name, answer in answers.items() if name not in hidden})
    for name, score in seen.items():
        assert score["low"] <= truth[name]["score"] <= score["high"], name


@given(people(complete=True))
def test_who_answers_everything_has_no_interval(answers: dict[str, Answer]) -> None:
    for score in scores(answers).values():
        assert score["score"] == score["low"] == score["high"]
        assert score["status"] == "complete"


@given(people(), st.data())
def test_a_worse_answer_never_lowers_a_score(
    answers: dict[str, Answer], data: st.DataObject
) -> None:
    changeable = [name for name in answers if name in HIDEABLE and MODEL.questions[name].can_matter]
    changeable = [name for name in changeable if name != "runs"]
    if not changeable:
        return
    name = data.draw(st.sampled_from(changeable))
    other = data.draw(answers_to(MODEL.questions[name]))
    better, worse = answers, {**answers, name: other}
    if is_worse(MODEL.questions[name], answers[name], other):
        better, worse = worse, better
    before, after = scores(better), scores(worse)
    for key in before:
        for end in ("low", "score", "high"):
            if before[key][end] is not None and after[key][end] is not None:
                assert before[key][end] <= after[key][end], (key, name)


def is_worse(question: Question, one: Any, other: Any) -> bool:
    """Whether the first answer is the less favourable one, by the question's own two ends."""
    assert question.unanswered is not None
    low, high = question.unanswered.low, question.unanswered.high
    if question.is_numeric:
        return bool(one > other) if high > low else bool(one < other)  # type: ignore[operator]
    if question.answer == "yes_no":
        return bool(one == high)
    points = [
        {
            **component.choice_points,
            **({component.factor.by: component.factor.by_answer} if component.factor else {}),
        }
        for habit in MODEL.habits
        for component in habit.components
    ]
    table = next(tables[question.id] for tables in points if question.id in tables)
    return table[one] > table[other]


@given(people())
def test_null_and_absence_mean_the_same(answers: dict[str, Answer]) -> None:
    absent = dict.fromkeys(MODEL.questions)
    assert ASSESSOR.assess(Sheet({**absent, **answers})) == ASSESSOR.assess(Sheet(answers))


@given(sheets())
def test_an_assessment_kept_in_memory_equals_a_fresh_one(sheet: Sheet) -> None:
    assert Assessor(MODEL).assess(sheet) == ASSESSOR.assess(sheet)


@given(people())
def test_the_json_is_that_of_the_assessment(answers: dict[str, Answer]) -> None:
    assert ASSESSOR.assess_json(Sheet(answers)) == orjson.dumps(ASSESSOR.assess(Sheet(answers)))


@given(people())
def test_component_points_add_up_to_the_score(answers: dict[str, Answer]) -> None:
    for habit in ASSESSOR.assess(Sheet(answers))["habits"]:
        if habit["components"] is not None and habit["score"] is not None:
            total = sum(part["points"] for part in habit["components"])
            assert abs(min(100, max(0, total)) - habit["score"]) <= 0.05 + 0.005 * 3 + 1e-9
            for part in habit["components"]:
                assert part["minimum"] <= part["points"] <= part["maximum"]
                assert str(part["points"]) != "-0.0"


@given(people())
def test_the_index_keeps_near_the_worst_habit_that_has_evidence(answers: dict[str, Answer]) -> None:
    result = scores(answers)
    floors = [h for h in MODEL.habits if h.index.sets_floor]
    scored = [result[h.id]["score"] for h in floors if result[h.id]["score"] is not None]
    weight = sum(h.index.weight for h in MODEL.habits if result[h.id]["score"] is not None)
    assert (result["index"]["score"] is not None) == (weight >= 75)
    if result["index"]["score"] is not None and scored:
        assert result["index"]["score"] >= max(scored) - 25 - 1e-9


@given(people())
def test_comments_are_whole_sentences_without_blanks(answers: dict[str, Answer]) -> None:
    for habit in ASSESSOR.assess(Sheet(answers))["habits"]:
        texts = [habit["lay_comment"], habit["clinician_comment"]]
        texts += [part["text"] for part in habit["components"] or []]
        for text in texts:
            assert text[0].isupper() or text[0].isdigit(), text
            assert text.endswith("."), text
            assert not set(text) & {"{", "}"}, text
            assert "  " not in text, text
