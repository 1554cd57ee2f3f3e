"""Errors as FHIR tells them: an OperationOutcome that names each place, and repeats nothing that was sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from api.fhir.names import FAULTS, put_said
from api.problems import KINDS
from rules.errors import FaultCode
from rules.folder import ENGLISH

Severity = Literal["fatal", "error", "warning", "information"]
IssueType = Literal[
    "structure",
    "required",
    "value",
    "invariant",
    "code-invalid",
    "too-long",
    "not-supported",
    "not-found",
    "conflict",
    "login",
    "forbidden",
    "throttled",
    "transient",
    "no-store",
    "timeout",
    "exception",
    "processing",
    "business-rule",
    "informational",
]
"""FHIR's own words for what kind of issue it is, as far as we need them."""

TYPES: Mapping[FaultCode, IssueType] = {
    "unknown_field": "structure",
    "wrong_type": "value",
    "out_of_range": "value",
    "not_an_option": "code-invalid",
    "missing": "required",
    "contradiction": "invariant",
    "malformed": "structure",
}
"""FHIR's word for each of our faults."""
TYPES_BY_STATUS: Mapping[int, IssueType] = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    500: "exception",
    503: "transient",
    507: "no-store",
}
"""FHIR's word for a refusal as a whole, by HTTP status."""
OTHER_TOTAL, NOT_TAKEN_OVER, MORE_FAULTS = "other_total", "not_taken_over", "more_faults"
OWN_CODES = (OTHER_TOTAL, NOT_TAKEN_OVER, MORE_FAULTS)
"""Our codes for what is told of responses alone: a total that is not ours, what results leave out, and faults not listed."""


class Issue(NamedTuple):
    """One thing to be told about what was sent, or about what became of it."""

    kind: IssueType
    text: str
    """A plain sentence; it never holds what was sent."""
    expression: str = ""
    """FHIRPath to the place, such as `QuestionnaireResponse.item.where(linkId='runs')`."""
    code: str = ""
    """Our own code, stable."""
    severity: Severity = "error"
    system: str = FAULTS
    """The code system of our own code."""
    language: str = ENGLISH
    """Of the text."""


def tell_fault(code: FaultCode, text: str, expression: str) -> Issue:
    """One of our faults as an issue."""
    return Issue(TYPES[code], text, expression, code)


def tell_refusal(status: int, text: str = "") -> Issue:
    """A request that is refused as a whole, by its HTTP status."""
    known = KINDS.get(status)
    kind = TYPES_BY_STATUS.get(status, "processing")
    severity: Severity = "fatal" if status == 500 else "error"
    return Issue(kind, text or (known.detail if known else "This was refused."), severity=severity)


def put_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """An OperationOutcome, the same in R4 and R5; it is in the language of what it tells first."""
    told = list(issues)
    language = told[0].language if told else ENGLISH
    return {
        "resourceType": "OperationOutcome",
        "language": language,
        "issue": [_put_issue(issue, language) for issue in told],
    }


def _put_issue(issue: Issue, around: str) -> dict[str, Any]:
    details: dict[str, Any] = put_said(issue.text, issue.language, around)
    if issue.code:
        details = {"coding": [{"system": issue.system, "code": issue.code}], **details}
    put = {"severity": issue.severity, "code": issue.kind, "details": details}
    return {**put, "expression": [issue.expression]} if issue.expression else put


def find_empty(entries: Iterable[object]) -> Iterator[Issue]:
    """The entries of a Bundle that have no resource."""
    for place, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
            yield tell_fault("missing", "has no resource", f"Bundle.entry[{place}]")
