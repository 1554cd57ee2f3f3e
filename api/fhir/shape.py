"""The shape of a response before it is read: nothing given twice, nothing too long or too deep, and every place by its FHIRPath."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from api.bodies import TWICE
from api.fhir.outcome import Issue, tell_fault

ROOT = "QuestionnaireResponse"
DEEPEST = 12
"""How many steps items may stand inside each other; ours need two."""
MOST_FOUND = 2_000
"""How many items and answers there may be; a whole questionnaire has about two hundred."""
MOST_VALUES = 20_000
"""How many values there may be in all, a narrative's or an extension's too; a whole questionnaire has about 2,500."""
LONGEST_PATH = 400
"""Characters after which a path is not made longer: it then names something around the place."""
LONGEST_TEXT = 100_000
"""Characters that a text may have; a narrative that a client made of the whole questionnaire has fewer."""
ELEMENT = re.compile(r"[a-z][A-Za-z]{0,40}")
"""What the elements of FHIR are called like; anything else is not repeated in a path."""
NOT_UNDERSTOOD = frozenset({"modifierExtension", "implicitRules"})
"""Elements that may change the meaning of everything beside them, and must not be overlooked."""

Item = Mapping[str, Any]
Placed = tuple[Item, str]
"""An item and its FHIRPath."""


def place_items(holder: Item, path: str, known: Collection[str]) -> Iterator[Placed]:
    """The items directly inside of something, with their FHIRPaths; by linkId where that is one of ours."""
    seen = Counter[str]()
    for place, item in enumerate(holder.get("item", ())):
        name = item.get("linkId")
        if isinstance(name, str) and name in known:
            again = f"[{seen[name]}]" if seen[name] else ""
            yield item, f"{path}.item.where(linkId='{name}'){again}"
            seen[name] += 1
        else:
            yield item, f"{path}.item[{place}]"


def place_answers(answers: Sequence[Item], path: str) -> Iterator[Placed]:
    """The answers of an item with their FHIRPaths; by number where there are several."""
    for place, answer in enumerate(answers):
        yield answer, f"{path}.answer[{place}]" if len(answers) > 1 else f"{path}.answer"


def place_all_items(document: Item, known: Collection[str]) -> Iterator[Placed]:
    """Every item, however they stand inside each other and inside of answers, in the order of the document."""
    waiting = [*place_items(document, ROOT, known)][::-1]
    while waiting:
        item, path = waiting.pop()
        yield item, path
        inner = [*place_items(item, path, known)]
        for answer, place in place_answers(item.get("answer", ()), path):
            inner += place_items(answer, place, known)
        waiting.extend(reversed(inner))


def find_misshapen(document: Item, known: Collection[str]) -> Iterator[Issue]:
    """Whatever keeps a response from being read at all."""
    values, is_plain = _look_over(document)
    if values > MOST_VALUES:
        text = f"there may be {MOST_VALUES} values at most"
        yield Issue("too-long", text, ROOT, "out_of_range")
        return
    waiting: list[tuple[Item, str, int]] = [(document, ROOT, 0)]
    found = 0
    while waiting:
        holder, path, depth = waiting.pop()
        if not is_plain:
            yield from _find_misshapen_below(holder, path)
        if depth > DEEPEST:
            yield tell_fault("out_of_range", f"items may stand {DEEPEST} deep at most", path)
            continue
        items = holder.get("item", [])
        answers = holder.get("answer", []) if holder is not document else []
        for name, listed in (("item", items), ("answer", answers)):
            if not _is_list_of_objects(listed):
                yield tell_fault("wrong_type", "must be a list of objects", f"{path}.{name}")
                return
        found += len(items) + len(answers)
        if found > MOST_FOUND:
            text = f"there may be {MOST_FOUND} items and answers at most"
            yield Issue("too-long", text, path, "out_of_range")
            return
        inner = [*place_items(holder, path, known), *place_answers(answers, path)]
        waiting.extend((item, place, depth + 1) for item, place in reversed(inner))


def _look_over(document: Item) -> tuple[int, bool]:
    """How many values there are, counted until there are too many; and whether nothing can be wrong with any.

    Nearly always nothing is, and to name every place costs more than to look at it.
    """
    waiting: list[Any] = [document]
    found, is_plain = 0, True
    while waiting and found <= MOST_VALUES:
        value = waiting.pop()
        if isinstance(value, dict):
            found += len(value)
            is_plain = is_plain and NOT_UNDERSTOOD.isdisjoint(value)
            waiting += value.values()
        elif isinstance(value, list):
            found += len(value)
            waiting += value
        elif isinstance(value, str):
            is_plain = is_plain and len(value) <= LONGEST_TEXT
        elif is_plain and not isinstance(value, int):
            is_plain = not any(_find_unusable(value, ""))
    return found, is_plain


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _find_misshapen_below(holder: Item, path: str) -> Iterator[Issue]:
    """What is wrong with the values of an item or answer, those of the items inside of it left out."""
    waiting: list[tuple[object, str]] = []
    for name, value in holder.items():
        if name in NOT_UNDERSTOOD:
            text = "may change the meaning of what is beside it, and is not understood here"
            yield tell_fault("unknown_field", text, f"{path}.{name}")
        elif value is TWICE or not (name in ("item", "answer") and isinstance(value, list)):
            waiting.append((value, _step(path, name)))
    while waiting:
        value, place = waiting.pop()
        yield from _find_unusable(value, place)
        if isinstance(value, dict):
            waiting.extend((inner, _step(place, name)) for name, inner in value.items())
        elif isinstance(value, list):
            waiting.extend((inner, _join(place, f"[{n}]")) for n, inner in enumerate(value))


def _find_unusable(value: object, path: str) -> Iterable[Issue]:
    if value is TWICE:
        yield tell_fault("malformed", "is given more than once", path)
    elif isinstance(value, str) and len(value) > LONGEST_TEXT:
        text = f"may have {LONGEST_TEXT} characters at most"
        yield Issue("too-long", text, path, "out_of_range")
    elif isinstance(value, float) and not math.isfinite(value):
        yield tell_fault("out_of_range", "must be a finite number", path)


def _step(path: str, name: str) -> str:
    """The FHIRPath of an element; values are called `value` whatever their type."""
    if name.startswith("value") and name[5:6].isupper():
        return _join(path, ".value")
    return _join(path, f".{name}") if ELEMENT.fullmatch(name) else path


def _join(path: str, step: str) -> str:
    return path + step if len(path) < LONGEST_PATH else path
