"""What the service can do in FHIR, as it tells others; and what it holds, as it is found."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from api.fhir.names import BASE, FULL_RELEASE, MEDIA_TYPE, Release
from api.fhir.questionnaire import PUBLISHER, put_text
from rules.definitions import Model

CHANGED = "2026"
"""The year in which what is stated here last changed."""
READ, FIND = {"code": "read"}, {"code": "search-type"}
ASSESS = {"name": "assess", "definition": f"{BASE}/OperationDefinition/assess"}
HELD: tuple[dict[str, Any], ...] = (
    {"type": "CodeSystem", "interaction": [READ]},
    {
        "type": "Questionnaire",
        "interaction": [READ, FIND],
        "searchParam": [{"name": "url", "type": "uri"}],
    },
    {"type": "QuestionnaireResponse", "operation": [ASSESS]},
)
"""What can be done with each kind of resource."""
SHORT = (
    *("resourceType", "id", "language", "url", "version", "name", "title"),
    *("status", "experimental", "subjectType", "date", "publisher"),
)
"""What stays of a questionnaire in a summary, as FHIR marks it."""
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
        "date": CHANGED,
        "publisher": PUBLISHER,
        "description": model.intended_use,
        "kind": "instance",
        "software": {"name": PUBLISHER, "version": model.version},
        "implementation": {"description": model.title},
        "fhirVersion": FULL_RELEASE[release],
        "format": [MEDIA_TYPE],
        "rest": [{"mode": "server", "resource": list(HELD)}],
    }


def put_short(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A resource without what is not in its summary, and marked so."""
    kept = {name: resource[name] for name in SHORT if name in resource}
    return {**kept, "meta": {"tag": [SUBSETTED]}}


def put_found(
    kind: str, resources: Iterable[Mapping[str, Any]], asked: Mapping[str, str]
) -> dict[str, Any]:
    """Resources as the answer to a search for their kind; `asked` is what was heeded of its parameters."""
    entries = [
        {"fullUrl": resource["url"], "resource": resource, "search": {"mode": "match"}}
        for resource in resources
    ]
    query = urlencode({name: value for name, value in asked.items() if value})
    found: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "link": [{"relation": "self", "url": f"{kind}?{query}" if query else kind}],
    }
    return {**found, "entry": entries} if entries else found
