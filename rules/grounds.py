"""The ground rules of the model's files: strict parts, and what a number rests on."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S(.*\S)?$")]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Definition(BaseModel):
    """A part of the model: never changed after loading, and strict about what it accepts."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )


class Grounded(Definition):
    """A part that holds numbers: it says what they rest on."""

    sources: tuple[Id, ...] = ()
    """Ids of the sources behind the numbers here; see /model/sources."""
    basis: Literal["judgement"] | None = None
    """judgement where the numbers, or some of them, are this model's own choice."""
    reason: Text | None = None
    """Why the numbers are what they are."""

    @model_validator(mode="after")
    def check_grounds(self) -> Self:
        """Refuse numbers that rest on nothing."""
        if not self.sources and self.basis is None:
            raise ValueError("needs sources, or basis = 'judgement' with a reason")
        if self.basis and not self.reason:
            raise ValueError("basis = 'judgement' needs a reason")
        return self


class Source(Definition):
    """A publication, what it found in our words, and how closely it was read."""

    reference: Text
    """The publication, as a reader would look it up."""
    finding: Text
    """What it found, in our words."""
    read: Literal["abstract", "number_from_memory"]
    """How closely it was read; number_from_memory means that a number should be checked."""
    doi: Text | None = None
    """Digital object identifier, without an address in front."""
    url: Text | None = None
    """Where to find it, when it has no DOI."""
    caveat: Text | None = None
    """What is uncertain about this entry."""


def cited_sources(part: object) -> Iterator[str]:
    """The ids of all sources that a part of the model cites, in the order in which they stand."""
    if isinstance(part, Definition):
        for name in type(part).model_fields:
            value = getattr(part, name)
            yield from value if name in ("sources", "premise_sources") else cited_sources(value)
    elif isinstance(part, Mapping):
        for value in part.values():
            yield from cited_sources(value)
    elif isinstance(part, tuple):
        for value in part:
            yield from cited_sources(value)
