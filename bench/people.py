"""Made-up people for measurements: seeded, within every bound, with some answers missing."""

import random
from collections.abc import Sequence
from typing import Any

from rules.definitions import Model
from rules.questions import Answer, Question
from rules.safety import SafetyQuestion

MISSING, HALF, YES = 0.1, 0.5, 0.01
"""How often a question is left out, one of the plan is, and a safety question is answered yes."""


def make_answers(model: Model, rng: random.Random, missing: float = MISSING) -> dict[str, Answer]:
    """One person's answers, each left out with the given probability; never a contradiction."""
    answers: dict[str, Answer] = {}
    for question in model.questions.values():
        asked = all(
            answers.get(gate, needed) == needed for gate, needed in question.asked_only_if.items()
        )
        if asked and rng.random() >= missing:
            answers[question.id] = _make_answer(question, rng)
    if answers.get("runs") is None:
        answers["runs"] = True
    return answers


def make_request(model: Model, rng: random.Random, missing: float = MISSING) -> dict[str, Any]:
    """One person's whole request: answers, safety questions, symptoms and wishes for the plan."""
    return {
        "answers": make_answers(model, rng, missing),
        "red_flags": _make_safety(model.safety.red_flags, rng, missing),
        "conditions": _make_safety(model.safety.conditions, rng, missing),
        "symptoms": {
            question.id: _make_answer(question, rng)
            for question in model.symptoms.questions
            if rng.random() >= missing
        },
        "plan": {
            question.id: _make_answer(question, rng)
            for question in model.planner.questions
            if rng.random() >= HALF
        },
    }


def _make_safety(
    questions: Sequence[SafetyQuestion], rng: random.Random, missing: float
) -> dict[str, bool]:
    """Where answers may be missing, half of the people answer all of these, and a quarter none.

    One answer in a hundred is yes.
    """
    missing = rng.choice((0.0, 0.0, missing, 1.0)) if missing else 0.0
    return {question.id: rng.random() < YES for question in questions if rng.random() >= missing}


def _make_answer(question: Question, rng: random.Random) -> Any:
    if question.answer == "yes_no":
        return rng.random() < HALF
    if question.answer == "choice":
        return rng.choice(question.options).id
    if question.answer == "several":
        few = rng.randint(0, min(6, len(question.options)))
        return [option.id for option in rng.sample(question.options, few)]
    least, most = question.minimum or 0.0, question.maximum or 0.0
    value = least + (most - least) * rng.random() ** 3
    return int(value) if question.answer == "whole_number" else _round_as_people_do(value, most)


def _round_as_people_do(value: float, most: float) -> float:
    """Half hours, whole kilometres and kilograms, minutes in tens."""
    if most <= 20:  # noqa: PLR2004
        return round(value * 2) / 2
    return round(value) if most <= 300 else round(value / 10) * 10 or 1  # noqa: PLR2004
