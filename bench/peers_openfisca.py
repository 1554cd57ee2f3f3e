"""The five habits and the index in OpenFisca.

Run as `python -m bench.peers_openfisca FILE.parquet`, where openfisca-core is installed. It works out
the scores and no more; with `--whole` also the intervals, levels, safety action and top habit, but
no warnings, and never a check of the answers.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from openfisca_core.indexed_enums import EnumArray  # type: ignore[import-not-found]
from openfisca_core.simulations import SimulationBuilder  # type: ignore[import-not-found]

from bench.numpy_columns import Column, list_options
from bench.peers import Row, result_names, run
from bench.peers_openfisca_system import NOTHING, NOW, System
from rules.definitions import Model
from rules.questions import YES_NO, Question


class OpenFisca:
    """The engine with the model in it, and a simulation for each lot of people."""

    at_a_time = 100_000

    def __init__(self, model: Model, whole: bool) -> None:
        self._made = System(model, whole=whole)
        self._names = result_names(model, whole=whole)
        ends = {name: name.rpartition("_") for name in self._names}
        self._says = {
            n: f"{scale}_is_scored" for n, (scale, _, end) in ends.items() if end == "score"
        }
        """The variables that say whether there is a score."""

    def prepare(self, people: pl.DataFrame) -> dict[str, Any]:
        """A column of NumPy for each question."""
        questions = self._made.questions.values()
        return {question.id: self._prepare(question, people[question.id]) for question in questions}

    def _prepare(self, question: Question, answers: pl.Series) -> Any:
        if question.is_numeric:
            return answers.fill_null(math.nan).to_numpy(writable=True)
        *options, unanswered = list_options(question)
        if not question.options:
            answers = answers.replace_strict(
                {YES_NO[option]: option for option in options}, return_dtype=pl.String
            )
        places = answers.fill_null(unanswered).cast(pl.Enum([*options, unanswered])).to_physical()
        kind = self._made.system.get_variable(question.id).dtype
        return EnumArray(places.to_numpy().astype(kind), self._made.words[question.id])

    def evaluate(self, prepared: Mapping[str, Any]) -> dict[str, Column]:
        """The columns of results."""
        made, count = self._made, len(next(iter(prepared.values())))
        simulation = SimulationBuilder().build_default_simulation(made.system, count)
        for name, column in prepared.items():
            simulation.set_input(name, NOW, column)
        names = (*self._names, *self._says.values())
        return {name: simulation.calculate(name, NOW) for name in names}

    def read(self, results: Mapping[str, Column]) -> list[Row]:
        """Those columns as rows, in points and words."""
        columns = [self._read_column(name, results) for name in self._names]
        return list(zip(*columns, strict=True))

    def _read_column(self, name: str, results: Mapping[str, Column]) -> list[Any]:
        values: list[Any] = results[name].view(np.ndarray).tolist()
        if name in self._made.words:
            words = [word.name for word in self._made.words[name]]
            return [None if words[place] == NOTHING else words[place] for place in values]
        if name == "cleared":
            return values
        points = [tenths / 10 for tenths in values]
        if name not in self._says:
            return points
        scored = results[self._says[name]].tolist()
        return [
            value if is_scored else None for value, is_scored in zip(points, scored, strict=True)
        ]


if __name__ == "__main__":
    run(OpenFisca)
