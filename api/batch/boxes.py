"""Questions with boxes to tick of which a file has a column each, as REDCap exports them."""

from collections.abc import Collection, Mapping

import polars as pl

from api.batch.answers import UNKNOWN, Asked, Cells
from rules.questions import NONE_OF_THESE, Question

BOX = "___"
"""What stands between a question's id and an option's in the name of a box's column."""
TICKED, UNTICKED = "checked", "unchecked"
"""How boxes are written where answers are exported as words."""


def find_boxes(question: Asked, names: Collection[str]) -> dict[str, str]:
    """The columns that are a question's boxes, by option; they may be called by ids or by texts.

    A box for none of the options is called by its code.
    """
    if not isinstance(question, Question) or question.answer != "several":
        return {}
    found = {}
    for option in question.options:
        ways = (f"{question.id}{BOX}{option.id}", f"{question.ask} (choice={option.label})")
        if name := next((way for way in ways if way in names), None):
            found[option.id] = name
    if (none := f"{question.id}{BOX}{NONE_OF_THESE}") in names:
        found[NONE_OF_THESE] = none
    return found


class TickedCells:
    """The boxes of a question as one column: the ids of those that are ticked, and nothing where none is.

    Where no box is ticked it cannot be told whether anybody looked at the question, so it counts
    as unanswered; unless there is a box for none of them, and that is ticked.
    """

    def __init__(self, question: Asked, boxes: Mapping[str, Cells]) -> None:
        options = question.options if isinstance(question, Question) else ()
        self._boxes = [
            (option.id, option.label, boxes[option.id]) for option in options if option.id in boxes
        ]
        self._none = boxes.get(NONE_OF_THESE)

    def text(self, careful: bool) -> pl.Expr:
        """The ids with a sign between them; where a cell is neither ticked nor not, what is no answer."""
        put = [self._put(*box, careful=careful) for box in self._boxes]
        put.append(pl.lit(None, pl.String))
        text = pl.concat_str(put, separator=";", ignore_nulls=True)
        chosen = pl.when(text != "").then(text)
        if self._none is None:
            return chosen
        none = self._put(NONE_OF_THESE, "", self._none, careful=careful)
        beside = pl.when(none.is_not_null() & (text != "")).then(pl.lit(UNKNOWN))
        alone = beside.when(none == NONE_OF_THESE).then(pl.lit(""))
        return alone.otherwise(pl.coalesce(chosen, none))

    def _put(self, option: str, label: str, cells: Cells, *, careful: bool) -> pl.Expr:
        ticked = cells.boolean(careful)
        if careful:
            text = cells.text(careful)
            word = text.str.to_lowercase()
            said = pl.when((word == TICKED) | (text == label)).then(pl.lit(value=True))
            ticked = pl.coalesce(ticked, said.when(word == UNTICKED).then(pl.lit(value=False)))
        odd = cells.is_given(careful) & ticked.is_null()
        return pl.when(odd).then(pl.lit(UNKNOWN)).when(ticked).then(pl.lit(option))

    def number(self, careful: bool) -> pl.Expr:  # noqa: ARG002  # boxes are never numbers
        return pl.lit(None, pl.Float64)

    def boolean(self, careful: bool) -> pl.Expr:  # noqa: ARG002  # nor a yes or a no together
        return pl.lit(None, pl.Boolean)

    def is_given(self, careful: bool) -> pl.Expr:
        return self.text(careful).is_not_null()
