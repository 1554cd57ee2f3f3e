"""What the service can do in FHIR, as it tells others; and what it holds, as it is found."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from api.fhir.names import BASE, FULL_RELEASE, MEDIA_TYPE, Release
from api.fhir.operations import OPERATIONS, name_operation
from api.fhir.questionnaire import PUBLISHER, put_date, put_text
from api.fhir.shape import ROOT
from rules.definitions import Model

READ, FIND = {"code": "read"}, {"code": "search-type"}
FOUND: dict[str, Any] = {
    "interaction": [READ, FIND],
    "searchParam": [
        {"name": "_id", "type": "token"},
        {"name": "url", "type": "uri"},
        {"name": "version", "type": "token"},
    ],
}
"""What can be done with a kind of resource that can be searched for."""


def list_operations(on: str) -> list[dict[str, str]]:
    """The operations that are asked of a type of resource, or of the whole system."""
    return [
        {"name": code, "definition": name_operation(code)}
        for code, told in OPERATIONS.items()
        if told.on == on
    ]


HELD: tuple[dict[str, Any], ...] = (
    {"type": "CodeSystem", "interaction": [READ]},
    {"type": "OperationDefinition", "interaction": [READ]},
    {"type": "Questionnaire", **FOUND},
    {"type": ROOT, "operation": list_operations(ROOT)},
    {"type": "ValueSet", **FOUND},
)
"""What can be done with each kind of resource."""
Summary = Literal["true", "text", "data", "count", "false"]
"""What `_summary` may ask for."""
SHORT = (
    *("resourceType", "id", "language", "url", "version", "name", "title"),
    *("status", "experimental", "subjectType", "date", "_date", "publisher"),
)
"""What stays of a resource in a summary, as FHIR marks it."""
READABLE = ("resourceType", "id", "language", "text", "status")
"""What stays of a resource where only its text is wanted: that, and what must be there."""
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}


def put_capability(model: Model, release: Release) -> dict[str, Any]:
    """The CapabilityStatement of a release."""
    return {
        "resourceType": "CapabilityStatement",
        "id": "psoas-risk",
        "language": model.language.tag,
        "text": put_text(model.title, model.intended_use),
        "url": f"{BASE}/CapabilityStatement/psoas-risk",
        "version": model.version,
        "name": "PsoasRiskCapability",
        "title": model.title,
        "status": "active",
        **put_date(model),
        "publisher": PUBLISHER,
        "description": model.intended_use,
        "kind": "instance",
        "software": {"name": PUBLISHER, "version": model.version},
        "implementation": {"description": model.title},
        "fhirVersion": FULL_RELEASE[release],
        "format": [MEDIA_TYPE],
        "rest": [
            {"mode": "server", "resource": list(HELD), "operation": list_operations("")},
        ],
    }


def put_part(resource: Mapping[str, Any], summary: Summary) -> Mapping[str, Any]:
    """As much of a resource as is wanted, marked where it is not the whole."""
    kept: Iterable[str]
    match summary:
        case "true":
            kept = SHORT
        case "text":
            kept = READABLE
        case "data":
            kept = [name for name in resource if name != "text"]
        case _:
            return resource
    put = {name: resource[name] for name in kept if name in resource}
    return {**put, "meta": {"tag": [SUBSETTED]}}


def put_found(
    kind: str,
    resources: Sequence[Mapping[str, Any]],
    summary: Summary,
    asked: Mapping[str, str],
) -> dict[str, Any]:
    """Resources as the answer to a search for their kind; `asked` is what was heeded of its parameters."""
    entries = [
        {
            "fullUrl": resource["url"],
            "resource": put_part(resource, summary),
            "search": {"mode": "match"},
        }
        for resource in (() if summary == "count" else resources)
    ]
    whole = {**asked, "_summary": "" if summary == "false" else summary}
    query = urlencode({name: value for name, value in whole.items() if value})
    found: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "link": [{"relation": "self", "url": f"{kind}?{query}" if query else kind}],
    }
    return {**found, "entry": entries} if entries else found
