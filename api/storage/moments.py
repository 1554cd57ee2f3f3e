"""Ids that sort by time (UUIDv7, RFC 9562), for a given moment."""

from datetime import UTC, datetime
from uuid import UUID

_RANDOM_BITS = 74


def make_id(at: datetime, chance: int) -> UUID:
    """The id for a moment, to the millisecond, told from others of that moment by 74 bits of chance.

    There are no ids of moments before 1970; they count as its beginning.
    """
    chance %= 1 << _RANDOM_BITS
    high, low = chance >> 62, chance & ((1 << 62) - 1)
    milliseconds = max(0, round(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low)


def first_id(at: datetime) -> UUID:
    """The lowest id of a moment: all ids below it are of earlier ones."""
    return make_id(at, 0)


def moment_of(id: UUID) -> datetime:
    """The moment that an id names, to the millisecond."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)
