"""Our code system as FHIR has it: questions, options, habits, the index, levels, safety actions and faults."""

from collections.abc import Iterator
from typing import Any, get_args

from api.fhir.names import CODES, CODES_ID
from api.fhir.questionnaire import name_edition, put_text
from api.knowledge import put_questionnaire
from rules.definitions import Model
from rules.errors import FaultCode
from rules.safety import ACTIONS


def put_codes(model: Model) -> dict[str, Any]:
    """The code system, the same in R4 and R5.

    A code that stands for the same in several places, such as an option of two questions, is listed
    once.
    """
    concepts: dict[str, dict[str, str]] = {}
    for concept in _list_concepts(model):
        concepts.setdefault(concept["code"], concept)
    return {
        "resourceType": "CodeSystem",
        "id": CODES_ID,
        "language": model.language.tag,
        "text": put_text(model.title, model.what_a_score_is),
        "url": CODES,
        **name_edition(model),
        "name": "PsoasRiskCodes",
        "title": model.title,
        "description": model.what_a_score_is,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": list(concepts.values()),
    }


def _list_concepts(model: Model) -> Iterator[dict[str, str]]:
    for section in put_questionnaire(model)["sections"]:
        for question in section["questions"]:
            yield _concept(question["id"], question["label"], question["ask"])
            for option in question["options"]:
                yield _concept(option["id"], option["label"])
    for habit in model.habits:
        yield _concept(habit.id, habit.name, habit.about)
    yield _concept("index", model.words.trend.index, model.what_a_score_is)
    for level, name in model.words.levels.items():
        yield _concept(level, name)
    for action in ACTIONS:
        yield _concept(action, action.replace("_", " "), model.safety.actions[action].text)
    for fault in get_args(FaultCode):
        yield _concept(fault, fault.replace("_", " "))


def _concept(code: str, display: str, definition: str = "") -> dict[str, str]:
    concept = {"code": code, "display": display}
    return {**concept, "definition": definition} if definition else concept
