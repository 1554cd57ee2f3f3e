"""Columns of cells turned into columns of answers; what is no answer is found, named, and never guessed at."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Protocol

import polars as pl

from rules.errors import FaultCode
from rules.questions import NONE_OF_THESE, Answer, Option, Question
from rules.safety import SafetyQuestion

Asked = Question | SafetyQuestion
"""A question that a column can answer."""

WORDS: Mapping[bool, tuple[str, ...]] = {
    True: ("true", "yes", "1", "y"),
    False: ("false", "no", "0", "n"),
}
"""How yes and no are written, in upper and lower case alike."""
BETWEEN_OPTIONS = r"[;,|\s]+"
"""What may stand between several options in one cell."""


def _spell(words: Iterable[str]) -> list[str]:
    """Every way to write these words in upper and lower case: looking one up is faster than changing its case."""
    ways = (product(*({sign.lower(), sign.upper()} for sign in word)) for word in words)
    return sorted("".join(way) for spelt in ways for way in spelt)


SPELT = {answer: _spell(words) for answer, words in WORDS.items()}


class Cells(Protocol):
    """A column of cells on its way to answers: where it stands, and how text in it is read.

    Read plainly, text is an answer as it stands. Read carefully, blanks around it are left out, and
    a decimal comma and the labels of options are understood; that costs more, and few files need it.
    """

    def text(self, careful: bool) -> pl.Expr:
        """The cells as text; null where a cell is empty."""

    def number(self, careful: bool) -> pl.Expr:
        """The cells as numbers; null where a cell is empty or is no number."""

    def boolean(self, careful: bool) -> pl.Expr:
        """The cells as yes and no; null where a cell is empty or is neither."""

    def is_given(self, careful: bool) -> pl.Expr:
        """Whether a cell is not empty."""


class TextCells:
    """A column of text, as CSV and spreadsheets have it."""

    def __init__(self, cells: pl.Expr) -> None:
        self._cells = cells

    def text(self, careful: bool) -> pl.Expr:
        if not careful:
            return self._cells
        trimmed = self._cells.str.strip_chars()
        return pl.when(trimmed != "").then(trimmed)

    def number(self, careful: bool) -> pl.Expr:
        text = self.text(careful)
        if careful:
            text = pl.when(~text.str.contains(THOUSANDS)).then(
                text.str.replace(",", ".", literal=True)
            )
        return text.cast(pl.Float64, strict=False)

    def boolean(self, careful: bool) -> pl.Expr:
        text = self.text(careful)
        is_answer = text.is_in(SPELT[True]) | text.is_in(SPELT[False])
        return pl.when(is_answer).then(text.is_in(SPELT[True]))

    def is_given(self, careful: bool) -> pl.Expr:
        return self.text(careful).is_not_null()


UNKNOWN = "?"
"""What stands for a cell that has no text or no translation; it is no answer to anything."""
THOUSANDS = r"^[+-]?[1-9]\d{0,2},\d{3}$|,.*[,.]|\..*,"
"""A comma that may as well stand between thousands; such a number could be read in two ways, so it is not read."""


class TypedCells:
    """A column that has a type of its own, as Parquet has it."""

    def __init__(self, cells: pl.Expr, dtype: pl.DataType) -> None:
        self._cells, self._dtype = cells, dtype

    def text(self, careful: bool) -> pl.Expr:  # noqa: ARG002
        if self._dtype.is_numeric():
            whole = self._cells.cast(pl.Int64, strict=False)
            is_whole = whole.cast(pl.Float64) == self._cells.cast(pl.Float64)
            written = self._cells.cast(pl.String)
            return pl.when(is_whole).then(whole.cast(pl.String)).otherwise(written)
        if self._dtype == pl.List(pl.String):
            return self._cells.list.join(";")
        if self._dtype.is_nested() or self._dtype in (pl.Binary, pl.Object, pl.Duration):
            return pl.when(self._cells.is_not_null()).then(pl.lit(UNKNOWN))
        return self._cells.cast(pl.String)

    def number(self, careful: bool) -> pl.Expr:  # noqa: ARG002
        return self._cells.cast(pl.Float64) if self._dtype.is_numeric() else NO_NUMBER

    def boolean(self, careful: bool) -> pl.Expr:  # noqa: ARG002
        if self._dtype == pl.Boolean:
            return self._cells
        if not self._dtype.is_numeric():
            return pl.lit(None, pl.Boolean)
        number = self._cells.cast(pl.Float64)
        return pl.when((number == 0) | (number == 1)).then(number == 1)

    def is_given(self, careful: bool) -> pl.Expr:  # noqa: ARG002
        return self._cells.is_not_null()


NO_NUMBER = pl.lit(None, pl.Float64)


def open_cells(name: str, dtype: pl.DataType) -> Cells:
    """The cells of a column by its type."""
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null):
        return TextCells(pl.col(name).cast(pl.String))
    return TypedCells(pl.col(name), dtype)


class AnswerReader:
    """Reads the answers to one question from a column of cells."""

    def __init__(self, question: Asked, cells: Cells) -> None:
        self.question, self.cells = question, cells

    def read(self, careful: bool) -> pl.Expr:
        """The answers, under the question's id; null where there is none."""
        return self._parse(careful).alias(self.question.id)

    def _parse(self, careful: bool) -> pl.Expr:
        question = self.question
        if isinstance(question, SafetyQuestion) or question.answer == "yes_no":
            return self.cells.boolean(careful)
        if question.answer == "number":
            return self.cells.number(careful)
        if question.answer == "whole_number":
            number = self.cells.number(careful)
            return pl.when(number == number.floor()).then(number)
        options, text = [option.id for option in question.options], self.cells.text(careful)
        if question.answer == "choice":
            named = pl.when(text.is_in(options)).then(text)
            return named.otherwise(read_labels(text, question.options)) if careful else named
        chosen = text.str.replace_all(r'[\[\]"]', "").str.replace_all(BETWEEN_OPTIONS, ";")
        chosen = chosen.str.strip_chars(";")
        known = chosen.str.split(";").list.eval(pl.element().is_in([*options, ""])).list.all()
        none = pl.when(chosen == NONE_OF_THESE).then(pl.lit(""))
        return none.when(known).then(text)

    def is_unreadable(self, careful: bool) -> pl.Expr:
        """Whether a cell that is not empty holds nothing that could be an answer."""
        return self.cells.is_given(careful) & pl.col(self.question.id).is_null()

    def is_outside(self) -> pl.Expr:
        """Whether an answer that was read lies outside the bounds."""
        if isinstance(self.question, SafetyQuestion) or not self.question.is_numeric:
            return pl.lit(value=False)
        least, most = self.question.minimum, self.question.maximum
        return ~pl.col(self.question.id).is_between(least, most).fill_null(value=True)

    def is_bad(self, careful: bool) -> pl.Expr:
        """Whether a cell holds no answer that this question allows."""
        return self.is_unreadable(careful) | self.is_outside()

    def find_code(self, careful: bool) -> pl.Expr:
        """The code of what is wrong with a cell; null where nothing is."""
        unreadable = pl.when(self.is_unreadable(careful)).then(pl.lit(self._unreadable))
        return unreadable.when(self.is_outside()).then(pl.lit("out_of_range"))

    @property
    def _unreadable(self) -> FaultCode:
        if isinstance(self.question, Question) and self.question.options:
            return "not_an_option"
        return "wrong_type"


