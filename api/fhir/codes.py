"""Our code systems as FHIR has them: what is asked and what comes of it, and what may be wrong with an answer."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from api.fhir.names import CODES, CODES_ID, FAULTS, FAULTS_ID
from api.fhir.outcome import OWN_CODES
from api.fhir.questionnaire import name_edition, put_text
from api.fhir.questionnaire_items import list_options
from api.knowledge import put_questionnaire
from rules.definitions import Model
from rules.errors import FaultCode
from rules.safety import ACTIONS

ABOUT_FAULTS = (
    "Why an answer could not be used, and what is odd about one that was. The same codes stand in problem details and "
    "in files of rejects."
)


def put_codes(model: Model) -> dict[str, Any]:
    """The code system of what is asked and what comes of it, the same in R4 and R5.

    A code that stands for the same in several places, such as an option of two questions, is listed
    once.
    """
    about = {"url": CODES, "name": "PsoasRiskCodes", "title": model.title}
    return _put(model, CODES_ID, about, model.what_a_score_is, _list_concepts(model))


def put_faults(model: Model) -> dict[str, Any]:
    """The code system of faults and warnings, the same in R4 and R5."""
    about = {"url": FAULTS, "name": "PsoasRiskFaults", "title": f"{model.title}: faults"}
    return _put(model, FAULTS_ID, about, ABOUT_FAULTS, _list_faults(model))


def _put(
    model: Model,
    id_: str,
    about: dict[str, str],
    description: str,
    listed: Iterable[dict[str, str]],
) -> dict[str, Any]:
    concepts: dict[str, dict[str, str]] = {}
    for concept in listed:
        concepts.setdefault(concept["code"], concept)
    return {
        "resourceType": "CodeSystem",
        "id": id_,
        "language": model.language.tag,
        "text": put_text(about["title"], description),
        **about,
        **name_edition(model),
        "description": description,
        "caseSensitive": True,
        "content": "complete",
        "count": len(concepts),
        "concept": list(concepts.values()),
    }


def _list_concepts(model: Model) -> Iterator[dict[str, str]]:
    for section in put_questionnaire(model)["sections"]:
        for question in section["questions"]:
            yield _concept(question["id"], question["label"], question["ask"])
            for option in list_options(question, model.words.answers.none_of_these):
                yield _concept(option["id"], option["label"])
    for habit in model.habits:
        yield _concept(habit.id, habit.name, habit.about)
    yield _concept("index", model.words.trend.index, model.what_a_score_is)
    for level, name in model.words.levels.items():
        yield _concept(level, name)
    for action in ACTIONS:
        yield _concept(action, name_action(action), model.safety.actions[action].text)


def _list_faults(model: Model) -> Iterator[dict[str, str]]:
    for code in (*get_args(FaultCode), *OWN_CODES):
        yield _concept(code, code.replace("_", " "))
    for code, warning in model.warnings.items():
        yield _concept(code, code.replace("_", " "), warning.text)


def name_action(action: str) -> str:
    """What safety calls for, in a word or two."""
    return action.replace("_", " ")


def _concept(code: str, display: str, definition: str = "") -> dict[str, str]:
    concept = {"code": code, "display": display}
    return {**concept, "definition": definition} if definition else concept
