"""The article's background as data: what it says about the psoas, claim by claim, beside what was found."""

from typing import Annotated

from pydantic import Field

from rules.grounds import Definition, Id, Text
from rules.words import ClaimVerdict, EvidenceGrade


class Claim(Definition):
    """Something that is claimed, and how it stands in the literature."""

    id: Id
    """Stable name; routines name the claims that are made for them."""
    claim: Text
    """What is claimed."""
    verdict: ClaimVerdict
    """How it stands."""
    grade: EvidenceGrade
    """How good the evidence behind the verdict is."""
    note: Text
    """What was found, in words."""
    sources: Annotated[tuple[Id, ...], Field(min_length=1)]
    """Ids of the sources behind it."""


class Topic(Definition):
    """Something the article is about."""

    id: Id
    """Stable name."""
    title: Text
    """Heading to show."""
    text: Text
    """What it is about, in short."""
    claims: Annotated[tuple[Claim, ...], Field(min_length=1)]
    """What is claimed, and how it stands."""


class Background(Definition):
    """What the article says, beside what the literature says."""

    title: Text
    """Heading to show."""
    about: Text
    """What this is, and is not."""
    topics: Annotated[tuple[Topic, ...], Field(min_length=1)]
    """The topics, in the order to read them."""
