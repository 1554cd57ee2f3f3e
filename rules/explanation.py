"""Scores in words: which answers gave which points, for the person and for a clinician.

Whatever does not depend on a person is filled into the sentences once, when a model is made ready.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rules.components import Component
from rules.definitions import Habit
from rules.formula import TOP, is_left_out
from rules.person import Person
from rules.questions import Answer, Question
from rules.words import LevelId, ListWords, PointsWords, Status, Words


def round_points(points: float) -> float:
    """Points half up to two decimals, and never minus zero."""
    return math.floor(points * 100.0 + 0.5 + 1e-9) / 100 + 0.0


@lru_cache(4096)
def show_number(number: float) -> str:
    """A number with at most two decimals and no needless zeros."""
    if type(number) is int:
        return str(number)
    shown = str(round(number, 2) + 0.0)
    return shown.removesuffix(".0")


def say_points(words: PointsWords, points: float) -> str:
    """Points as text: “1 point”, “22.5 points”."""
    shown = show_number(points)
    return words.one if shown == "1" else words.other.replace("{n}", shown)


def join_list(words: ListWords, parts: Sequence[str]) -> str:
    """Parts as one phrase; a part that begins with a space continues the one before it."""
    joined, last = "", len(parts) - 1
    for position, part in enumerate(parts):
        if position == 0 or part[0] == " ":
            joined += part
        else:
            joined += (words.before_last if position == last else words.between) + part
    return joined


def start_sentence(text: str) -> str:
    """The text with a capital letter in front."""
    return text[:1].upper() + text[1:]


def name_inside(habit: Habit) -> str:
    """A habit's name inside a sentence."""
    return habit.name[0].lower() + habit.name[1:]


def fill_in(template: str, **known: str) -> str:
    """A template with some of its words filled in; the others stay in braces for later."""
    for name, text in known.items():
        template = template.replace("{" + name + "}", text)
    return template


def ready_phrase(question: Question) -> Callable[[Answer], str]:
    """How to say an answer to a question inside a sentence: “sitting for 9 hours a day”.

    Gives an empty text for an answer that goes without saying.
    """
    if not question.is_numeric:
        return question.option_phrases.__getitem__
    exactly = {"0": question.phrase.zero, "1": question.phrase.one}
    other = question.phrase.other or ""

    def say(answer: Answer) -> str:
        shown = show_number(float(answer))
        return exactly.get(shown) or other.replace("{n}", shown)

    return say


Shown = tuple[str, str, str]
"""A score, and the ends of its interval, as text."""


class Told(NamedTuple):
    """A component's points in words, whole and in the parts that comments are made of."""

    text: str
    """The points in a sentence."""
    counted: str
    """The answers with the points they gave, for a list of what counted; empty for none."""
    credited: str
    """The points taken off, in a sentence; empty for none."""
    gave: str
    """The answers with the points they gave the habit, for use inside a sentence; empty for none."""
    for_clinician: str
    """The points with the range they lie in."""


class ComponentWording:
    """The sentences about one component."""

    def __init__(self, words: Words, habit: Habit, component: Component) -> None:
        say, limit = words.component, component.never_more_than
        minimum, maximum = map(show_number, component.range)
        self._words = words
        self._counted, self._credited = words.lay.counted_one, words.lay.credited
        name = name_inside(habit)
        self._gave = fill_in(words.plan.why, gave=words.component.gave_plainly, habit=name)
        self._reasons = [(q, ready_phrase(q)) for q in habit.reasons[component.id]]
        self._summands = habit.summands(component)
        self._not_asked = {q.id: _say_gates(habit, q) for q in habit.reasons[component.id]}
        self._nothing = say.took_off_nothing if component.credit else say.gave_nothing
        self._something = fill_in(
            say.took_off if component.credit else say.gave,
            most=minimum.lstrip("-") if component.credit else maximum,
        )
        # A factor changes the points once more, so the limit alone would not explain them.
        self._held_down = self._something
        if limit and not component.factor:
            self._held_down = fill_in(
                say.held_down, limit=show_number(limit.points), each=limit.each
            )
        self._for_clinician = fill_in(
            words.clinician.points_one, component=component.id, minimum=minimum, maximum=maximum
        )

    def tell(self, person: Person, points: float, held_down: bool, is_open: bool) -> Told:
        """The points with the answers behind them; `is_open` when other answers could change them."""
        because, unanswered = self._name_reasons(person)
        start = start_sentence(because)
        shown = say_points(self._words.points, abs(points))
        text = ""
        if because:
            template = self._held_down if held_down else self._something
            template = template if points else self._nothing
            text = template.replace("{because}", start).replace("{points}", shown)
        if unanswered:
            text = f"{text} {self._tell_unanswered(because, unanswered, is_open)}".strip()
        counted = credited = gave = ""
        if points > 0:
            counted = self._counted.replace("{because}", because).replace("{points}", shown)
            gave = self._gave.replace("{because}", because).replace("{points}", shown)
        elif points < 0:
            credited = self._credited.replace("{because}", start).replace("{points}", shown)
        number = show_number(points)
        return Told(text, counted, credited, gave, self._for_clinician.replace("{points}", number))

    def _tell_unanswered(self, because: str, unanswered: str, is_open: bool) -> str:
        say = self._words.component
        if not is_open:
            return "" if because else fill_in(say.makes_no_difference, open=unanswered)
        return fill_in(say.still_open if because else say.only_open, open=unanswered)

    def _name_reasons(self, person: Person) -> tuple[str, str]:
        """The answers behind the points as one phrase, and the questions unanswered as another."""
        said: list[str] = []
        idle: list[str] = []
        unanswered: list[str] = []
        for question, say in self._reasons:
            answer = person.answer(question.id)
            if question.asked_only_if and is_left_out(person, question):
                said.append(self._not_asked[question.id])
            elif answer is not None:
                adds_nothing = answer == 0 and question.id in self._summands
                (idle if adds_nothing else said).append(say(answer))
            elif question.can_matter:
                unanswered.append(question.label)
        phrases = [phrase for phrase in dict.fromkeys(said or idle) if phrase]
        return join_list(self._words.list, phrases), join_list(self._words.list, unanswered)


