"""What a caller would rather have, as headers such as Accept tell it (RFC 9110, 12.4.2)."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

WEIGHT = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class Preference(NamedTuple):
    """One of the things that a caller would take."""

    name: str
    """A media type, language or coding, in lower case, as all of it is."""
    parameters: Mapping[str, str]
    """What is said of it besides, such as `charset`."""


def read_preferences(header: str) -> list[Preference]:
    """What a header names, the most wanted first and otherwise in its order; what is refused by q=0 is left out.

    A weight that is none is overlooked: whoever names something would take it.
    """
    weighed = sorted(_read_parts(header.lower()), key=lambda part: -part[0])
    return [wanted for weight, wanted in weighed if weight > 0]


def _read_parts(header: str) -> Iterator[tuple[float, Preference]]:
    for part in header.split(","):
        name, *rest = (step.strip() for step in part.split(";"))
        pairs = (parameter.partition("=") for parameter in rest)
        told = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        weight = WEIGHT.fullmatch(told.pop("q", ""))
        if name:
            yield float(weight[0]) if weight else 1.0, Preference(name, told)
