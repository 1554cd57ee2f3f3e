"""Cursors: where the next page of a list begins, in a form that callers only hand back."""

import base64
import binascii
from uuid import UUID

from api.problems import Refusal
from rules.errors import Fault


def put_cursor(id: UUID) -> str:
    """The cursor for what lies before an id."""
    return base64.urlsafe_b64encode(id.bytes).decode().rstrip("=")


def read_cursor(text: str) -> UUID:
    """The id in a cursor.

    Raises:
        Refusal: 422 when it is not one that was given out.
    """
    try:
        padded = text + "=" * (-len(text) % 4)
        return UUID(bytes=base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        fault = Fault("/query/cursor", "malformed", "must be the next_cursor of the page before")
        raise Refusal(422, faults=[fault]) from None
