"""Cursors: where the next page of a list begins, in a form that callers only hand back."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Protocol, TypeVar
from uuid import UUID

from pydantic import Field

from api.problems import Refusal
from rules.errors import Fault


class HasId(Protocol):
    """A row of a list that is sorted by its ids."""

    id: UUID


T = TypeVar("T", bound=HasId)
Cursor = Annotated[str | None, Field(max_length=64, description="next_cursor of the page before.")]
"""Where a page is to begin, as a caller asks for it."""
NextCursor = Annotated[
    str | None,
    Field(description="Send it as cursor for the next page; null on the last one."),
]
"""Where the next page begins, as it is answered."""


def put_cursor(id: UUID) -> str:
    """The cursor for what lies before an id."""
    return base64.urlsafe_b64encode(id.bytes).decode().rstrip("=")


def cut_page(rows: Sequence[T], most: int) -> tuple[Sequence[T], str | None]:
    """The rows of a page, and the cursor of the next one; of rows there is one more than on a page if there is one."""
    page = rows[:most]
    return page, put_cursor(page[-1].id) if len(rows) > most else None


def read_cursor(text: str | None) -> UUID | None:
    """The id in a cursor; none where there is none.

    Raises:
        Refusal: 422 when it is not one that was given out.
    """
    if text is None:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return UUID(bytes=base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        fault = Fault("/query/cursor", "malformed", "must be the next_cursor of the page before")
        raise Refusal(422, faults=[fault]) from None
