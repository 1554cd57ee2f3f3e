"""Our model in OpenFisca: variables of a person and their formulas, made from the model.

Its formulas work on columns of NumPy, so those of the scores are `rules.formula` with a carrier of
such columns.

What it cannot say is said otherwise. It knows no unanswered: that is not-a-number, and an option of
its own where the answer is no number. It knows no missing result: a variable beside each score says
whether there is one, and words have an option for it. It keeps numbers in single precision, which
rounds some scores that lie halfway to the other side (12 of 200,000 people); here they are set to
double precision. No formula can be asked for eternity, so that answers belong to a year.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from openfisca_core.entities import build_entity  # type: ignore[import-not-found]
from openfisca_core.indexed_enums import Enum  # type: ignore[import-not-found]
from openfisca_core.periods import DateUnit, period  # type: ignore[import-not-found]
from openfisca_core.taxbenefitsystems import TaxBenefitSystem  # type: ignore[import-not-found]
from openfisca_core.variables import Variable  # type: ignore[import-not-found]

from bench.numpy_columns import Column, Columns, Filled, code, list_options
from bench.peers import VIEWS, scored_questions
from rules import formula
from rules.components import Component
from rules.definitions import Habit, Model
from rules.questions import Question, View
from rules.safety import ACTIONS
from rules.screening import is_cleared

NOW = period(2026)
"""The one period; any year would do, but no formula can be asked for eternity."""

NOTHING = "nothing"
"""The option that stands for no level and no habit."""

Work = Callable[[Columns], Any]
"""Something worked out from people's columns."""


