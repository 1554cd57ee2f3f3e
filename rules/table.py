"""The column carrier: a whole table of answers, scored by the same formula that scores one person."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from rules.person import Person
from rules.questions import Answer
from rules.rows import RowScorer
from rules.safety import ACTIONS

KEPT = "__kept_"
"""How the columns are called that hold what is worked out on the way."""


class Table(Person):
    """The verbs of the formula for columns.

    A question that the table has no column for is unanswered for everybody, so that many values
    are plain, and the verbs for one person serve for them. What is worked out on the way is kept
    as a column of its own: an expression used in two places would otherwise be written out in
    both, and what uses those in four.
    """

    __slots__ = ("_columns", "_depth", "_kept")

    def __init__(self, columns: Iterable[str]) -> None:
        super().__init__({})
        self._columns = frozenset(columns)
        self._kept: list[list[pl.Expr]] = []
        self._depth: dict[str, int] = {}

    def given(self, question: str, stand_in: Answer) -> Any:
        if question not in self._columns:
            return stand_in
        return pl.col(question).fill_null(pl.lit(stand_in))

    def is_given(self, question: str) -> Any:
        return question in self._columns and pl.col(question).is_not_null()

    def is_answered(self, question: str, answer: Answer) -> Any:
        return question in self._columns and pl.col(question).eq_missing(pl.lit(answer))

    def is_positive(self, value: Any) -> Any:
        return (value.cast(pl.Float64) if isinstance(value, pl.Expr) else value) > 0

    def any_of(self, conditions: Iterable[Any]) -> Any:
        return self._fold(conditions, lambda one, other: one | other, decides=True)

    def all_of(self, conditions: Iterable[Any]) -> Any:
        return self._fold(conditions, lambda one, other: one & other, decides=False)

    def none_of(self, conditions: Iterable[Any]) -> Any:
        found = self.any_of(conditions)
        return ~found if isinstance(found, pl.Expr) else not found

    def where(self, condition: Any, value: Any, otherwise: Any) -> Any:
        if not isinstance(condition, pl.Expr):
            return value if condition else otherwise
        return pl.when(condition).then(_column(value)).otherwise(_column(otherwise))

    def choose(self, answer: Any, table: Mapping[Answer, float]) -> Any:
        if not isinstance(answer, pl.Expr):
            return super().choose(answer, table)
        (*firsts, (_, last)) = table.items()
        chosen = pl.lit(float(last))
        for option, number in firsts:
            chosen = pl.when(answer == pl.lit(option)).then(float(number)).otherwise(chosen)
        return chosen

    def clip(self, value: Any, low: float, high: float) -> Any:
        if not isinstance(value, pl.Expr):
            return super().clip(value, low, high)
        return value.clip(low, None if high == math.inf else high)

    def least(self, one: Any, other: Any) -> Any:
        if isinstance(one, pl.Expr) or isinstance(other, pl.Expr):
            return pl.min_horizontal(_column(one), _column(other))
        return super().least(one, other)

    def greatest(self, one: Any, other: Any) -> Any:
        if isinstance(one, pl.Expr) or isinstance(other, pl.Expr):
            return pl.max_horizontal(_column(one), _column(other))
        return super().greatest(one, other)

    def rise(self, before: Any, now: Any) -> Any:
        if not (isinstance(before, pl.Expr) or isinstance(now, pl.Expr)):
            return super().rise(before, now)
        before, now = _column(before), _column(now)
        percent = 100.0 * (now / before - 1.0)
        return pl.when(now == 0).then(0.0).when(before == 0).then(math.inf).otherwise(percent)

    def floor(self, value: Any) -> Any:
        return value.floor() if isinstance(value, pl.Expr) else super().floor(value)

    def tenth(self, value: Any) -> Any:
        """One decimal, as dividing gives it: Polars makes a product of a division by a constant."""
        if not isinstance(value, pl.Expr):
            return super().tenth(value)
        return (value * 0.1).round(1)

    def name_all(self, holding: Mapping[str, Any], between: str) -> Any:
        names = [self.where(holds, name + between, "") for name, holds in holding.items()]
        if not any(isinstance(name, pl.Expr) for name in names):
            return super().name_all(holding, between)
        joined = pl.concat_str(map(_column, names)).str.strip_suffix(between)
        return pl.when(joined != "").then(joined)

    def pick(self, place: Any, names: Sequence[str]) -> Any:
        """The name as one of a few; numbers are compared and chosen faster than texts."""
        if not isinstance(place, pl.Expr):
            return super().pick(place, names)
        return place.cast(pl.UInt8).cat.to(pl.Enum(names))

    def keep(self, value: Any) -> Any:
        if not isinstance(value, pl.Expr):
            return value
        uses = [self._depth.get(name, -1) for name in value.meta.root_names()]
        depth = 1 + max(uses, default=-1)
        name = f"{KEPT}{len(self._depth)}"
        if depth == len(self._kept):
            self._kept.append([])
        self._kept[depth].append(value.alias(name))
        self._depth[name] = depth
        return pl.col(name)

    @property
    def stages(self) -> Sequence[Sequence[pl.Expr]]:
        """What was kept on the way, each stage worked out from columns and from the stages before."""
        return self._kept

    def _fold(
        self, conditions: Iterable[Any], join: Callable[[Any, Any], Any], *, decides: bool
    ) -> Any:
        """Conditions joined, with those left out that are known beforehand and decide nothing."""
        found: Any = not decides
        for condition in conditions:
            if not isinstance(condition, pl.Expr):
                if bool(condition) is decides:
                    return decides
            else:
                found = join(found, condition) if isinstance(found, pl.Expr) else condition
        return found


def _column(value: Any) -> pl.Expr:
    return value if isinstance(value, pl.Expr) else pl.lit(value)


class TablePlan(NamedTuple):
    """How tables with certain columns are scored: made once, used for any number of them."""

    stages: Sequence[Sequence[pl.Expr]]
    results: Sequence[pl.Expr]

    def score(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The frame with a row's results added as columns."""
        for stage in self.stages:
            frame = frame.with_columns(stage)
        kept = [column.meta.output_name() for stage in self.stages for column in stage]
        return frame.with_columns(self.results).drop(kept)


class TableScorer:
    """A model made ready to score tables."""

    def __init__(self, scorer: RowScorer) -> None:
        model = scorer.model
        self._scorer = scorer
        words = {
            "level": pl.Enum([level.id for level in model.levels]),
            "action": pl.Enum(ACTIONS),
            "habit": pl.Enum([habit.id for habit in model.habits]),
        }
        self.schema = {name: _type_of(name, words) for name in scorer.names}
        """The type of each column that is added."""

    def plan(self, columns: Iterable[str]) -> TablePlan:
        """How to score tables in which these questions are columns, called by the questions' ids.

        The columns must be valid answers: numbers as Float64, yes and no as Boolean, choices as
        String, null where unanswered. The results then say what `RowScorer.score_person` says.
        """
        table = Table(columns)
        results = self._scorer.score(table)
        typed = [
            _column(results[name]).cast(kind).alias(name) for name, kind in self.schema.items()
        ]
        return TablePlan(table.stages, typed)


def _type_of(name: str, words: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of a column by the end of its name; words of which there are few are kept as such."""
    _, _, end = name.rpartition("_")
    if end in ("score", "low", "high"):
        return pl.Float64()
    return pl.Boolean() if end == "cleared" else words.get(end, pl.String())
