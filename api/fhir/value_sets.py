"""Value sets as FHIR has them: what each choice can be answered with, the levels, and what safety may call for."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from api.fhir.codes import name_action
from api.fhir.names import CODES, VALUE_SETS
from api.fhir.questionnaire import name_edition, put_date, put_text
from api.fhir.questionnaire_items import list_options
from api.knowledge import put_questionnaire
from rules.definitions import Model
from rules.safety import ACTIONS

LEVELS, ACTIONS_ID = "levels", "safety-actions"


class ValueSet(NamedTuple):
    """What is to be said of a value set."""

    title: str
    description: str
    codes: Mapping[str, str]
    """What each code of ours is called, in the order to show them."""


def list_value_sets(model: Model) -> dict[str, ValueSet]:
    """The value sets of a model by id. A question's id is its own with hyphens, as FHIR's ids have no underscores."""
    return {**dict(_list_options(model)), **dict(_list_results(model))}


def _list_options(model: Model) -> Iterator[tuple[str, ValueSet]]:
    for section in put_questionnaire(model)["sections"]:
        for question in section["questions"]:
            options = list_options(question, model.words.answers.none_of_these)
            codes = {option["id"]: option["label"] for option in options}
            if codes:
                label = question["label"]
                title = label[0].upper() + label[1:]
                yield question["id"].replace("_", "-"), ValueSet(title, question["ask"], codes)


def _list_results(model: Model) -> Iterator[tuple[str, ValueSet]]:
    levels = {str(level): name for level, name in model.words.levels.items()}
    yield LEVELS, ValueSet(f"{model.title}: levels", model.what_a_score_is, levels)
    actions = {str(action): name_action(action) for action in ACTIONS}
    title = f"{model.title}: safety"
    yield ACTIONS_ID, ValueSet(title, model.words.record.screen, actions)


def name_value_set(id_: str) -> str:
    """The canonical name of a value set."""
    return f"{VALUE_SETS}/{id_}"


def put_value_set(model: Model, id_: str) -> dict[str, Any]:
    """One of the value sets by its id, the same in R4 and R5."""
    told = list_value_sets(model)[id_]
    concepts = [{"code": code, "display": display} for code, display in told.codes.items()]
    include = {"system": CODES, "version": model.version, "concept": concepts}
    contains = [{"system": CODES, "version": model.version, **concept} for concept in concepts]
    return {
        "resourceType": "ValueSet",
        "id": id_,
        "language": model.language.tag,
        "text": put_text(told.title, told.description, *told.codes.values()),
        "url": name_value_set(id_),
        **name_edition(model),
        "name": "PsoasRisk" + "".join(word.title() for word in id_.split("-")),
        "title": told.title,
        "description": told.description,
        "compose": {"include": [include]},
        "expansion": {
            **put_date(model, "timestamp"),
            "total": len(contains),
            "contains": contains,
        },
    }
