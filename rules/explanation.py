"""Scores in words: which answers gave which points, for the person and for a clinician.

Whatever does not depend on a person is filled into the sentences once, when a model is made ready.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from rules.components import Component
from rules.definitions import Habit
from rules.formula import TOP, is_left_out
from rules.person import Person
from rules.questions import Answer, Question
from rules.words import LevelId, ListWords, Status, Words


def round_points(points: float) -> float:
    """Points half up to two decimals, and never minus zero."""
    return math.floor(points * 100.0 + 0.5 + 1e-9) / 100 + 0.0


def show_number(number: float) -> str:
    """A number with at most two decimals and no needless zeros."""
    if type(number) is int:
        return str(number)
    shown = str(round(number, 2) + 0.0)
    return shown.removesuffix(".0")


def join_list(words: ListWords, parts: Sequence[str]) -> str:
    """Parts as one phrase; a part in brackets only adds to the one before it."""
    joined, last = "", len(parts) - 1
    for position, part in enumerate(parts):
        if position == 0:
            joined = part
        elif part[0] == "(":
            joined = f"{joined} {part}"
        else:
            joined += (words.before_last if position == last else words.between) + part
    return joined


def start_sentence(text: str) -> str:
    """The text with a capital letter in front."""
    return text[:1].upper() + text[1:]


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
    exactly: Mapping[Answer, str | None] = {0: question.phrase.zero, 1: question.phrase.one}
    other = question.phrase.other or ""

    def say(answer: Answer) -> str:
        return exactly.get(answer) or other.replace("{n}", show_number(float(answer)))

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
    for_clinician: str
    """The points with the range they lie in."""


class ComponentWording:
    """The sentences about one component."""

    def __init__(self, words: Words, habit: Habit, component: Component) -> None:
        say, limit = words.component, component.never_more_than
        minimum, maximum = map(show_number, component.range)
        self._list = words.list
        self._counted, self._credited = words.lay.counted_one, words.lay.credited
        self._still_open, self._only_open = f" {say.still_open}", say.only_open
        self._reasons = [(q, ready_phrase(q)) for q in habit.reasons[component.id]]
        self._not_asked = {q.id: _say_gates(habit, q) for q in habit.reasons[component.id]}
        self._nothing = say.took_off_nothing if component.credit else say.gave_nothing
        self._something = fill_in(
            say.took_off if component.credit else say.gave,
            most=minimum.lstrip("-") if component.credit else maximum,
        )
        self._held_down = limit and fill_in(
            say.held_down, limit=show_number(limit.points), each=limit.each
        )
        self._for_clinician = fill_in(
            words.clinician.points_one, component=component.id, minimum=minimum, maximum=maximum
        )

    def tell(self, person: Person, points: float, held_down: bool) -> Told:
        """The points with the answers behind them, and what is still open."""
        because, still_open = self._name_reasons(person)
        shown = show_number(abs(points))
        start = start_sentence(because)
        text = self._template(points, held_down) if because else self._only_open
        text = text.replace("{because}", start).replace("{points}", shown)
        if still_open:
            text = (text + self._still_open if because else text).replace("{open}", still_open)
        counted = credited = ""
        if points > 0:
            counted = self._counted.replace("{because}", because).replace("{points}", shown)
        elif points < 0:
            credited = self._credited.replace("{because}", start).replace("{points}", shown)
            shown = f"-{shown}"
        return Told(text, counted, credited, self._for_clinician.replace("{points}", shown))

    def _name_reasons(self, person: Person) -> tuple[str, str]:
        """The answers behind the points as one phrase, and the questions still open as another."""
        said, still_open = [], []
        for question, say in self._reasons:
            answer = person.answer(question.id)
            if answer is not None:
                said.append(say(answer))
            elif is_left_out(person, question):
                said.append(self._not_asked[question.id])
            elif question.can_matter:
                still_open.append(question.label)
        phrases = [phrase for phrase in dict.fromkeys(said) if phrase]
        return join_list(self._list, phrases), join_list(self._list, still_open)

    def _template(self, points: float, held_down: bool) -> str:
        if held_down and self._held_down:
            return self._held_down
        return self._something if points else self._nothing


def _say_gates(habit: Habit, question: Question) -> str:
    """The answer because of which a question is not asked, as part of a sentence."""
    gates = [gate for gate in habit.scored_questions if gate.id in question.asked_only_if]
    return " ".join(ready_phrase(gate)(not question.asked_only_if[gate.id]) for gate in gates)


class HabitWording:
    """The sentences about one habit."""

    def __init__(self, words: Words, habit: Habit) -> None:
        self._words = words
        grade, verdict = habit.evidence.grade, habit.psoas_claim.verdict
        name = habit.name[0].lower() + habit.name[1:]
        standing = f"{words.lay.grades[grade]} {words.lay.verdicts[verdict]}"
        suggested = f"{standing} {habit.suggestion}"
        for_clinician = fill_in(
            words.clinician.standing,
            grade=words.grades[grade],
            evidence_note=habit.evidence.note,
            verdict=words.verdicts[verdict],
            claim_note=habit.psoas_claim.note,
        )
        missing = fill_in(words.lay.insufficient, habit=name, open=habit.core.label)
        no_score = fill_in(words.clinician.insufficient, core=habit.core.label)
        self.insufficient = (f"{missing} {standing}", f"{no_score} {for_clinician}")
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