def read_labels(text: pl.Expr, options: Sequence[Option]) -> pl.Expr:
    """The options whose labels stand in cells; one that is the label of two options means neither."""
    times = Counter(option.label for option in options)
    meant = {option.label: option.id for option in options if times[option.label] == 1}
    return text.replace_strict(meant, default=None, return_dtype=pl.String)


class TranslatedCells:
    """Cells of a caller's own: some mean that nothing was answered, others stand for an answer."""

    def __init__(
        self, cells: Cells, missing: Iterable[str], values: Mapping[str, Answer], factor: float
    ) -> None:
        self._cells, self._factor = cells, factor
        self._missing = list(missing)
        self._values = {key: _write(value) for key, value in values.items()}

    def text(self, careful: bool) -> pl.Expr:  # noqa: ARG002  # codes are looked for with care anyway
        text = self._cells.text(careful=True)
        text = pl.when(~self._is_missing(text).fill_null(value=False)).then(text)
        if not self._values:
            return text
        unknown = pl.when(text.is_not_null()).then(pl.lit(UNKNOWN))
        return text.replace_strict(self._values, default=unknown, return_dtype=pl.String)

    def _is_missing(self, text: pl.Expr) -> pl.Expr:
        """Whether a cell is one of the codes, as text or as a number: 7777.0 is 7777."""
        numbers = [number for code in self._missing if (number := _as_number(code)) is not None]
        return text.is_in(self._missing) | text.cast(pl.Float64, strict=False).is_in(numbers)

    def number(self, careful: bool) -> pl.Expr:
        number = TextCells(self.text(careful)).number(careful=True)
        return number if self._factor == 1 else (number * self._factor).round(DECIMALS)

    def boolean(self, careful: bool) -> pl.Expr:
        return TextCells(self.text(careful)).boolean(careful=True)

    def is_given(self, careful: bool) -> pl.Expr:
        return self.text(careful).is_not_null()


DECIMALS = 9
"""How exactly a number is kept whose unit was changed, so that 1,200 minutes are 20 hours and not a hair more."""


def _write(answer: Answer) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(answer)


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class WorkedOutCells:
    """Cells that an expression works out of columns of numbers."""

    def __init__(self, result: pl.Expr, dtype: pl.DataType, sources: Mapping[str, Cells]) -> None:
        self._result = TypedCells(result, dtype)
        self._sources = sources

    def prepare(self, careful: bool) -> dict[str, pl.Expr]:
        """The columns of numbers that the expression is about, by the names it has for them."""
        return {name: cells.number(careful).alias(name) for name, cells in self._sources.items()}

    def text(self, careful: bool) -> pl.Expr:
        return pl.when(~self._has_odd(careful)).then(self._result.text(careful))

    def number(self, careful: bool) -> pl.Expr:
        return pl.when(~self._has_odd(careful)).then(self._result.number(careful))

    def boolean(self, careful: bool) -> pl.Expr:
        return pl.when(~self._has_odd(careful)).then(self._result.boolean(careful))

    def is_given(self, careful: bool) -> pl.Expr:
        return self._result.is_given(careful) | self._has_odd(careful)

    def _has_odd(self, careful: bool) -> pl.Expr:
        """Whether a cell that the expression is about holds something that is no number."""
        odd = [
            cells.is_given(careful) & pl.col(name).is_null()
            for name, cells in self._sources.items()
        ]
        return pl.any_horizontal(pl.lit(value=False), *odd)


def prepare_columns(readers: Iterable[AnswerReader], careful: bool) -> list[pl.Expr]:
    """The columns of numbers that expressions are about, each once; they are made before answers are read."""
    prepared = {
        name: cells
        for reader in readers
        if isinstance(reader.cells, WorkedOutCells)
        for name, cells in reader.cells.prepare(careful).items()
    }
    return list(prepared.values())
