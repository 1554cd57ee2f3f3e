"""What a record sends along with a call for cards, and which of the responses in it are put on cards."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from api.fhir.outcome import Issue, find_empty, tell_fault
from api.fhir.provenance import find_first_day, find_id, find_moment
from api.fhir.response import WITHDRAWN, is_ours
from api.fhir.shape import ROOT

FINISHED = ("completed", "amended")
"""The states in which a questionnaire was answered to its end."""
START = "T00:00:00Z"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OUTCOME = "OperationOutcome"
REFERENCE = re.compile(
    r"(?:[^?]*/)?([A-Z][A-Za-z]{1,40}/[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
"""A reference that names a resource by its type and id, on whatever server and in whatever version."""


class Authored(NamedTuple):
    """When a response was answered, as far as it says so."""

    date: str = ""
    """The day, month or year, as it stands there; empty where there is none."""
    moment: datetime | None = None
    """The moment, or the first one of that day, month or year."""
    is_exact: bool = False
    """Whether the time of day is told, too."""


class Given(NamedTuple):
    """A response, with what is known of it before its answers are read."""

    document: Mapping[str, Any]
    name: str
    """Its FHIR id; empty where it has none."""
    when: Authored
    is_finished: bool


class Found(NamedTuple):
    """What there is to put on cards; nothing where the patient has no answers."""

    given: Given | None = None
    """The newest finished response to one of our questionnaires, or else the newest that there is."""
    draft: Given | None = None
    """The newest one that is not finished, where `given` is and may be the older one of the two."""
    issues: tuple[Issue, ...] = ()
    """Why nothing could be looked for."""
    is_of_another: bool = False
    """Whether there are only answers of somebody else."""
    is_failed: bool = False
    """Whether the record's own search failed, so that nobody knows what there is."""


def find_given(sent: object, patient: str) -> Found:
    """What there is in what was sent along for a patient: a response, or a Bundle as a search gives it."""
    if sent is None:
        return Found()
    kind = sent.get("resourceType") if isinstance(sent, dict) else None
    if not isinstance(sent, dict) or kind not in (ROOT, "Bundle", OUTCOME):
        text = f"must be a FHIR resource of the type {ROOT}, or a Bundle of them"
        return Found(issues=(tell_fault("wrong_type", text, ROOT),))
    if kind != "Bundle":
        return choose([sent], patient) if kind == ROOT else Found(is_failed=True)
    listed = sent.get("entry")
    if listed is not None and not isinstance(listed, list):
        fault = tell_fault("wrong_type", "must be a list of entries", "Bundle.entry")
        return Found(issues=(fault,))
    return look_into(listed or [], patient)


def look_into(entries: Iterable[object], patient: str) -> Found:
    """What there is in the entries of a Bundle."""
    resources = [entry.get("resource") if isinstance(entry, dict) else None for entry in entries]
    responses = [
        one for one in resources if isinstance(one, dict) and one.get("resourceType") == ROOT
    ]
    if responses:
        return choose(responses, patient)
    return Found(issues=tuple(find_empty(entries)), is_failed=any(map(tells_failure, resources)))


def tells_failure(resource: object) -> bool:
    """Whether this is an OperationOutcome that tells more than a warning."""
    if not isinstance(resource, dict) or resource.get("resourceType") != OUTCOME:
        return False
    issues = resource.get("issue")
    if not isinstance(issues, list) or not issues:
        return True
    mild = ("warning", "information", "success")
    return any(not isinstance(one, dict) or one.get("severity") not in mild for one in issues)


def choose(responses: Iterable[Mapping[str, Any]], patient: str) -> Found:
    """Of some responses those that are put on cards; withdrawn ones and those of others are passed over."""
    standing = [one for one in responses if one.get("status") != WITHDRAWN]
    known = patient.rpartition("/")[2]
    about = [one for one in standing if not known or find_patient(one) in (None, known)]
    own = [one for one in about if is_ours(one)] or about
    newest = sorted((describe(one) for one in own), key=_sort_newest)
    if not newest:
        return Found(is_of_another=bool(standing))
    finished = [one for one in newest if one.is_finished]
    drafts = [one for one in newest if not one.is_finished]
    if not finished:
        return Found(newest[0])
    draft = drafts[0] if drafts and not _is_older(drafts[0].when, finished[0].when) else None
    return Found(finished[0], draft)


def find_patient(response: Mapping[str, Any]) -> str | None:
    """The id of the patient whose answers these are, or type and id of anybody else; None where it cannot be told."""
    subject = response.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    known = REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    return known[1].removeprefix("Patient/") if known else None


def describe(response: Mapping[str, Any]) -> Given:
    """A response with what it says of itself."""
    return Given(
        response,
        find_id(response.get("id")) or "",
        read_authored(response.get("authored")),
        response.get("status") in FINISHED,
    )


def read_authored(authored: object) -> Authored:
    """What a date and time of FHIR says; nothing where it is none."""
    told = find_moment(authored)
    if told is None:
        return Authored()
    date, _, time = told.partition("T")
    first = told if time else find_first_day(date) + START
    return Authored(date, datetime.fromisoformat(first), bool(time))


def _sort_newest(given: Given) -> tuple[bool, float]:
    """What to sort by so that the newest comes first, and what has no date last, as they came."""
    moment = given.when.moment
    return moment is None, -(moment - EPOCH).total_seconds() if moment else 0.0


def _is_older(one: Authored, other: Authored) -> bool:
    """Whether one is surely before the other."""
    if one.moment is None or other.moment is None:
        return False
    if one.is_exact:
        return one.moment < other.moment
    return one.date < other.date[: len(one.date)]
