"""Batches in the forms in which callers get them: how far each is, and what became of its rows."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from api.batch.formats import FORMATS, READABLE
from api.batch.tally import NOT_KNOWN
from api.cursors import NextCursor
from api.record_forms import put_any_moment, put_moment
from api.storage.batches import State
from api.storage.tables import StoredBatch
from rules.safety import ActionId
from rules.words import LevelId

if TYPE_CHECKING:
    FormatName = str
    SentName = str
else:
    FormatName = Literal[tuple(FORMATS)]
    SentName = Literal[tuple(READABLE)]
Moment = Annotated[str, Field(examples=["2026-08-01T09:30:00.000Z"])]
LARGE = {"format": "int64"}
"""Said of numbers that can be greater than what some languages take for a whole number."""


class Columns(TypedDict):
    """What the columns of a file are taken for; look at `near` first, for what is misspelt does not count."""

    recognised: Annotated[
        list[str],
        Field(
            description="Columns that answer a question by their own name: its id, its text, or one of its boxes."
        ),
    ]
    mapped: Annotated[
        dict[str, list[str]],
        Field(description="Columns that answer a question by the mapping, by question."),
    ]
    carried: Annotated[list[str], Field(description="Columns that go through as they are.")]
    near: Annotated[
        dict[str, str],
        Field(description="Columns that nearly have a question's name, and that name."),
    ]
    replaced: Annotated[
        list[str], Field(description="Columns left out, because our own are called so.")
    ]
    renamed: Annotated[
        dict[str, str],
        Field(description="Columns without a name or with one that stands twice, by the new name."),
    ]


class ColumnsRead(TypedDict):
    """The columns of a file that was looked at; nothing of it is kept."""

    format: Annotated[
        FormatName, Field(description="The kind of file that it is.", examples=["csv"])
    ]
    names: Annotated[
        list[str],
        Field(
            description="All columns in their order, each by the name that it goes through by.",
            examples=[["record_id", "sitting_hours_per_day"]],
        ),
    ]
    columns: Columns
    unanswered: Annotated[
        list[str],
        Field(
            description="The questions, red flags and conditions that no column answers.",
            examples=[["runs"]],
        ),
    ]
    sheets: Annotated[
        list[str],
        Field(description="The sheets of a spreadsheet, to name one of them in `sheet`."),
    ]


class BatchInShort(TypedDict):
    """A batch and how far it is."""

    id: Annotated[
        str,
        Field(description="Id of the batch.", examples=["0198a0b2-8c00-7000-8000-000000000001"]),
    ]
    state: Annotated[
        State,
        Field(
            description="waiting, running, done, or failed, which `reason` explains.",
            examples=["running"],
        ),
    ]
    reason: Annotated[
        str | None, Field(description="Why it failed, or what it waits for; else null.")
    ]
    created_at: Annotated[Moment, Field(description="When it was taken in, in UTC (RFC 3339).")]
    started_at: Annotated[Moment | None, Field(description="When it was begun.")]
    finished_at: Annotated[Moment | None, Field(description="When it was done, or failed.")]
    format: Annotated[
        SentName,
        Field(
            description="The kind of file that was sent; `fhir` is one of responses, sent to `/fhir/$bulk-assess`.",
            examples=["csv"],
        ),
    ]
    size_bytes: Annotated[
        int, Field(description="Bytes of the file.", examples=[398161350], json_schema_extra=LARGE)
    ]
    sha256: Annotated[
        str, Field(description="SHA-256 of the file as it was taken in, in hexadecimal.")
    ]
    rows_done: Annotated[
        int,
        Field(
            description="Rows that are scored or rejected by now.",
            examples=[505769],
            json_schema_extra=LARGE,
        ),
    ]
    rows_rejected: Annotated[
        int, Field(description="How many of them were rejected.", json_schema_extra=LARGE)
    ]
    share_done: Annotated[
        float, Field(description="How much of the file is done, from 0 to 1.", examples=[0.7])
    ]
    rows_per_second: Annotated[
        float | None, Field(description="How fast it goes; null while that is not known.")
    ]
    seconds_left: Annotated[
        float | None, Field(description="How long it may still take; null while not known.")
    ]
    model_version: Annotated[
        str | None,
        Field(
            description="The rules it is scored by; null before it is begun.", examples=["2026.1"]
        ),
    ]


class Batch(BatchInShort):
    """A batch, how far it is, and what its columns are taken for."""

    columns: Columns


class BatchList(TypedDict):
    """A page of batches, the newest first."""

    items: Annotated[list[BatchInShort], Field(description="The batches of this page.")]
    next_cursor: NextCursor


Counted = Annotated[int, Field(description="How many rows.", json_schema_extra=LARGE)]


class Summary(TypedDict):
    """What became of the rows of a batch: rows = scored + rejected, always."""

    rows: Annotated[
        int, Field(description="Rows of the file.", examples=[1000], json_schema_extra=LARGE)
    ]
    scored: Annotated[
        int, Field(description="How many have scores.", examples=[998], json_schema_extra=LARGE)
    ]
    rejected: Annotated[
        int,
        Field(description="How many have to be corrected.", examples=[2], json_schema_extra=LARGE),
    ]
    levels: Annotated[
        dict[str, dict[LevelId | Literal["not_known"], Counted]],
        Field(
            description=f"How many rows have each level, by habit and for `index`; {NOT_KNOWN} where "
            "too little was answered."
        ),
    ]
    actions: Annotated[
        dict[ActionId, Counted],
        Field(description="How many rows call for each safety action; look at these rows first."),
    ]
    problems: Annotated[
        dict[str, Counted],
        Field(description="How often each `field: code` stands among the rejects."),
    ]
    columns: Columns
    notes: Annotated[list[str], Field(description="What was unusual about the file.")]
    seconds: Annotated[float, Field(description="How long it took, pauses included.")]
    resources: NotRequired[
        Annotated[
            dict[str, Counted],
            Field(
                description="How many resources of FHIR there are, by file; only where responses were sent."
            ),
        ]
    ]


def put_batch(row: StoredBatch) -> bytes:
    """A batch in full, as JSON."""
    return orjson.dumps({**put_batch_in_short(row), "columns": orjson.Fragment(row.columns)})


def put_batch_in_short(row: StoredBatch) -> dict[str, Any]:
    """A batch without its columns."""
    rate, left = _find_rate(row), estimate_left(row)
    return {
        "id": str(row.id),
        "state": row.state,
        "reason": row.reason,
        "created_at": put_moment(row.created_at),
        "started_at": put_any_moment(row.started_at),
        "finished_at": put_any_moment(row.finished_at),
        "format": row.format,
        "size_bytes": row.size,
        "sha256": row.sha256,
        "rows_done": row.rows_done,
        "rows_rejected": row.rows_rejected,
        "share_done": round(row.share_done, 4),
        "rows_per_second": round(rate, 1) if rate else None,
        "seconds_left": round(left, 1) if left is not None else None,
        "model_version": row.model_version,
    }


def estimate_left(row: StoredBatch) -> float | None:
    """How many seconds a batch may still take; none while that is not known."""
    rate = _find_rate(row)
    if not rate or not row.share_done:
        return None
    return (row.rows_done / row.share_done - row.rows_done) / rate


def _find_rate(row: StoredBatch) -> float | None:
    """Rows a second since it was taken up last; the pause before does not count."""
    if row.state not in {"running", "done"} or not (row.taken_at and row.updated_at):
        return None
    seconds = (row.updated_at - row.taken_at).total_seconds()
    rows = row.rows_done - row.rows_when_taken
    return rows / seconds if seconds > 0 and rows > 0 else None
