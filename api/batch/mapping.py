"""Mappings: how a caller's own columns answer our questions, read from TOML and checked whole."""

import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.batch.answers import Asked
from api.batch.chunks import FileRefused
from api.batch.expressions import Expression, read_expression
from api.batch.units import convert
from rules.definitions import Model
from rules.errors import Unusable
from rules.questions import Answer, Question

Code = str | int | float
"""A value as it stands in a caller's cells."""


class MappingError(Unusable):
    """A mapping that cannot be used; `problems` names each fault and its place."""


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class MappedQuestion(_Table):
    """Where one question's answers come from: a column, or an expression over columns of numbers."""

    column: Annotated[str, Field(min_length=1)] | None = None
    """The column's name."""
    missing: list[Code] = []
    """Values that mean that nothing was answered."""
    unit: str | None = None
    """The unit of the column's numbers in UCUM, where it is not the question's own."""
    factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What the column's numbers are multiplied by."""
    values: dict[str, Answer] = {}
    """The answer that each value stands for."""
    sql: str | None = None
    """The expression, in place of all of the above."""

    @cached_property
    def codes(self) -> list[str]:
        """The values for nothing answered, as text."""
        return [str(code) for code in self.missing]

    @cached_property
    def expression(self) -> Expression:
        """The expression, checked."""
        return read_expression(self.sql or "")


class MappingFile(_Table):
    """A whole mapping."""

    missing: list[Code] = []
    """Values that mean that nothing was answered, in every column that answers a question."""
    questions: dict[str, MappedQuestion] = {}
    """By question, red flag or condition."""


class ColumnMapping:
    """A mapping that fits a model."""

    def __init__(self, mapping: MappingFile) -> None:
        self.missing = [str(code) for code in mapping.missing]
        self.questions: Mapping[str, MappedQuestion] = mapping.questions

    @cached_property
    def columns(self) -> dict[str, str]:
        """Every column that it needs, with the first question that needs it."""
        needed: dict[str, str] = {}
        for question, mapped in self.questions.items():
            names = [mapped.column] if mapped.column else mapped.expression.columns.values()
            for name in names:
                needed.setdefault(name, question)
        return needed


NO_MAPPING = ColumnMapping(MappingFile())
"""For files whose columns are called like our questions."""


def asked_in_batches(model: Model) -> dict[str, Asked]:
    """The questions that columns of a batch can answer, by id: a batch makes no plans."""
    asked: dict[str, Asked] = {**model.questions, **model.symptoms.by_id}
    safety = (*model.safety.red_flags, *model.safety.conditions)
    return asked | {question.id: question for question in safety}


def read_mapping_text(file: Path | None) -> str:
    """A mapping as it stands in a file; nothing where there is no file.

    Raises:
        FileRefused: where it cannot be read.
    """
    if file is None:
        return ""
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise FileRefused(f"{file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise FileRefused(f"{file}: is not text in UTF-8.") from None


def read_mapping(text: str, model: Model) -> ColumnMapping:
    """The mapping in a TOML document.

    Raises:
        MappingError: with every fault found, each with its place.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError([f"it is not TOML: {error}"]) from None
    try:
        mapping = MappingFile.model_validate(tables)
    except ValidationError as error:
        raise MappingError(map(_describe, error.errors())) from None
    asked = asked_in_batches(model)
    problems = [
        f"questions.{name}: {problem}"
        for name, mapped in mapping.questions.items()
        for problem in _find_problems(name, mapped, asked)
    ]
    if problems:
        raise MappingError(problems)
    return ColumnMapping(mapping)


def _describe(fault: Any) -> str:
    place = ".".join(
        str(step) for step in fault["loc"] if step not in ("str", "int", "float", "bool")
    )
    return f"{place}: {fault['msg']}"


def _find_problems(name: str, mapped: MappedQuestion, asked: Mapping[str, Asked]) -> Iterator[str]:
    question = asked.get(name)
    if question is None:
        near = get_close_matches(name, asked, n=1)
        yield "is no question" + (f"; did you mean {near[0]}?" if near else "")
        return
    if (mapped.column is None) == (mapped.sql is None):
        yield "needs a column, or sql, and not both"
        return
    if mapped.sql is not None:
        yield from _find_problems_of_sql(question, mapped)
    is_number = isinstance(question, Question) and question.is_numeric
    if not is_number and (mapped.unit is not None or mapped.factor is not None):
        yield "unit and factor are for questions that are answered with a number"
    elif mapped.unit is not None:
        yield from _find_problems_of_unit(question, mapped)
    if mapped.values and (mapped.unit is not None or mapped.factor is not None):
        yield "values are answers already, so unit and factor have nothing to change"
    for value, answer in mapped.values.items():
        if not _accepts(question, answer):
            yield f"values.{value}: is not an answer that this question allows"


def _find_problems_of_sql(question: Asked, mapped: MappedQuestion) -> Iterator[str]:
    if mapped.missing or mapped.unit is not None or mapped.factor is not None or mapped.values:
        yield "missing, unit, factor and values belong to a column, not to sql"
    if isinstance(question, Question) and question.options:
        yield "sql gives numbers, and this question has options; use a column with values"
    try:
        _ = mapped.expression
    except ValueError as error:
        yield f"sql: {error}"


def _find_problems_of_unit(question: Asked, mapped: MappedQuestion) -> Iterator[str]:
    if mapped.factor is not None:
        yield "needs a unit or a factor, not both"
    try:
        find_factor(question, mapped)
    except ValueError as error:
        yield f"unit: {error}"


def _accepts(question: Asked, answer: Answer) -> bool:
    if isinstance(question, Question):
        return question.accepts((answer,) if question.answer == "several" else answer)  # type: ignore[arg-type]
    return isinstance(answer, bool)


def find_factor(question: Asked, mapped: MappedQuestion) -> float:
    """What a column's numbers are multiplied by to be answers."""
    if mapped.unit is None or not isinstance(question, Question) or question.unit is None:
        return mapped.factor or 1.0
    return convert(mapped.unit, question.unit)