class System:
    """The variables and their formulas, for the six scores or for the whole of a row."""

    def __init__(self, model: Model, *, whole: bool) -> None:
        self._model, self._views = model, VIEWS if whole else VIEWS[:1]
        self._person = build_entity("person", "persons", "A person", is_person=True)
        self.words: dict[str, Any] = {}
        """The options of each variable that is neither a number nor true or false."""
        self.system = TaxBenefitSystem([self._person])
        self.questions = {question.id: question for question in scored_questions(model)}
        """What has a variable for the answer as given."""
        self._add_questions()
        for habit in model.habits:
            self._add_habit(habit)
        self._add_index()
        if whole:
            for scale in (*(habit.id for habit in model.habits), "index"):
                self._add_level(scale)
            self._add_safety()
            self._add_top_habit()

    def _add(self, name: str, kind: Any, work: Work | None = None, **more: Any) -> None:
        """Add a variable; numbers are kept in double precision."""
        about = {"value_type": kind, "entity": self._person, "definition_period": DateUnit.YEAR}
        if work:
            about["formula"] = lambda people, _: work(
                Columns(lambda name: people(name, NOW).view(np.ndarray), self.questions)
            )
        variable = self.system.add_variable(type(name, (Variable,), {**about, **more}))
        if kind is float:
            variable.dtype = np.float64

    def _add_words(self, name: str, options: Sequence[str], work: Work | None = None) -> None:
        """Add a variable of options, the last of which is the one by default."""
        self.words[name] = words = Enum(name, {option: option for option in options})
        self._add(name, Enum, work, possible_values=words, default_value=words[options[-1]])

    def _add_questions(self) -> None:
        """The answers as given, and filled: with stand-ins where they are unanswered or not asked."""
        for question in self.questions.values():
            self._add_answer(question)
            for view in self._views:
                name, fill = f"filled_{question.id}_{view}", self._fill(question, view)
                if question.options:
                    self._add_words(name, list_options(question), fill)
                else:
                    self._add(name, float if question.is_numeric else bool, fill)

    def _add_answer(self, question: Question) -> None:
        if question.is_numeric:
            self._add(question.id, float, default_value=math.nan)
        else:
            self._add_words(question.id, list_options(question))

    def _fill(self, question: Question, view: View) -> Work:
        stand_in, neutral = (code(question, question.stand_ins[name]) for name in (view, "score"))

        def fill(columns: Columns) -> Column:
            given = columns.read(question.id)
            filled = np.where(columns.is_given(question.id), given, stand_in)
            if question.asked_only_if:
                filled = np.where(formula.is_left_out(columns, question), neutral, filled)
            return filled == code(question, True) if question.answer == "yes_no" else filled

        return fill

    def _add_habit(self, habit: Habit) -> None:
        """Whether a habit has a score, and for each evaluation its components and itself in tenths."""
        self._add(f"{habit.id}_is_scored", bool, lambda columns: formula.is_scored(columns, habit))
        for view in self._views:
            names = [f"{habit.id}_{component.id}_{view}" for component in habit.components]
            for name, component in zip(names, habit.components, strict=True):
                self._add(name, float, self._score_component(habit, component, view))
            self._add(f"{habit.id}_{view}", int, self._score_habit(habit, names, view))

    def _score_component(self, habit: Habit, component: Component, view: View) -> Work:
        work = formula.ready_component(habit, component)
        return lambda columns: work(columns, Filled(columns, self.questions, view))[0]

    def _score_habit(self, habit: Habit, names: Sequence[str], view: View) -> Work:
        """A habit in tenths; without its core answer the interval is the whole scale."""
        end = formula.TOP * 10.0 if view == "high" else 0.0

        def score(columns: Columns) -> Any:
            tenths = formula.habit_tenths(columns, list(map(columns.read, names)))
            if view == "score":
                return tenths
            return np.where(columns.read(f"{habit.id}_is_scored"), tenths, end)

        return score

    def _add_index(self) -> None:
        """Whether there is an index, and for each evaluation the index in tenths."""
        model, habits = self._model, [habit.id for habit in self._model.habits]
        scored = [f"{habit}_is_scored" for habit in habits]
        self._add(
            "index_is_scored",
            bool,
            lambda columns: formula.has_index(columns, model, list(map(columns.read, scored))),
        )
        for view in self._views:
            self._add(f"index_{view}", int, self._score_index(view, habits, scored))

    def _score_index(self, view: View, habits: Sequence[str], scored: Sequence[str]) -> Work:
        """The index in tenths; its interval is over all habits, scored or not."""
        everyone = [True] * len(habits)

        def score(columns: Columns) -> Any:
            tenths = [columns.read(f"{habit}_{view}") for habit in habits]
            counted = list(map(columns.read, scored)) if view == "score" else everyone
            return formula.index_tenths(columns, self._model, tenths, counted)

        return score

    def _add_level(self, scale: str) -> None:
        """The level of a score; without one, that on which both ends of the interval agree."""
        starts, levels = zip(*self._model.level_starts, strict=True)

        def find(columns: Columns) -> Column:
            level, low, high = (
                np.searchsorted(starts, columns.read(f"{scale}_{view}"), "right") - 1
                for view in VIEWS
            )
            decided = np.where(low == high, low, len(levels))
            return np.where(columns.read(f"{scale}_is_scored"), level, decided)

        self._add_words(f"{scale}_level", [*levels, NOTHING], find)

    def _add_safety(self) -> None:
        """The red flags, which are questions of yes and no; the action, and whether all are cleared."""
        safety = self._model.safety
        for flag in safety.flag_ids:
            about: dict[str, Any] = {"id": flag, "answer": "yes_no"}
            self.questions[flag] = Question.model_construct(**about)
            self._add_answer(self.questions[flag])

        def act(columns: Columns) -> Column:
            action = np.zeros(len(columns.read(safety.flag_ids[0])), np.int64)
            for name, flags in safety.flags_by_action.items():
                called_for = columns.any_of(columns.is_answered(flag, True) for flag in flags)
                action = np.where(called_for, ACTIONS.index(name), action)
            return action

        self._add_words("safety_action", ACTIONS, act)
        self._add("cleared", bool, lambda columns: is_cleared(columns, safety))

    def _add_top_habit(self) -> None:
        """The habit with the greatest weight times score; none where no score is above 0."""
        habits = self._model.habits

        def find(columns: Columns) -> Column:
            read = columns.read
            worth = [
                read(f"{habit.id}_score") * habit.index.weight * read(f"{habit.id}_is_scored")
                for habit in habits
            ]
            top = np.argmax(worth, axis=0)
            return np.where(np.max(worth, axis=0) > 0, top, len(habits))

        self._add_words("top_habit", [*(habit.id for habit in habits), NOTHING], find)
