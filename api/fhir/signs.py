"""The warning signs that a response answers, read so that nothing wrong anywhere else in it can hide one."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

MOST_LOOKED_AT = 20_000
"""How many items and answers are looked at, ten times as many as a response may have."""


def find_signs(document: Mapping[str, Any], flags: Collection[str]) -> Mapping[str, bool]:
    """The red flags that are answered; one that is answered more than once counts as a yes if any of them is one."""
    found: dict[str, bool] = {}
    for item in islice(_list_parts(document), MOST_LOOKED_AT):
        name = item.get("linkId")
        if isinstance(name, str) and name in flags:
            for answer in _list_objects(item.get("answer")):
                value = answer.get("valueBoolean")
                if isinstance(value, bool):
                    found[name] = value or found.get(name, False)
    return found


def _list_parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every item and answer, however they stand inside each other."""
    waiting = [document]
    while waiting:
        holder = waiting.pop()
        yield holder
        for name in ("item", "answer"):
            waiting += _list_objects(holder.get(name))


def _list_objects(listed: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a list, or the one that stands where a list should."""
    for one in islice(listed, MOST_LOOKED_AT) if isinstance(listed, list) else (listed,):
        if isinstance(one, dict):
            yield one
