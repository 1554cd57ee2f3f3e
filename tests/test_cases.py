"""The cases that clinicians can read, scored: whole people, and every bend of every curve."""

from typing import Any

import pytest
from people import MODEL, read_cases

from rules import formula
from rules.assessment import Assessor, Sheet
from rules.person import Person

COMPONENT_CASES = [
    pytest.param(habit.id, case, id=f"{habit.id}-{case['component']}-{number}")
    for habit in MODEL.habits
    for number, case in enumerate(read_cases(habit.id))
]


@pytest.mark.parametrize(("habit", "case"), COMPONENT_CASES)
def test_component_gives_the_points_of_the_case(
    assessor: Assessor, habit: str, case: dict[str, Any]
) -> None:
    scored = next(h for h in assessor.assess(Sheet(case["answers"]))["habits"] if h["id"] == habit)
    points = {part["id"]: part["points"] for part in scored["components"] or []}
    assert points[case["component"]] == pytest.approx(case["points"], abs=0.005)


@pytest.mark.parametrize("case", read_cases("worked_examples"), ids=lambda case: case["name"])
def test_worked_example(assessor: Assessor, case: dict[str, Any]) -> None:
    assessment = assessor.assess(Sheet(case["answers"]))
    scores = {h["id"]: [h["score"], h["low"], h["high"]] for h in assessment["habits"]}
    index = assessment["index"]
    assert scores == {
        habit: [none(value) for value in values] for habit, values in case["scores"].items()
    }
    assert [index["score"], index["low"], index["high"], index["level"], index["status"]] == [
        none(value) for value in case["index"]
    ]


def none(value: Any) -> Any:
    """TOML has no null: the cases say `none`."""
    return None if value == "none" else value


def test_there_is_a_case_at_below_and_above_every_bend() -> None:
    missing = []
    for habit in MODEL.habits:
        cases = read_cases(habit.id)
        for component in habit.components:
            if component.curve is None:
                continue
            work = formula.measure(habit, component.curve.of)
            tried = []
            for case in cases:
                person = Person(case["answers"])
                if case["component"] == component.id and formula.is_scored(person, habit):
                    answers = formula.fill(person, habit.scored_questions, "score")
                    tried.append(work(person, answers))
            for point in component.curve.points:
                step = min(1.0, point.at / 10 or 1.0) + 1e-6
                near = {
                    "at": any(abs(value - point.at) < 1e-9 for value in tried),
                    "below": point.at == 0
                    or any(1e-9 < point.at - value <= step for value in tried),
                    "above": any(1e-9 < value - point.at <= step for value in tried),
                }
                missing += [
                    f"{habit.id}.{component.id}: {place} {point.at:g}"
                    for place, found in near.items()
                    if not found
                ]
    assert missing == []


def test_there_is_a_case_for_every_option_that_counts() -> None:
    missing = []
    for habit in MODEL.habits:
        cases = read_cases(habit.id)
        for component in habit.components:
            tables = dict(component.choice_points)
            if component.factor:
                tables[component.factor.by] = component.factor.by_answer
            mine = [case["answers"] for case in cases if case["component"] == component.id]
            missing += [
                f"{habit.id}.{component.id}: {question} {option}"
                for question, table in tables.items()
                for option in table
                if not any(answers.get(question) == option for answers in mine)
            ]
    assert missing == []


def test_levels_change_exactly_at_their_starts(assessor: Assessor) -> None:
    levels = {}
    for tenths in (249, 250, 499, 500, 749, 750):
        levels[tenths] = formula.level_of(Person({}), assessor.model, tenths)
    expected = ["low", "moderate", "moderate", "high", "high", "very_high"]
    assert list(levels.values()) == expected


def test_rounding_is_half_up_and_forgives_binary_fractions() -> None:
    nobody = Person({})
    tenths = [formula.in_tenths(nobody, value * 10) for value in (67.75, 0.05, 2.675, 1.15, 0.0499)]
    assert tenths == [678, 1, 27, 12, 0]
