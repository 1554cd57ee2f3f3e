"""A look at a file, or at the beginning of a text, before anything is kept: its columns, and what each is taken for."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from api.batch.chunks import FileRefused
from api.batch.compression import unpack_beginning
from api.batch.formats import Format, Opened, open_file
from api.batch.json_lines import MALFORMED
from api.batch.layout import Columns, Layout
from api.batch.mapping import ColumnMapping, asked_in_batches
from rules.definitions import Model

MOST_UNPACKED = 16_000_000
"""Bytes of a text that are looked at, once it is unpacked."""
NOWHERE = Path("-")


class Look(NamedTuple):
    """What a look at a file tells."""

    names: Sequence[str]
    """The columns in their order, each by the name that it goes through by."""
    columns: Columns
    unanswered: Sequence[str]
    """The questions that no column answers, in the order in which they are asked."""
    sheets: Sequence[str]


def look_at(kind: Format, opened: Opened, mapping: ColumnMapping, model: Model) -> Look:
    """What the columns of an opened file are taken for; one that answers no question is looked at all the same.

    Raises:
        FileRefused: where it cannot be read, or does not have what the mapping needs.
    """
    source = open_file(kind, opened)
    asked = asked_in_batches(model)
    if list(source.header) == [MALFORMED]:
        raise FileRefused("None of its first lines is a whole JSON object.")
    layout = Layout(source.header, asked, mapping, may_answer_nothing=True)
    answered = set(layout.answered)
    names = [layout.names.get(str(place), name) for place, name in enumerate(source.header)]
    unanswered = [name for name in asked if name not in answered]
    return Look(names, layout.columns, unanswered, source.sheets)


def open_beginning(packed: bytes) -> Opened:
    """The beginning of a text, opened as if it were the whole, whether it is compressed or not.

    Raises:
        FileRefused: where nothing of it can be unpacked.
    """
    text = unpack_beginning(packed, MOST_UNPACKED)
    stream = io.BufferedReader(cast("io.RawIOBase", io.BytesIO(text)))
    return Opened(NOWHERE, cast("BinaryIO", stream))
