"""The rows of a batch in one request, as the document describes them: what was sent, and what comes of it."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from api.batch.chunks import PROBLEMS, ROW
from api.batch.requests import STATUS
from api.payloads import Part, parts_of, type_of_part
from rules import results
from rules.definitions import Model
from rules.rows import PREFIX, scored_columns
from rules.safety import ActionId


def batch_row(model: Model) -> Any:
    """The type of a row of a batch: a field for each question that a batch asks, and any other."""
    parts = parts_of(model)
    asked = [
        question for name, part in parts.items() if name != "plan" for question in part.questions
    ]
    doc = "One person's answers, flat; fields that are no question go through as they are."
    return _loosen(type_of_part(Part("BatchRow", doc, asked)))


def batch_result(model: Model) -> Any:
    """The type of a row with its results; the fields of the row that was sent stand before them."""
    fields: dict[str, Any] = {
        ROW: Annotated[int, Field(description="Number of the row, from 1.", examples=[1])],
        **{name: _result_of(name) for name in scored_columns(model)},
        STATUS: Annotated[
            Literal["scored", "rejected"],
            Field(description="Whether the row was scored.", examples=["scored"]),
        ],
        PROBLEMS: Annotated[
            str | None,
            Field(
                description="Every fault of a rejected row, as `field: code; field: code`.",
                examples=["sitting_hours_per_day: out_of_range"],
            ),
        ],
    }
    kind = cast("Any", TypedDict)("BatchResult", fields)
    kind.__doc__ = "A row as it was sent, with its results; these are null where it was rejected."
    return _loosen(kind)


def _loosen(kind: Any) -> Any:
    """The same type with room for other fields."""
    kind.__pydantic_config__ = ConfigDict(strict=True, extra="allow")
    return kind


def _result_of(name: str) -> Any:
    """A result by the end of its name, described as in an assessment; of a rejected row all are null."""
    _, _, part = name.rpartition("_")
    ends = {"low": results.Low, "high": results.High}
    if part in ends:
        (described,) = ends[part].__metadata__  # type: ignore[attr-defined]
        return Annotated[float | None, described]
    scales = {"score": results.Score, "level": results.Level}
    return scales.get(part) or _REST[name]


def _told(kind: Any, description: str, example: object) -> Any:
    return Annotated[kind | None, Field(description=description, examples=[example])]


_REST = {
    f"{PREFIX}safety_action": _told(
        ActionId,
        "The most urgent action that a red flag answered yes calls for; look at these rows first.",
        "none",
    ),
    f"{PREFIX}cleared": _told(bool, "True only when every red flag was answered no.", True),
    f"{PREFIX}top_habit": _told(
        str,
        "The habit with the greatest weight times score; null where none is above 0.",
        "prolonged_sitting",
    ),
    f"{PREFIX}warnings": _told(
        str,
        "Codes of answers that do not seem to fit together, with `; ` between them.",
        "load_is_heavy",
    ),
    f"{PREFIX}model_version": _told(str, "Version of the rules.", "2026.1"),
}
