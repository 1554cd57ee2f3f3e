"""What is written of scored and rejected rows: the input's columns in their order, then what a batch adds."""

from collections.abc import Sequence, Set

import polars as pl

from api.batch.chunks import PROBLEMS, ROW, Style
from api.batch.defusing import defuse, defuse_text, quote
from api.batch.formats import FORMATS, Format
from api.batch.json_lines import LINE, splice
from api.batch.layout import Layout
from api.batch.responses import RESPONSE
from api.batch.scoring import Scored
from rules.definitions import Model
from rules.rows import PREFIX, scored_columns

WARNINGS = f"{PREFIX}warnings"


class Outputs:
    """Puts rows into the shape in which they are written to one kind of file."""

    def __init__(self, layout: Layout, model: Model, kind: Format, style: Style) -> None:
        self._layout, self._kind, self._style = layout, kind, style
        self._added = [ROW, *scored_columns(model)]
        questions = (*model.questions.values(), *model.symptoms.questions)
        self._whole = {one.id for one in questions if one.answer == "whole_number"}
        several = {one.id for one in questions if one.answer == "several"}
        self._question = {
            place: question
            for question in layout.answered
            if (place := layout.place_of(question)) is not None
        }
        self._plain = {
            place
            for place, name in self._question.items()
            if layout.reads_plainly and name not in several
        }

    @property
    def width(self) -> int:
        """How many columns the scored rows have."""
        return len(self._layout.names) + len(self._added)

    def put_scored(self, scored: Scored, careful: bool) -> pl.DataFrame:
        """Scored rows; answers have their own types where the file can tell one from another.

        Where cells were not read carefully, those that hold answers hold nothing else.
        """
        plain = frozenset() if careful else self._plain
        put = self._put(scored.rows, self._added, plain, typed=self._kind.is_typed)
        return put if scored.good.all() else put.filter(scored.good)

    def put_all(self, rows: pl.DataFrame, added: Sequence[str]) -> pl.DataFrame:
        """Scored and rejected rows together, with columns behind the results that tell which is which."""
        return self._put(rows, [*self._added, *added], frozenset(), typed=self._kind.is_typed)

    def put_rejected(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rejected rows: the cells as they came, so that they can be corrected and sent again.

        Responses of FHIR are whole lines again where there are lines.
        """
        if RESPONSE in frame.columns:
            frame = frame.rename({RESPONSE: LINE})
        return self._put(frame, [ROW, PROBLEMS], frozenset(), typed=False)

    def _put(
        self, frame: pl.DataFrame, added: Sequence[str], plain: Set[str], *, typed: bool
    ) -> pl.DataFrame:
        if self._kind is FORMATS["ndjson"] and LINE in frame.columns:
            return splice(frame, added)
        names = self._layout.names
        kinds = frame.schema
        put = [
            self._put_answers(place)
            if typed and self._is_text(place, kinds[place])
            else self._put_cells(place, kinds[place], place in plain)
            for place in names
        ]
        columns: dict[str, pl.Expr] = {}
        for name, column in zip(names.values(), put, strict=True):
            shown = defuse_text(name) if self._kind.runs_formulas else name
            while shown in columns:
                shown += "_"
            columns[shown] = column
        columns |= {name: self._put_words(name, kinds[name]) for name in added}
        return frame.select(column.alias(name) for name, column in columns.items())

    def _is_text(self, place: str, kind: pl.DataType) -> bool:
        """Whether a column is text that was read as the answers to a question."""
        return place in self._question and kind == pl.String

    def _put_answers(self, place: str) -> pl.Expr:
        question = self._question[place]
        answers = pl.col(question)
        return answers.cast(pl.Int64, strict=False) if question in self._whole else answers

    def _put_cells(self, place: str, kind: pl.DataType, plain: bool) -> pl.Expr:
        """Cells as they came, but for what would run in a spreadsheet or part a cell in two."""
        cells, is_text = pl.col(place), kind == pl.String
        if not self._kind.runs_formulas:
            return cells
        if not is_text:
            cells, is_text = flatten(cells, kind)
        if not is_text or plain:
            return cells
        return self._quote(defuse(cells))

    def _put_words(self, name: str, kind: pl.DataType) -> pl.Expr:
        """A column that a batch adds; several codes in one cell may hold what stands between cells."""
        is_list = name in {PROBLEMS, WARNINGS} and kind == pl.String
        return self._quote(pl.col(name)) if is_list else pl.col(name)

    def _quote(self, cells: pl.Expr) -> pl.Expr:
        return quote(cells, self._style.separator) if self._kind.is_delimited else cells


def write_bytes(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """A column with the bytes anywhere in it as base64, since JSON has none."""
    match kind:
        case pl.Binary():
            return column.bin.encode("base64")
        case pl.List(inner=inner):
            return column.list.eval(write_bytes(pl.element(), inner))  # type: ignore[arg-type]
        case pl.Array(inner=inner):
            return write_bytes(column.arr.to_list(), pl.List(inner))
        case pl.Struct(fields=fields):
            put = [
                write_bytes(column.struct.field(field.name), field.dtype).alias(field.name)  # type: ignore[arg-type]
                for field in fields
            ]
            return pl.when(column.is_not_null()).then(pl.struct(put)) if put else column
    return column


def flatten(column: pl.Expr, kind: pl.DataType) -> tuple[pl.Expr, bool]:
    """A column that fits into cells, and whether it is text: lists and the like are JSON, bytes base64."""
    if kind == pl.Binary:
        return column.bin.encode("base64"), True
    if kind == pl.Duration:
        return column.dt.to_string("iso"), True
    if kind.is_nested():
        text = pl.struct(write_bytes(column, kind).alias("")).struct.json_encode()
        text = text.str.strip_prefix('{"":').str.strip_suffix("}")
        return pl.when(column.is_not_null()).then(text), True
    is_text = not (kind.is_numeric() or kind == pl.Boolean)
    return column.cast(pl.String) if is_text else column, is_text
