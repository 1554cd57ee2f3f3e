"""Our operations as FHIR defines operations: what is sent to each, and what comes back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from api.fhir.names import BASE
from api.fhir.questionnaire import name_edition, put_text
from api.fhir.shape import ROOT
from rules.definitions import Model
from rules.folder import ENGLISH

ASSESS, BULK = "assess", "bulk-assess"


class Operation(NamedTuple):
    """What is to be said of an operation."""

    title: str
    description: str
    on: str = ""
    """The type of resource that it is asked of; of the whole system where there is none."""
    keeps: bool = False
    """Whether anything is stored by it."""
    takes: str = ""
    """What the resource is that is sent."""
    gives: str = ""
    """What the resource is that comes back."""


OPERATIONS: Mapping[str, Operation] = {
    ASSESS: Operation(
        "Assess responses",
        "Assesses a QuestionnaireResponse to one of our Questionnaires, or each of a Bundle of at most 100. What "
        "safety calls for comes first. Nothing is stored.",
        on=ROOT,
        takes="A QuestionnaireResponse, or a Bundle of them: as the body itself, or as the one parameter of Parameters.",
        gives="A Bundle with RiskAssessment and Observations, and a Flag where a warning sign was reported; for a "
        "Bundle one such Bundle, or an OperationOutcome, a response.",
    ),
    BULK: Operation(
        "Assess a file of responses",
        "Assesses a file of QuestionnaireResponses of any size. The body is no resource but application/fhir+ndjson, a "
        "response a line. It is answered by the asynchronous pattern: 202, and Content-Location says where to ask "
        "until a manifest lists the files of results. The file and its results are kept until they are erased.",
        keeps=True,
    ),
}
"""Our operations by their codes, which are their ids as well."""


def name_operation(code: str) -> str:
    """The canonical name of an operation."""
    return f"{BASE}/OperationDefinition/{code}"


def put_operation(model: Model, code: str) -> dict[str, Any]:
    """The OperationDefinition of one of our operations, the same in R4 and R5."""
    told = OPERATIONS[code]
    parameters = [
        _put_parameter(name, use, text)
        for name, use, text in (("resource", "in", told.takes), ("return", "out", told.gives))
        if text
    ]
    put: dict[str, Any] = {
        "resourceType": "OperationDefinition",
        "id": code,
        "language": ENGLISH,
        "text": put_text(told.title, told.description),
        "url": name_operation(code),
        **name_edition(model),
        "name": "".join(word.title() for word in ("psoas", *code.split("-"))),
        "title": told.title,
        "kind": "operation",
        "description": told.description,
        "affectsState": told.keeps,
        "code": code,
        "system": not told.on,
        "type": bool(told.on),
        "instance": False,
    }
    if told.on:
        put["resource"] = [told.on]
    return {**put, "parameter": parameters} if parameters else put


def _put_parameter(name: str, use: str, text: str) -> dict[str, Any]:
    """A parameter; what is sent and what comes back is one resource each."""
    kind = "Resource" if use == "in" else "Bundle"
    return {"name": name, "use": use, "min": 1, "max": "1", "documentation": text, "type": kind}
