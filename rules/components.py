"""Components: how answers become points, in a vocabulary small enough to be read aloud."""

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from rules.grounds import Definition, Grounded, Id, Number, Text
from rules.questions import Answer, key_by_answer


class Adjusted(Definition):
    """An answer with an amount taken off, never below 0, when another question has one answer."""

    of: Id
    """The question whose answer is adjusted."""
    taking_off: Number
    """The amount."""
    when: Id
    """The other question."""
    equals: Answer
    """Its answer."""


class Percent(Definition):
    """One answer as a percentage of another."""

    of: Id
    """The question that is the part."""
    in_: Annotated[Id, Field(alias="in")]
    """The question that is the whole."""


class Rise(Definition):
    """By how many percent one answer is more than another: 0 for none now, infinite from none before."""

    from_: Annotated[Id, Field(alias="from")]
    """The earlier one."""
    to: Id
    """The later one."""


class Quantity(Grounded):
    """Something worked out from answers, in exactly one of four ways."""

    name: Text
    """What it is, in words."""
    adjusted: Adjusted | None = None
    """An answer with something taken off."""
    total: Mapping[Id, Number] | None = None
    """The sum of answers, each times its number."""
    percent: Percent | None = None
    """One answer as a share of another."""
    rise: Rise | None = None
    """How much more one answer is than another."""

    @model_validator(mode="after")
    def check_one_way(self) -> Self:
        """Refuse none and more than one."""
        ways = [self.adjusted, self.total, self.percent, self.rise]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("needs exactly one of: adjusted, total, percent, rise")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The questions it is worked out from."""
        if self.adjusted:
            return (self.adjusted.of, self.adjusted.when)
        if self.percent:
            return (self.percent.of, self.percent.in_)
        if self.rise:
            return (self.rise.to, self.rise.from_)
        return tuple(self.total or ())


class CurvePoint(Grounded):
    """A point of a curve; the grounds are those of where it stands."""

    at: Number
    """The value of the answer or quantity."""
    points: Number
    """The points there."""


class Ramp(NamedTuple):
    """A piece of a curve: from `start`, over `width`, rising `slope` points a step."""

    start: float
    width: float
    slope: float


class Curve(Definition):
    """Points over an answer or quantity: straight between the given points, flat outside."""

    of: Id
    """The question or quantity it is drawn over."""
    points: Annotated[tuple[CurvePoint, ...], Field(min_length=2)]
    """Where it bends, from left to right; it never falls."""

    @model_validator(mode="after")
    def check_rising(self) -> Self:
        """Refuse a curve that goes back or down."""
        for before, after in pairwise(self.points):
            if after.at <= before.at:
                raise ValueError(f"at = {after.at:g} does not come after at = {before.at:g}")
            if after.points < before.points:
                raise ValueError(f"the curve falls after at = {before.at:g}; it may only rise")
        return self

    @cached_property
    def ramps(self) -> tuple[Ramp, ...]:
        """The pieces that rise."""
        return tuple(
            Ramp(a.at, b.at - a.at, (b.points - a.points) / (b.at - a.at))
            for a, b in pairwise(self.points)
            if b.points > a.points
        )


class Limit(Grounded):
    """Never more points than so many for each unit of another answer or quantity."""

    points: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Points for each unit."""
    per: Id
    """The question or quantity that is counted."""
    each: Text
    """One unit of it, in words."""


class Factor(Grounded):
    """A number to multiply by, chosen by the answer to another question."""

    by: Id
    """The other question."""
    times: Mapping[Id, Annotated[float, Field(ge=0, allow_inf_nan=False)]]
    """The number for each of its answers."""

    @cached_property
    def by_answer(self) -> Mapping[Answer, float]:
        """The number for each answer, with yes and no as booleans."""
        return key_by_answer(self.times)


class Component(Grounded):
    """A part of a habit's score: a curve or a sum of choices, limited, multiplied, or a credit."""

    id: Id
    """Stable name."""
    name: Text
    """Name for people."""
    curve: Curve | None = None
    """Points over an answer or quantity; or else choices."""
    choices: Mapping[Id, Mapping[Id, Number]] = {}
    """Points by question and answer, added up; or else a curve."""
    credit: bool = False
    """Whether the points are taken off the score."""
    never_more_than: Limit | None = None
    """What the points are limited by."""
    factor: Factor | None = None
    """What the limited points are multiplied by."""

    @model_validator(mode="after")
    def check_one_kind(self) -> Self:
        """Refuse neither and both."""
        if (self.curve is None) != bool(self.choices):
            raise ValueError("needs a curve or choices, not both")
        return self

    @property
    def measures(self) -> tuple[str, ...]:
        """The questions or quantities it is measured and limited by."""
        curve = (self.curve.of,) if self.curve else ()
        return (*curve, self.never_more_than.per) if self.never_more_than else curve

    @cached_property
    def choice_points(self) -> Mapping[str, Mapping[Answer, float]]:
        """Points by question and answer, with yes and no as booleans."""
        return {question: key_by_answer(table) for question, table in self.choices.items()}

    @cached_property
    def range(self) -> tuple[float, float]:
        """The fewest and the most points it can give; a credit gives none or fewer."""
        if self.curve:
            least, most = self.curve.points[0].points, self.curve.points[-1].points
        else:
            least = sum(min(table.values()) for table in self.choices.values())
            most = sum(max(table.values()) for table in self.choices.values())
        if self.factor:
            least *= min(self.factor.times.values())
            most *= max(self.factor.times.values())
        if self.never_more_than:
            least = min(least, 0.0)
        return (-most, 0.0 - least) if self.credit else (least, most)
