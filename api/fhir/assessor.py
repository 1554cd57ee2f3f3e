"""Responses assessed: each is read, checked as every other request is, scored, and put into FHIR."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from api.fhir.assessment import ResultWriter, put_bundle
from api.fhir.names import CODES
from api.fhir.outcome import MORE_FAULTS, Issue, find_empty, put_outcome, tell_fault
from api.fhir.provenance import Origin, Resource
from api.fhir.response import MOST_TOLD, ResponseReader, find_other_totals, tell_faults
from api.fhir.shape import ROOT
from api.payloads import AssessPayload
from api.problems import Refusal
from rules.advice import SafetyAdvice
from rules.assessment import Assessor
from rules.folder import ENGLISH
from rules.person import Person
from rules.results import Assessment
from rules.screening import screen, tell_screening

MOST_RESPONSES = 100
"""How many responses a Bundle may have; files of more go to /batches."""
MOST_TOLD_TOGETHER = 2_000
"""How many faults are told of all responses of a Bundle; each has the same share."""
MORE = "There are more faults than are listed here."


class Assessed(NamedTuple):
    """What came of a response: an assessment, or what is wrong with it."""

    assessment: Assessment | None
    issues: list[Issue]
    """What is wrong with it where there is no assessment; else what else there is to tell."""
    safety: SafetyAdvice | None = None
    """What the red flags call for that could be read, whatever else is wrong; None where they are nobody's answers."""
    body: Mapping[str, Mapping[str, Any]] = {}
    """The answers that could be read, by the part of a request in which they are sent."""


class ResponseAssessor:
    """The rules made ready to assess responses in one language."""

    def __init__(
        self, reader: ResponseReader, payload: type[AssessPayload], assessor: Assessor
    ) -> None:
        self._reader, self._payload, self._assessor = reader, payload, assessor
        self._writer = ResultWriter(assessor.model)
        self.told_in = assessor.model.language.told_in

    def assess(self, document: object) -> Assessed:
        """Assess what one response says; called with any parsed JSON."""
        reading = self._reader.read(document)
        issues, body = list(reading.issues), reading.body
        payload = None
        if body:
            try:
                payload = self._payload.read(body)
            except Refusal as refused:
                issues.extend(tell_faults(refused.faults, reading.places))
        if issues or payload is None:
            return Assessed(None, cut_issues(issues, MOST_TOLD), self._screen(document), body)
        assessment = self._assessor.assess(payload.sheet)
        scores = {habit["id"]: habit["score"] for habit in assessment["habits"]}
        scores["index"] = assessment["index"]["score"]
        others = list(find_other_totals(reading, scores))
        return Assessed(assessment, others, assessment["safety"], body)

    def _screen(self, document: object) -> SafetyAdvice | None:
        """What safety calls for by the answers that can be read, so that no sign is lost to a fault elsewhere."""
        signs, safety = self._reader.find_signs(document), self._assessor.model.safety
        return None if signs is None else tell_screening(safety, screen(Person(signs), safety))

    def put(self, document: object, most: int = MOST_TOLD) -> tuple[Resource, bool]:
        """The results of a response as a Bundle, or an OperationOutcome; and whether it could be assessed."""
        assessed = self.assess(document)
        if assessed.assessment is None or not isinstance(document, dict):
            return put_outcome(self.tell_unread(assessed, most)), False
        return self.put_assessed(assessed, Origin(document)), True

    def tell_unread(self, assessed: Assessed, most: int = MOST_TOLD) -> list[Issue]:
        """What is told of a response that could not be assessed: what a sign calls for, and then what is wrong."""
        safety, issues = assessed.safety, cut_issues(assessed.issues, most)
        if safety is None or safety["action"] == "none":
            return issues
        sign = Issue(
            "informational",
            safety["text"],
            ROOT,
            safety["action"],
            "warning",
            CODES,
            self._assessor.model.language.of_warnings,
        )
        return [sign, *issues]

    def put_assessed(self, assessed: Assessed, origin: Origin) -> Resource:
        """The results of a response that could be assessed."""
        assert assessed.assessment is not None  # noqa: S101  # asked before
        return self._writer.put(assessed.assessment, origin, assessed.issues)

    def put_any(self, document: object) -> tuple[Resource, bool]:
        """The results of a response, or of each response of a Bundle; and whether there are any."""
        if isinstance(document, dict) and document.get("resourceType") == "Parameters":
            if issues := list(find_unclear(document)):
                return put_outcome(issues), False
            document = document["parameter"][0]["resource"]
        if isinstance(document, dict) and document.get("resourceType") == "Bundle":
            return self.put_all(document)
        return self.put(document)

    def put_all(self, bundle: Mapping[str, Any]) -> tuple[Resource, bool]:
        """The results of each response of a Bundle in its place; and whether it is one that can be used."""
        if issues := list(find_unusable(bundle)):
            return put_outcome(issues), False
        entries = bundle["entry"]
        share = min(MOST_TOLD, MOST_TOLD_TOGETHER // len(entries))
        results = [self.put(entry["resource"], share)[0] for entry in entries]
        return put_bundle(results, alike=True), True


def make_response_assessors(
    payload: type[AssessPayload], assessors: Mapping[str, Assessor]
) -> Mapping[str, ResponseAssessor]:
    """The rules made ready to assess responses, by language; what is asked is called the same in each."""
    reader = ResponseReader(assessors[ENGLISH].model)
    return {tag: ResponseAssessor(reader, payload, own) for tag, own in assessors.items()}


def cut_issues(issues: Sequence[Issue], most: int) -> list[Issue]:
    """The first issues, and that there are more where there are."""
    if len(issues) <= most:
        return list(issues)
    kept = [issue for issue in issues[:most] if issue.code != MORE_FAULTS]
    return [*kept, Issue("informational", MORE, ROOT, MORE_FAULTS, "information")]


def find_unclear(parameters: Mapping[str, Any]) -> Iterator[Issue]:
    """Whatever keeps Parameters from being one resource to be assessed."""
    given = parameters.get("parameter")
    only = given[0] if isinstance(given, list) and len(given) == 1 else None
    if not isinstance(only, dict) or not isinstance(only.get("resource"), dict):
        text = "must be a list of one parameter, with the resource to be assessed"
        yield tell_fault("missing", text, "Parameters.parameter")


def find_unusable(bundle: Mapping[str, Any]) -> Iterable[Issue]:
    """Whatever keeps a Bundle from being looked into."""
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        yield tell_fault(
            "missing", "must be a list of entries, each with a resource", "Bundle.entry"
        )
    elif len(entries) > MOST_RESPONSES:
        text = f"may have {MOST_RESPONSES} entries at most"
        yield Issue("too-long", text, "Bundle.entry", "out_of_range")
    else:
        yield from find_empty(entries)
