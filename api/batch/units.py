"""Units in which a caller's own columns may be, by their UCUM codes."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from math import isclose


@cache
def read_units() -> Mapping[str, tuple[str, float]]:
    """What each unit measures, and how large it is, by its code."""
    tables = tomllib.loads(files("api.batch").joinpath("units.toml").read_text("utf-8"))
    return {
        code: (measure, size)
        for measure, units in tables.items()
        for code, size in units.items()
        if not isinstance(size, str)
    }


def convert(unit: str, wanted: str) -> float:
    """By what a number in one unit is multiplied to be one in another, such as `min/d` and `h/d`.

    Raises:
        ValueError: where a unit is not known, or the two measure different things.
    """
    of, per = unit.partition("/")[::2]
    wanted_of, wanted_per = wanted.partition("/")[::2]
    if bool(per) != bool(wanted_per):
        raise ValueError(f"must be a unit that can be turned into {wanted}")
    factor = _ratio(of, wanted_of)
    if per:
        factor /= _ratio(per, wanted_per)
    return round(factor) if isclose(factor, round(factor), rel_tol=1e-12) else factor


def _ratio(unit: str, wanted: str) -> float:
    if unit == wanted:
        return 1.0
    units = read_units()
    for code in (unit, wanted):
        if code not in units:
            raise ValueError(f"must be one of {', '.join(units)}, also with a / between two")
    if units[unit][0] != units[wanted][0]:
        raise ValueError(f"must be a unit that can be turned into {wanted}")
    return units[unit][1] / units[wanted][1]
