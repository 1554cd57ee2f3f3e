"""The plan and what could change a score, found the slow and plain way: by looking at everything there is."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations

from people import MODEL

from rules.assessment import Assessor, score_index
from rules.habits import Tenths
from rules.questions import Answer, Question
from rules.routines import Routine

ASSESSOR = Assessor(MODEL)
RULE = MODEL.planner.rule
Answers = Mapping[str, Answer | None]


# The plan


def need(habit: str, scores: Mapping[str, float | None]) -> Fraction:
    """What a habit calls for: its weight as a share of 1 times its score, for a score of 25 or more."""
    score = scores[habit]
    if score is None or score < 25:
        return Fraction(0)
    weight = next(h.index.weight for h in MODEL.habits if h.id == habit)
    return Fraction(str(weight)) / 100 * Fraction(str(score))


def value(chosen: Sequence[Routine], needs: Mapping[str, Fraction]) -> Fraction:
    """What a set of routines is worth."""
    total = Fraction(0)
    for habit, needed in needs.items():
        grades = [RULE.grade_factors[r.evidence.grade] for r in chosen if habit in r.targets]
        for place, grade in enumerate(sorted(grades, reverse=True)):
            total += needed * Fraction(str(grade)) / 2**place
    return total


Set = tuple[Fraction, int, int, list[str]]
"""Minus the value, the minutes, the size and the ids: the least of several is the best."""


def every_set(candidates: Sequence[Routine], most: int, needs: Mapping[str, Fraction]) -> list[Set]:
    """Every set of at most so many candidates, the best first."""
    return sorted(
        (-value(chosen, needs), sum(r.minutes for r in chosen), size, sorted(r.id for r in chosen))
        for size in range(most + 1)
        for chosen in combinations(candidates, size)
    )


def best(sets: Sequence[Set], minutes: int | None = None) -> Set:
    """The best set that takes no more than so many minutes."""
    return next(entry for entry in sets if minutes is None or entry[1] <= minutes)


# What could change a score


def score(answers: Answers) -> tuple[list[Tenths], Tenths]:
    """Every habit's score and the index, in tenths."""
    habits = [h.result(*(answers.get(name) for name in h.names)) for h in ASSESSOR._habits]
    tenths = [habit.tenths for habit in habits]
    return tenths, score_index(MODEL, tenths)


def steps(question: Question) -> list[Answer]:
    """Every multiple of the resolution within the bounds, or every option."""
    if question.answer == "yes_no":
        return [True, False]
    if not question.is_numeric:
        return [option.id for option in question.options]
    step = Fraction(str(question.resolution))
    least, most = Fraction(str(question.minimum)), Fraction(str(question.maximum))
    first, last = -(-least // step), most // step
    numbers = {least, most, *(n * step for n in range(int(first), int(last) + 1))}
    return [float(number) for number in sorted(numbers)]


def towards_limit(question: Question, now: Answer) -> list[Answer]:
    """The answers from the present one to the limit of a lever, the nearest first."""
    limit = question.lever_limit
    if not question.is_numeric:
        every = steps(question)
        return every[every.index(limit) : every.index(now)][::-1] if limit is not None else []
    assert isinstance(limit, int | float)
    assert isinstance(now, int | float)
    if question.falls_to_improve:
        return [n for n in steps(question) if limit <= n < now][::-1]  # type: ignore[operator]
    return [n for n in steps(question) if now < n <= limit]  # type: ignore[operator]


def is_asked(question: Question, answers: Answers) -> bool:
    """Whether no gate is answered otherwise."""
    gates = question.asked_only_if.items()
    return all(answers.get(gate, needed) in (needed, None) for gate, needed in gates)


def levers_of(answers: Answers) -> Iterator[Question]:
    """The answered questions that a person could change, of habits that have a score."""
    tenths, _ = score(answers)
    for habit, own in zip(MODEL.habits, tenths, strict=True):
        for question in habit.scored_questions:
            answered = answers.get(question.id) is not None and is_asked(question, answers)
            if own.score is not None and answered and question.lever_limit is not None:
                yield question


def near(every: Sequence[Answer], marks: Sequence[float]) -> list[Answer]:
    """Of many answers those at the marks and the ends, each with its neighbours, and a few between."""
    if len(every) <= 40 or isinstance(every[0], str | bool):
        return list(every)
    numbers = [float(n) for n in every]
    places = {0, len(every) - 1, *range(0, len(every), len(every) // 12)}
    places |= {min(range(len(every)), key=lambda i: abs(numbers[i] - mark)) for mark in marks}
    shown = {i + d for i in places for d in (-1, 0, 1) if 0 <= i + d < len(every)}
    return [every[i] for i in sorted(shown)]


def bends(question: Question) -> list[float]:
    """Where curves bend that are drawn over the question itself."""
    return [
        point.at
        for habit in MODEL.habits
        for component in habit.components
        if component.curve and component.curve.of == question.id
        for point in component.curve.points
    ]
