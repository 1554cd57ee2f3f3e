"""Made-up people for measurements: seeded, within every bound, with some answers missing."""

import random
from typing import Any

from rules.definitions import Model
from rules.questions import Answer, Question


def make_answers(model: Model, rng: random.Random, missing: float = 0.1) -> dict[str, Answer]:
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


def _make_answer(question: Question, rng: random.Random) -> Any:
    if question.answer == "yes_no":
        return rng.random() < 0.5  # noqa: PLR2004
    if question.answer == "choice":
        return rng.choice(question.options).id
    least, most = question.minimum or 0.0, question.maximum or 0.0
    value = least + (most - least) * rng.random() ** 3
    return _round_as_people_do(value, most)


def _round_as_people_do(value: float, most: float) -> float:
    """Half hours, whole kilometres and kilograms, minutes in tens."""
    if most <= 20:  # noqa: PLR2004
        return round(value * 2) / 2
    return round(value) if most <= 300 else round(value / 10) * 10 or 1  # noqa: PLR2004
