"""Tries the formula on a loaded model: intervals can only be honest if the stand-ins are the ends they claim to be."""

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from rules import formula
from rules.components import Component
from rules.definitions import Habit, Model
from rules.person import Person
from rules.questions import Answer, Question


def find_dishonest(model: Model) -> Iterator[str]:
    """Every component whose points do not fit its questions' stand-ins, as `file: key: message`."""
    for habit in model.habits:
        for component in habit.components:
            key = f"habits/{habit.id}.toml: components.{component.id}"
            try:
                yield from (f"{key}: {fault}" for fault in _try_component(habit, component))
            except (ArithmeticError, LookupError, TypeError):
                yield f"{key}: cannot be worked out for every answer that is allowed"


def _try_component(habit: Habit, component: Component) -> Iterator[str]:
    """Try the ends and bends of each question, beside every mixture of the ends of the others."""
    work = formula.ready_component(habit, component)
    names = habit.answers_behind[component.id]
    questions = [question for question in habit.scored_questions if question.id in names]
    least, most = component.range
    for question in questions:
        others = [other for other in questions if other is not question]
        for ends in product(
            *([other.stand_ins["low"], other.stand_ins["high"]] for other in others)
        ):
            beside = dict(zip((other.id for other in others), ends, strict=True))
            points = {
                answer: _points(work, questions, {**beside, question.id: answer})
                for answer in _answers_to_try(question, component)
            }
            low, high = points[question.stand_ins["low"]], points[question.stand_ins["high"]]
            neutral = points[question.stand_ins["score"]]
            if not all(low <= value <= high for value in points.values()):
                yield f"unanswered.low of {question.id} must give the fewest points, high the most"
                break
            if abs(neutral) > min(map(abs, points.values())):
                yield f"unanswered.score of {question.id} must give neither points nor credit"
                break
            if not all(least <= value <= most for value in points.values()):
                yield f"gives points outside its own range, {least:g} to {most:g}"
                break


def _points(work: formula.Work, questions: list[Question], answers: dict[str, Answer]) -> float:
    person = Person(answers)
    points: Any = work(person, formula.fill(person, questions, "score"))[0]
    if math.isnan(points):
        raise ArithmeticError
    return float(points)


def _answers_to_try(question: Question, component: Component) -> list[Answer]:
    """All options; or the stand-ins, which are both bounds and the neutral answer, and what lies between."""
    if question.answer == "yes_no":
        return [True, False]
    if question.answer == "choice":
        return [option.id for option in question.options]
    least, most = question.minimum or 0.0, question.maximum or 0.0
    bends = [point.at for point in component.curve.points] if component.curve else []
    inside = [bend for bend in bends if least <= bend <= most]
    return [*question.stand_ins.values(), (least + most) / 2, *inside]
