"""Responses assessed: each is read, checked as every other request is, scored, and put into FHIR."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from api.fhir.assessment import Origin, Resource, ResultWriter, put_bundle
from api.fhir.outcome import Issue, put_outcome, tell_fault
from api.fhir.response import ResponseReader, find_other_totals, tell_faults
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


class Assessed(NamedTuple):
    """What came of a response: an assessment, or what is wrong with it."""

    assessment: Assessment | None
    issues: list[Issue]
    """What is wrong with it where there is no assessment; else what else there is to tell."""
    safety: SafetyAdvice | None = None
    """What the red flags call for that could be read, whatever else is wrong; None where there are none."""


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
        issues = list(reading.issues)
        if not reading.body:
            return Assessed(None, issues)
        safety = self._screen(reading.body["red_flags"])
        try:
            payload = self._payload.read(reading.body)
        except Refusal as refused:
            issues.extend(tell_faults(refused.faults, reading.places))
            return Assessed(None, issues, safety)
        if issues:
            return Assessed(None, issues, safety)
        assessment = self._assessor.assess(payload.sheet)
        scores = {habit["id"]: habit["score"] for habit in assessment["habits"]}
        scores["index"] = assessment["index"]["score"]
        return Assessed(assessment, list(find_other_totals(reading, scores)), assessment["safety"])

    def _screen(self, red_flags: Mapping[str, Any]) -> SafetyAdvice:
        """What safety calls for by the answers that can be read, so that no sign is lost to a fault elsewhere."""
        safety = self._assessor.model.safety
        read = {name: answer for name, answer in red_flags.items() if isinstance(answer, bool)}
        return tell_screening(safety, screen(Person(read), safety))

    def put(self, document: object) -> tuple[Resource, bool]:
        """The results of a response as a Bundle, or an OperationOutcome; and whether it could be assessed."""
        assessed = self.assess(document)
        if assessed.assessment is None or not isinstance(document, dict):
            return put_outcome(assessed.issues), False
        return self._writer.put(assessed.assessment, Origin(document), assessed.issues), True

    def put_any(self, document: object) -> tuple[Resource, bool]:
        """The results of a response, or of each response of a Bundle; and whether there are any."""
        if isinstance(document, dict) and document.get("resourceType") == "Bundle":
            return self.put_all(document)
        return self.put(document)

    def put_all(self, bundle: Mapping[str, Any]) -> tuple[Resource, bool]:
        """The results of each response of a Bundle in its place; and whether it is one that can be used."""
        if issues := list(find_unusable(bundle)):
            return put_outcome(issues), False
        results = [self.put(entry["resource"])[0] for entry in bundle["entry"]]
        return put_bundle(results, alike=True), True


def make_response_assessors(
    payload: type[AssessPayload], assessors: Mapping[str, Assessor]
) -> Mapping[str, ResponseAssessor]:
    """The rules made ready to assess responses, by language; what is asked is called the same in each."""
    reader = ResponseReader(assessors[ENGLISH].model)
    return {tag: ResponseAssessor(reader, payload, own) for tag, own in assessors.items()}


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
        for place, entry in enumerate(entries):
            if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
                yield tell_fault("missing", "has no resource", f"Bundle.entry[{place}]")
