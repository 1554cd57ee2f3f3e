"""The questionnaire as FHIR has it: one that asks, and one that works out the scores as well."""

import re
from collections.abc import Iterator
from html import escape
from typing import Any

from api.fhir.names import ABSENT, PLAIN, QUESTIONNAIRES, SCORING, Release, name_version
from api.fhir.questionnaire_items import (
    Item,
    find_loinc,
    is_answered,
    is_not,
    put_display,
    put_question,
    put_rule,
)
from api.fhir.questionnaire_scores import put_scores
from api.knowledge import SectionToAsk, put_questionnaire
from rules.definitions import Model

PUBLISHER = "Psoas Risk"
NAMES = {PLAIN: "PsoasRisk", SCORING: "PsoasRiskScores"}
"""The questionnaires' names for programs, by id."""
YEAR = re.compile(r"(\d{4})\.")


def put_form(model: Model, form: str, release: Release) -> dict[str, Any]:
    """One of the two questionnaires, by its id, for a release of FHIR."""
    sections = put_questionnaire(model)["sections"]
    loinc = find_loinc(model)
    items = [
        put_display("intended_use", model.intended_use),
        *(_put_section(model, section, loinc, release) for section in sections),
    ]
    derived = {}
    if form == SCORING:
        items.append(put_scores(model, sections))
        derived = {"derivedFrom": [name_version(QUESTIONNAIRES[PLAIN], model.version)]}
    return {
        "resourceType": "Questionnaire",
        "id": form,
        "language": model.language.tag,
        "text": put_text(model.title, model.intended_use),
        "url": QUESTIONNAIRES[form],
        **name_edition(model),
        "name": NAMES[form],
        "title": model.title,
        **derived,
        "subjectType": ["Patient"],
        "description": model.intended_use,
        "item": items,
    }


def name_edition(model: Model) -> dict[str, Any]:
    """The version of something of the model's, and what may be relied on.

    What is not validated is marked as experimental.
    """
    return {
        "version": model.version,
        "status": "active",
        "experimental": model.validation_status == "not_validated",
        **put_date(model),
        "publisher": PUBLISHER,
    }


def put_date(model: Model, name: str = "date") -> dict[str, Any]:
    """The year in which a version's name begins, so that it changes with the model alone; else that there is no date."""
    if year := YEAR.match(model.version):
        return {name: year[1]}
    return {f"_{name}": {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}}


def put_text(*paragraphs: str) -> dict[str, str]:
    """What a person reads who has no program for the rest."""
    put = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{put}</div>',
    }


def _put_section(
    model: Model, section: SectionToAsk, loinc: dict[str, str], release: Release
) -> Item:
    none = model.words.answers.none_of_these
    items = [put_question(question, loinc, release, none) for question in section["questions"]]
    if section["id"] == "red_flags":
        items += _put_actions(model)
    return {"linkId": section["id"], "type": "group", "text": section["name"], "item": items}


def _put_actions(model: Model) -> Iterator[Item]:
    """What to do, said in the form itself: only what the most urgent answer calls for.

    A less urgent text stands in a group of its own, as an item cannot ask for one of some answers
    and for none of others at the same time.
    """
    for action, flags, more_urgent in model.safety.flags_by_urgency:
        name, text = f"action_{action}", model.safety.actions[action].text
        called_for = put_rule([is_answered(flag, True) for flag in flags], "any")
        if more_urgent:
            unless = put_rule([is_not(flag, True) for flag in more_urgent], "all")
            told = {**put_display(name, text), **unless}
            yield {"linkId": f"{name}-group", "type": "group", **called_for, "item": [told]}
        else:
            yield {**put_display(name, text), **called_for}
