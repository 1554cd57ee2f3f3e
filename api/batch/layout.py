"""Which columns of a file answer which questions, which are only carried along, and what to say about them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

import polars as pl

from api.batch.answers import (
    AnswerReader,
    Asked,
    Cells,
    TranslatedCells,
    WorkedOutCells,
    open_cells,
)
from api.batch.boxes import TickedCells, find_boxes
from api.batch.chunks import FileRefused
from api.batch.mapping import ColumnMapping, find_factor
from rules.rows import PREFIX

NEAR = 0.8
"""How alike a column's name and a question's must be for a slip of the pen."""


class Columns(NamedTuple):
    """What a run says about a file's columns."""

    recognised: Sequence[str]
    """Columns that answer the question whose id or text they are called by, and columns that are a box of one."""
    mapped: Mapping[str, Sequence[str]]
    """Columns that answer a question by a mapping, by question."""
    carried: Sequence[str]
    """Columns that go through as they are."""
    near: Mapping[str, str]
    """Columns that nearly have a question's name, and that name."""
    replaced: Sequence[str]
    """Columns that are left out, because a batch's own are called so."""
    renamed: Mapping[str, str]
    """Columns without a name or with one that stands twice, by the name they get."""


class Layout:
    """A file's columns, told apart."""

    def __init__(
        self,
        header: Sequence[str],
        asked: Mapping[str, Asked],
        mapping: ColumnMapping,
        *,
        may_answer_nothing: bool = False,
    ) -> None:
        """Tell apart the columns of a header.

        Raises:
            FileRefused: where no column answers a question, unless that may be; where one answers
                it twice, or one that a mapping needs is not there.
        """
        self._asked, self._mapping = asked, mapping
        names = [name.strip() for name in header]
        replaced = [name for name in names if name.startswith(PREFIX)]
        self._place = {name: str(place) for place, name in reversed(list(enumerate(names))) if name}
        unmapped = {name: one for name, one in asked.items() if name not in mapping.questions}
        self._own, self._boxes = find_named(self._place, unmapped)
        self.names = self._name_all(header)
        """The name of each column that goes through, by its place."""
        self._check(names)
        if not (may_answer_nothing or self._own or self._boxes or mapping.questions):
            self._refuse(names)
        used = self._named | mapping.columns.keys()
        carried = [name for place, name in self.names.items() if names[int(place)] not in used]
        self.columns = Columns(
            [name for name in dict.fromkeys(names) if name in self._named],
            {
                name: [mapped.column] if mapped.column else list(mapped.expression.columns.values())
                for name, mapped in mapping.questions.items()
            },
            carried,
            find_near(carried, asked),
            list(dict.fromkeys(replaced)),
            {
                name: header[int(place)]
                for place, name in self.names.items()
                if name != header[int(place)]
            },
        )

    @property
    def answered(self) -> list[str]:
        """The questions that the file answers, in the order in which they are asked."""
        found = {*self._own, *self._boxes, *self._mapping.questions}
        return [name for name in self._asked if name in found]

    @property
    def _named(self) -> set[str]:
        """The columns that answer questions by their own names."""
        boxes = (name for boxes in self._boxes.values() for name in boxes.values())
        return {*self._own.values(), *boxes}

    @property
    def reads_plainly(self) -> bool:
        """Whether a column that is called like a question is read just as it stands."""
        return not self._mapping.missing

    def place_of(self, question: str) -> str | None:
        """The place of the column that answers a question as it stands; none for a mapped one."""
        return self._place[self._own[question]] if question in self._own else None

    def _name_all(self, header: Sequence[str]) -> dict[str, str]:
        """A name for each column that goes through: its own where it can be, unlike any other."""
        names: dict[str, str] = {}
        taken = set(header)
        seen = Counter[str]()
        for place, name in enumerate(header):
            if name.strip().startswith(PREFIX):
                continue
            seen[name] += 1
            new = name
            if not name.strip() or seen[name] > 1:
                stem, number = (name, seen[name]) if name.strip() else ("column", place + 1)
                new = f"{stem}_{number}"
                while new in taken:
                    number += 1
                    new = f"{stem}_{number}"
                taken.add(new)
            names[str(place)] = new
        return names

    def _check(self, names: Sequence[str]) -> None:
        """Refuse a file that cannot be scored with these columns."""
        missing = [name for name in self._mapping.columns if name not in self._place]
        if missing:
            raise FileRefused(
                "The mapping needs columns that the file does not have: "
                + ", ".join(
                    f"{show_name(name)} (for {self._mapping.columns[name]})" for name in missing
                )
                + "."
            )
        needed = self._named | self._mapping.columns.keys()
        twice = [name for name, times in Counter(names).items() if times > 1 and name in needed]
        if twice:
            raise FileRefused(
                f"More than one column is called {', '.join(map(show_name, twice))}; it cannot be told which one counts."
            )

    def _refuse(self, names: Sequence[str]) -> NoReturn:
        """Refuse a file that answers no question."""
        near = find_near([name for name in names if name], self._asked)
        hint = "".join(
            f" Did you mean {wanted} by {show_name(name)}?" for name, wanted in near.items()
        )
        raise FileRefused(
            "No column is called like a question, so nothing could be scored. GET /questionnaire "
            f"lists the questions; a mapping tells which of your columns answers which.{hint}"
        )

    def open_readers(self, schema: Mapping[str, pl.DataType]) -> list[AnswerReader]:
        """A reader for each question that the file answers, for columns of these types by place."""
        return [self._open(name, schema) for name in self.answered]

    def _open(self, name: str, schema: Mapping[str, pl.DataType]) -> AnswerReader:
        question, mapped = self._asked[name], self._mapping.questions.get(name)
        if name in self._boxes:
            boxes = self._boxes[name].items()
            cells = {option: self._open_plain(column, schema) for option, column in boxes}
            return AnswerReader(question, TickedCells(question, cells))
        if mapped is None:
            return AnswerReader(question, self._open_plain(self._own[name], schema))
        if mapped.column is not None:
            place = self._place[mapped.column]
            missing = [*self._mapping.missing, *mapped.codes]
            factor = find_factor(question, mapped)
            own = open_cells(place, schema[place])
            return AnswerReader(question, TranslatedCells(own, missing, mapped.values, factor))
        expression = mapped.expression
        sources = {
            number: self._open_plain(column, schema)
            for number, column in expression.columns.items()
        }
        return AnswerReader(question, WorkedOutCells(expression.result, expression.dtype, sources))

    def _open_plain(self, column: str, schema: Mapping[str, pl.DataType]) -> Cells:
        place = self._place[column]
        cells = open_cells(place, schema[place])
        missing = self._mapping.missing
        return TranslatedCells(cells, missing, {}, 1.0) if missing else cells


def find_named(
    names: Collection[str], asked: Mapping[str, Asked]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The columns that are called like a question, by question, and those that are boxes, by question and option.

    An id counts before a text. A text that two questions share is the name of neither.
    """
    times = Counter(question.ask for question in asked.values())
    own, boxes = {}, {}
    for name, question in asked.items():
        if name in names:
            own[name] = name
        elif question.ask in names and times[question.ask] == 1:
            own[name] = question.ask
        elif found := find_boxes(question, names):
            boxes[name] = found
    return own, boxes


def find_near(names: Sequence[str], asked: Mapping[str, Asked]) -> dict[str, str]:
    """Names that nearly are a question's, and that question's."""
    known = {name.lower(): name for name in asked}
    near = {}
    for name in names[:LOOKED_AT]:
        plain = name.strip().lower().replace(" ", "_").replace("-", "_")
        if found := get_close_matches(plain, known, n=1, cutoff=NEAR):
            near[name] = known[found[0]]
    return near


LOOKED_AT = 200
"""Columns whose name is compared with every question's; that takes time, and a file may have thousands."""
LONGEST_NAME = 64


def show_name(name: str) -> str:
    """A column's name as it is told: not without end."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
