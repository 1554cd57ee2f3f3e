"""The five habits and the index in OpenFisca: variables of a person and their formulas, made from the model.

Run as `python -m bench.peers_openfisca FILE.parquet`, where openfisca-core is installed. It works out
the scores and no more: no intervals, levels, safety and warnings, and no check of the answers. Its
formulas work on columns of NumPy, so each of them is `rules.formula` with a carrier of such columns.

What it cannot say is said otherwise. It knows no unanswered: that is not-a-number, and an option of
its own where the answer is no number. It knows no missing result: a variable beside each score says
whether there is one. It keeps numbers in single precision, which rounds some scores that lie halfway
to the other side (12 of 200,000 people); here they are set to double precision. No formula can be
asked for eternity, so that answers belong to a year.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from openfisca_core.entities import build_entity  # type: ignore[import-not-found]
from openfisca_core.indexed_enums import Enum, EnumArray  # type: ignore[import-not-found]
from openfisca_core.periods import DateUnit, period  # type: ignore[import-not-found]
from openfisca_core.simulations import SimulationBuilder  # type: ignore[import-not-found]
from openfisca_core.taxbenefitsystems import TaxBenefitSystem  # type: ignore[import-not-found]
from openfisca_core.variables import Variable  # type: ignore[import-not-found]

from bench.numpy_columns import UNANSWERED, Column, Columns, Filled, code, list_options
from bench.peers import Scores, run, scored_questions
from rules import formula
from rules.components import Component
from rules.definitions import Habit, Model
from rules.loading import load_model
from rules.questions import YES_NO, Question

NOW = period(2026)
"""The one period; any year would do, but no formula can be asked for eternity."""

Work = Callable[[Columns], Any]
"""Something worked out from people's columns."""


class System:
    """The variables and their formulas; `results` names those that are asked for."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._questions = {question.id: question for question in scored_questions(model)}
        self._person = build_entity("person", "persons", "A person", is_person=True)
        self.enums: dict[str, Any] = {}
        """The options of each question that is not answered with a number."""
        self.system = TaxBenefitSystem([self._person])
        for question in self._questions.values():
            self._add_question(question)
        for habit in model.habits:
            self._add_habit(habit)
        self._add_index()
        scales = [*(habit.id for habit in model.habits), "index"]
        self.results = [*scales, *(f"{scale}_is_scored" for scale in scales)]

    def _add(self, name: str, kind: Any, work: Work | None = None, **more: Any) -> None:
        """Add a variable; numbers are kept in double precision."""
        about = {"value_type": kind, "entity": self._person, "definition_period": DateUnit.YEAR}
        if work:
            about["formula"] = lambda people, _: work(
                Columns(lambda name: people(name, NOW).view(np.ndarray), self._questions)
            )
        variable = self.system.add_variable(type(name, (Variable,), {**about, **more}))
        if kind is float:
            variable.dtype = np.float64

    def _add_question(self, question: Question) -> None:
        """The answer as given, and filled: its stand-in where it is unanswered or not asked."""
        stand_in = code(question, question.stand_ins["score"])

        def fill(columns: Columns) -> Column:
            is_open = ~columns.is_given(question.id)
            if question.asked_only_if:
                is_open |= formula.is_left_out(columns, question)
            filled = np.where(is_open, stand_in, columns.read(question.id))
            return filled == code(question, True) if question.answer == "yes_no" else filled

        if question.is_numeric:
            self._add(question.id, float, default_value=math.nan)
            self._add(f"filled_{question.id}", float, fill)
            return
        options = Enum(question.id, {option: option for option in list_options(question)})
        about = {"possible_values": options, "default_value": options[UNANSWERED]}
        self.enums[question.id] = options
        self._add(question.id, Enum, **about)
        if question.options:
            self._add(f"filled_{question.id}", Enum, fill, **about)
        else:
            self._add(f"filled_{question.id}", bool, fill)

    def _add_habit(self, habit: Habit) -> None:
        """A habit's components, its score in tenths, and whether it has one."""
        names = [f"{habit.id}_{component.id}" for component in habit.components]
        for name, component in zip(names, habit.components, strict=True):
            self._add(name, float, self._score_component(habit, component))
        self._add(f"{habit.id}_is_scored", bool, lambda columns: formula.is_scored(columns, habit))
        self._add(
            habit.id,
            int,
            lambda columns: formula.habit_tenths(columns, list(map(columns.read, names))),
        )

    def _score_component(self, habit: Habit, component: Component) -> Work:
        work = formula.ready_component(habit, component)
        return lambda columns: work(columns, Filled(columns, self._questions))[0]

    def _add_index(self) -> None:
        """The index in tenths, and whether there is one."""
        model, habits = self._model, [habit.id for habit in self._model.habits]
        scored = [f"{habit}_is_scored" for habit in habits]

        def score(columns: Columns) -> Any:
            read = columns.read
            return formula.index_tenths(
                columns, model, list(map(read, habits)), list(map(read, scored))
            )

        self._add("index", int, score)
        self._add(
            "index_is_scored",
            bool,
            lambda columns: formula.has_index(columns, model, list(map(columns.read, scored))),
        )


class OpenFisca:
    """The engine with the model in it, and a simulation for each lot of people."""

    at_a_time = 100_000

    def __init__(self, model: Model) -> None:
        self._model, self._made = model, System(model)

    def prepare(self, people: pl.DataFrame) -> dict[str, Any]:
        """A column of NumPy for each question."""
        return {
            question.id: self._prepare_column(question, people[question.id])
            for question in scored_questions(self._model)
        }

    def _prepare_column(self, question: Question, answers: pl.Series) -> Any:
        if question.is_numeric:
            return answers.fill_null(math.nan).to_numpy(writable=True)
        *options, unanswered = list_options(question)
        if not question.options:
            answers = answers.replace_strict(
                {YES_NO[option]: option for option in options}, return_dtype=pl.String
            )
        places = answers.fill_null(unanswered).cast(pl.Enum([*options, unanswered])).to_physical()
        kind = self._made.system.get_variable(question.id).dtype
        return EnumArray(places.to_numpy().astype(kind), self._made.enums[question.id])

    def evaluate(self, prepared: Mapping[str, Any]) -> dict[str, Column]:
        """The columns of results."""
        made, count = self._made, len(next(iter(prepared.values())))
        simulation = SimulationBuilder().build_default_simulation(made.system, count)
        for name, column in prepared.items():
            simulation.set_input(name, NOW, column)
        return {name: simulation.calculate(name, NOW) for name in made.results}

    def read(self, results: Mapping[str, Column], count: int) -> list[Scores]:
        """The scores in those columns, in points."""
        scales = [*(habit.id for habit in self._model.habits), "index"]
        columns = [
            [tenths / 10 if is_scored else None for tenths, is_scored in zip(*pair, strict=True)]
            for pair in (
                (results[scale][:count].tolist(), results[f"{scale}_is_scored"][:count].tolist())
                for scale in scales
            )
        ]
        return list(zip(*columns, strict=True))


if __name__ == "__main__":
    model = load_model()
    run(OpenFisca(model), model)