def _say_gates(habit: Habit, question: Question) -> str:
    """The answer because of which a question is not asked, as part of a sentence."""
    gates = [gate for gate in habit.scored_questions if gate.id in question.asked_only_if]
    return " ".join(ready_phrase(gate)(not question.asked_only_if[gate.id]) for gate in gates)


class HabitWording:
    """The sentences about one habit."""

    def __init__(self, words: Words, habit: Habit) -> None:
        self._words = words
        grade, verdict = habit.evidence.grade, habit.psoas_claim.verdict
        name = name_inside(habit)
        claim = fill_in(words.lay.verdicts[verdict], note=habit.psoas_claim.note)
        standing = f"{words.lay.grades[grade]} {claim}"
        suggested = f"{standing} {habit.suggestion}"
        for_clinician = fill_in(
            words.clinician.standing,
            grade=words.grades[grade],
            evidence_note=habit.evidence.note,
            verdict=words.verdicts[verdict],
            claim_note=habit.psoas_claim.note,
        )
        no_score = fill_in(words.clinician.insufficient, core=habit.core.label)
        self._lay_insufficient = {
            question.id: fill_in(words.lay.insufficient, habit=name, open=question.label)
            for question in habit.scored_questions
        }
        self._claim = claim
        self._core = habit.core
        self._clinician_insufficient = f"{no_score} {for_clinician}"
        self._lay_start = {
            level: fill_in(words.lay.scored, habit=name, level=text)
            for level, text in words.levels.items()
        }
        self._lay_end = {level: standing if level == "low" else suggested for level in words.levels}
        self._clinician_start = {
            (level, status): fill_in(words.clinician.scored, level=text, status=status_text)
            for level, text in words.levels.items()
            for status, status_text in words.statuses.items()
        }
        self._clinician_end = for_clinician

    def tell_insufficient(self, person: Person) -> tuple[str, str]:
        """What is said to the person and to a clinician when the core answer is missing."""
        gates = [gate for gate in self._core.asked_only_if if not person.is_given(gate)]
        first = self._lay_insufficient[gates[0] if gates else self._core.id]
        return f"{first} {self._claim}", self._clinician_insufficient

    def tell_person(
        self, level: LevelId, shown: Shown, counted: Sequence[str], told: Sequence[Told]
    ) -> str:
        """A habit's score for the person: what counted, how sure it is, and what they may try."""
        score, low, high = shown
        say = self._words.lay
        start = self._lay_start[level].replace("{score}", score)
        parts = [start, say.counted_nothing]
        if counted:
            parts[1] = say.counted.replace("{counted}", join_list(self._words.list, counted))
        parts += [part.credited for part in told if part.credited and counted]
        if low != high:
            parts.append(fill_in(say.not_decided, low=low, high=high))
        parts.append(self._lay_end[level])
        return " ".join(parts)

    def tell_clinician(
        self, level: LevelId, status: Status, shown: Shown, points: float, told: Sequence[Told]
    ) -> str:
        """A habit's score for a clinician: points by component, interval, grade and claim.

        `points` is the sum of the components' points before it is limited to the scale.
        """
        start = self._clinician_start[level, status]
        parts = self._words.list.between.join([part.for_clinician for part in told])
        text = start.replace("{score}", shown[0]).replace("{low}", shown[1])
        text = text.replace("{high}", shown[2]).replace("{points}", parts)
        if not 0 <= points <= TOP:
            limited = fill_in(self._words.clinician.limited, sum=show_number(points))
            text = f"{text} {limited}"
        return f"{text} {self._clinician_end}"
