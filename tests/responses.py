"""QuestionnaireResponses for tests: one person's answers as different clients send them."""

from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from people import MODEL

from api.fhir.names import CODES, QUESTIONNAIRE, SCORING_QUESTIONNAIRE, name_version
from api.fhir.questionnaire_items import list_options
from api.knowledge import QuestionToAsk, put_questionnaire
from rules.assessment import Sheet
from rules.questions import NONE_OF_THESE
from rules.writing import name_score

SECTIONS = put_questionnaire(MODEL)["sections"]
PLAIN_FORM = name_version(QUESTIONNAIRE, MODEL.version)
SCORING_FORM = name_version(SCORING_QUESTIONNAIRE, MODEL.version)
WEIGHT = {"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 7}

Item = dict[str, Any]
Client = Mapping[str, bool]
"""What a client does that others do not."""
HABITS_OF_CLIENTS = (
    *("nests", "says_texts", "sends_displays", "leaves_systems_out", "sends_weights"),
    *("sends_whole_decimals", "sends_empty_items", "adds_meta", "names_subject"),
)
PLAINEST: Client = {"nests": True}
clients: st.SearchStrategy[Client] = st.fixed_dictionaries(
    dict.fromkeys(HABITS_OF_CLIENTS, st.booleans())
)


def put_response(sheet: Sheet, client: Client = PLAINEST, **more: Any) -> dict[str, Any]:
    """A response with what a person answered, as a client sends it."""
    items: list[Item] = []
    for section in SECTIONS:
        part = getattr(sheet, section["part"])
        found = [*_put_items(section["questions"], part, client)]
        if client.get("nests") and found:
            items.append({"linkId": section["id"], "item": found})
        else:
            items += found
    return {
        "resourceType": "QuestionnaireResponse",
        **(META if client.get("adds_meta") else {}),
        **({"subject": {"reference": "Patient/7"}} if client.get("names_subject") else {}),
        "questionnaire": PLAIN_FORM,
        "status": "completed",
        **more,
        **({"item": items} if items else {}),
    }


META: dict[str, Any] = {
    "meta": {
        "profile": ["http://hl7.org/fhir/4.0/StructureDefinition/QuestionnaireResponse"],
        "tag": [{"code": "lformsVersion: 40.1.3"}],
    },
    "authored": "2026-08-01T09:30:12.345Z",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Said</div>'},
}
"""What clients send along that nobody asked for."""


def _put_items(
    questions: list[QuestionToAsk], part: Mapping[str, Any], client: Client
) -> Iterator[Item]:
    for question in questions:
        answer = part.get(question["id"])
        text = {"text": question["ask"]} if client.get("says_texts") else {}
        if answer is not None:
            given = (answer or [NONE_OF_THESE]) if isinstance(answer, list) else [answer]
            values = [_put_value(question, one, client) for one in given]
            yield {"linkId": question["id"], **text, "answer": values}
        elif client.get("sends_empty_items"):
            yield {"linkId": question["id"], **text}


def _put_value(question: QuestionToAsk, answer: Any, client: Client) -> Item:
    if question["answer"] == "yes_no":
        return {"valueBoolean": answer}
    if question["answer"] in ("choice", "several"):
        options = list_options(question, MODEL.words.answers.none_of_these)
        label = next(option["label"] for option in options if option["id"] == answer)
        return {
            "valueCoding": {
                **({} if client.get("leaves_systems_out") else {"system": CODES}),
                **({"extension": [WEIGHT]} if client.get("sends_weights") else {}),
                "code": answer,
                **({"display": label} if client.get("sends_displays") else {}),
            }
        }
    if client.get("sends_whole_decimals"):
        return {"valueDecimal": float(answer)}
    return {"valueInteger" if float(answer).is_integer() else "valueDecimal": answer}


def put_totals(scores: Mapping[str, float | None]) -> Item:
    """The totals that a form worked out, as it sends them."""
    return {
        "linkId": "scores",
        "item": [
            {"linkId": name_score(about), "answer": [{"valueDecimal": score}]}
            for about, score in scores.items()
            if score is not None
        ],
    }
