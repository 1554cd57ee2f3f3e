"""Generated people for hypothesis: any answers the questionnaire allows, any of them left out."""

import tomllib
from typing import Any

from conftest import ROOT
from hypothesis import strategies as st

from rules.assessment import Sheet
from rules.loading import load_model
from rules.questions import Answer, Question

MODEL = load_model()


def read_cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file in `tests/cases`."""
    cases: list[dict[str, Any]] = tomllib.loads(
        (ROOT / "tests" / "cases" / f"{name}.toml").read_text("utf-8")
    )["cases"]
    return cases


E01: dict[str, Answer] = next(
    case["answers"] for case in read_cases("worked_examples") if case["name"] == "E01"
)
"""The first worked example of the model: 58.5, high."""


def answers_to(question: Question) -> st.SearchStrategy[Any]:
    """Any answer to a question: round ones and odd ones, and the ends of its range."""
    if question.answer == "yes_no":
        return st.booleans()
    options = [option.id for option in question.options]
    if question.answer == "several":
        return st.lists(st.sampled_from(options), unique=True)
    if question.answer == "choice":
        return st.sampled_from(options)
    least, most = question.minimum or 0.0, question.maximum or 0.0
    whole = st.integers(int(least), int(most))
    if question.answer == "whole_number":
        return whole
    usual = st.floats(least, min(most, least + 60))
    return st.one_of(whole, st.floats(least, most), usual, st.sampled_from([least, most]))


ANSWERS = {
    question.id: answers_to(question)
    for part in (MODEL.questions.values(), MODEL.symptoms.questions, MODEL.planner.questions)
    for question in part
}
FOUR_IN_FIVE = st.integers(0, 4).map(bool)


@st.composite
def people(draw: st.DrawFn, complete: bool = False) -> dict[str, Answer]:
    """Answers without contradictions; with `complete`, every question that is asked is answered."""
    answers: dict[str, Answer] = {}
    for question in MODEL.questions.values():
        left_out = any(
            answers.get(gate, needed) != needed for gate, needed in question.asked_only_if.items()
        )
        if not left_out and (complete or draw(FOUR_IN_FIVE)):
            answers[question.id] = draw(ANSWERS[question.id])
    return answers


CLEARED = {
    "red_flags": {flag.id: False for flag in MODEL.safety.red_flags},
    "conditions": {condition.id: False for condition in MODEL.safety.conditions},
}
"""Every safety question answered no."""


@st.composite
def safety_answers(draw: st.DrawFn, ids: tuple[str, ...]) -> dict[str, bool]:
    """Answers to safety questions: all no, most no with a few yes or open, or hardly any."""
    answers = dict.fromkeys(ids, False)
    some = st.lists(st.sampled_from(ids), max_size=3, unique=True)
    for name in draw(some):
        answers[name] = True
    if draw(st.booleans()):
        left_out = draw(some) if draw(st.booleans()) else draw(st.permutations(ids))[2:]
        answers = {name: answer for name, answer in answers.items() if name not in left_out}
    return answers


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Everything one person may answer."""
    flags, conditions = CLEARED["red_flags"], CLEARED["conditions"]
    if draw(st.integers(0, 3)):
        flags = draw(safety_answers(MODEL.safety.flag_ids))
        conditions = draw(safety_answers(MODEL.safety.condition_ids))
    symptoms, plan = (
        {q.id: draw(ANSWERS[q.id]) for q in section.questions if draw(st.booleans())}
        for section in (MODEL.symptoms, MODEL.planner)
    )
    if draw(st.booleans()):
        plan["equipment"] = [option.id for option in EQUIPMENT.options]
        plan["deep_pressure_opt_in"] = True
    return Sheet(draw(people()), flags, conditions, symptoms, plan)


EQUIPMENT = MODEL.planner.by_id["equipment"]


def put_sheet(sheet: Sheet) -> dict[str, Any]:
    """A sheet as the body of a request."""
    return {name: dict(part) for name, part in sheet._asdict().items()}
