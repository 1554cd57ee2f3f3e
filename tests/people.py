"""Generated people for hypothesis: any answers the questionnaire allows, any of them left out."""

import tomllib
from typing import Any

from conftest import ROOT
from hypothesis import strategies as st

from rules.definitions import Model
from rules.loading import load_model
from rules.questions import Answer, Question

MODEL = load_model()


def read_cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file in `tests/cases`."""
    cases: list[dict[str, Any]] = tomllib.loads(
        (ROOT / "tests" / "cases" / f"{name}.toml").read_text("utf-8")
    )["cases"]
    return cases


def answers_to(question: Question) -> st.SearchStrategy[Any]:
    """Any answer to a question: round ones and odd ones, and the ends of its range."""
    if question.answer == "yes_no":
        return st.booleans()
    if question.answer == "choice":
        return st.sampled_from([option.id for option in question.options])
    least, most = question.minimum or 0.0, question.maximum or 0.0
    whole = st.integers(int(least), int(most))
    if question.answer == "whole_number":
        return whole
    usual = st.floats(least, min(most, least + 60))
    return st.one_of(whole, st.floats(least, most), usual, st.sampled_from([least, most]))


@st.composite
def people(draw: st.DrawFn, model: Model = MODEL, complete: bool = False) -> dict[str, Answer]:
    """Answers without contradictions; with `complete`, every question that is asked is answered."""
    answers: dict[str, Answer] = {}
    for question in model.questions.values():
        left_out = any(
            answers.get(gate, needed) != needed for gate, needed in question.asked_only_if.items()
        )
        if not left_out and (complete or draw(st.integers(0, 4)) > 0):
            answers[question.id] = draw(answers_to(question))
    return answers
