"""What results take over from a response: whose answers they are, when they were given, and the response's name."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from api.fhir.names import ABSENT
from api.fhir.outcome import NOT_TAKEN_OVER, Issue
from api.fhir.shape import ROOT

FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
REFERENCE = re.compile(
    r"(https?://[A-Za-z0-9._~:%$/-]{1,200}/)?(Patient|Group)/[A-Za-z0-9.-]{1,64}"
    r"(/_history/[A-Za-z0-9.-]{1,64})?"
    r"|urn:uuid:[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
    r"|urn:oid:[0-2](\.(0|[1-9][0-9]{0,40})){1,40}"
)
"""What a reference to a person may look like. A RiskAssessment may be about a Patient or a Group and nothing else."""
SYSTEM = re.compile(r"(https?://|urn:)[A-Za-z0-9._~:%$/#?=&+-]{1,200}")
NUMBER = re.compile(r"[\w.:/|#+-]([\w .:/|#+-]{0,98}[\w.:/|#+-])?")
"""What the number of a person in a register may look like."""
MOMENT = re.compile(
    r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"
    r"((?<=-[0-9]{2}-[0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00))?"
)
"""FHIR's dateTime: a year, a month, a day, or a moment with its offset."""
FIRST_DAY = "2026-01-01"
LEFT_OUT = "cannot be taken over, so the results leave it out"

Resource = dict[str, Any]


class Origin:
    """What is taken over from a response; what cannot be is told as an issue."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        self.subject = find_subject(response.get("subject"))
        self.moment = find_moment(response.get("authored"))
        self.id = find_id(response.get("id"))
        self.basis = [{"reference": f"QuestionnaireResponse/{self.id}"}] if self.id else []
        self.is_open = response.get("status") == "in-progress"
        """Whether the person may still change the answers."""
        self.issues = [*_tell_left_out(response, self)]


def find_subject(subject: object) -> Resource:
    """The reference to a person, or the number in a register, without the name; that it is not known where there is none."""
    taken = _take_subject(subject) if isinstance(subject, dict) else {}
    return taken or {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}


def _take_subject(subject: Mapping[str, Any]) -> Resource:
    taken: Resource = {}
    if _fits(REFERENCE, subject.get("reference")):
        taken["reference"] = subject["reference"]
    identifier = subject.get("identifier")
    if isinstance(identifier, dict) and _fits(NUMBER, identifier.get("value")):
        system = {"system": identifier["system"]} if _fits(SYSTEM, identifier.get("system")) else {}
        if system or "system" not in identifier:
            taken["identifier"] = {**system, "value": identifier["value"]}
    return taken


def find_moment(authored: object) -> str | None:
    """When answers were given, as precisely as it was told; none where that is no moment of the calendar."""
    if not isinstance(authored, str) or not MOMENT.fullmatch(authored):
        return None
    try:
        datetime.fromisoformat(authored if "T" in authored else find_first_day(authored))
    except ValueError:
        return None
    return authored


def find_first_day(date: str) -> str:
    """The first day of a year or a month; of a day itself."""
    return date + FIRST_DAY[len(date) :]


def find_id(id_: object) -> str | None:
    """The id of a response; none where it cannot be one."""
    return id_ if isinstance(id_, str) and FHIR_ID.fullmatch(id_) else None


def _fits(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _tell_left_out(response: Mapping[str, Any], origin: Origin) -> Iterator[Issue]:
    """What was said in a response and is not in the results."""
    given, taken = response.get("subject"), origin.subject
    named = given.keys() & {"reference", "identifier"} if isinstance(given, dict) else set()
    lost = [f"subject.{name}" for name in sorted(named - taken.keys())]
    if given is not None and not lost and "extension" in taken:
        lost = ["subject"]
    lost += [
        name
        for name, found in (("authored", origin.moment), ("id", origin.id))
        if response.get(name) is not None and found is None
    ]
    for place in lost:
        yield Issue("not-supported", LEFT_OUT, f"{ROOT}.{place}", NOT_TAKEN_OVER, "warning")
