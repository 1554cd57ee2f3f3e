"""Responses that stand in a file, one a line: each as a row of answers, and what `$assess` says of it as lines of files."""

import re
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from api.batch.json_lines import MALFORMED
from api.batch.mapping import asked_in_batches
from api.batch.responses import AssessedLine
from api.bodies import parse_json
from api.fhir.assessor import Assessed, ResponseAssessor, make_response_assessors
from api.fhir.outcome import Issue, put_outcome, tell_fault
from api.fhir.provenance import Origin, Resource
from api.fhir.shape import ROOT
from api.payloads import assess_payload
from api.problems import Refusal
from rules.assessment import Assessor
from rules.definitions import Model
from rules.folder import ENGLISH
from rules.rows import BETWEEN

OWN = ("response", "subject")
"""The columns that say whose row it is: the id of the response, and the reference to a person."""
LINK = re.compile(r"linkId='([^']*)'")
NO_JSON = tell_fault("malformed", "is not a JSON object", "")
"""It names no place: a file may have millions of such lines, each far shorter than what is told of it."""


class LineAssessor:
    """The rules made ready to assess responses that stand in lines."""

    def __init__(self, model: Model, responses: ResponseAssessor) -> None:
        self._responses = responses
        self._asked = tuple(asked_in_batches(model))
        self.header: Sequence[str] = name_columns(model)

    def assess_all(self, lines: Sequence[tuple[int, bytes]]) -> Sequence[AssessedLine]:
        """What comes of lines, each with its number, the first of which is 1."""
        return [self.assess(line, number) for number, line in lines]

    def assess(self, line: bytes, number: int) -> AssessedLine:
        """What comes of a line; numbers begin with 1."""
        document = read_object(line)
        if document is None or MALFORMED in document:  # one that was put aside, and is sent again
            problem, is_object = f"line {number}: malformed", document is not None
            told = {"errors": put_lines([put_numbered([NO_JSON], number)])}
            return AssessedLine([None] * len(self.header), problem, told, is_object)
        assessed, origin = self._responses.assess(document), Origin(document)
        cells = self._put_cells(assessed, origin)
        if assessed.assessment is None:
            issues = self._responses.tell_unread(assessed)
            told = {"errors": put_lines([put_numbered(issues, number)])}
            return AssessedLine(cells, name_problems(assessed.issues), told)
        result = self._responses.put_assessed(assessed, origin)
        return AssessedLine(cells, "", put_files(result, origin, number))

    def _put_cells(self, assessed: Assessed, origin: Origin) -> list[str | None]:
        """A row: what was answered, as far as it can stand in a cell."""
        answers = {name: one for part in assessed.body.values() for name, one in part.items()}
        own = (origin.id, origin.subject.get("reference"))
        return [*own, *(put_cell(answers.get(name)) for name in self._asked)]


def name_columns(model: Model) -> Sequence[str]:
    """The columns of a row that is made of a response."""
    return (*OWN, *asked_in_batches(model))


def read_object(line: bytes) -> dict[str, Any] | None:
    """The object in a line; none where there is none."""
    try:
        document = parse_json(line)
    except Refusal:
        return None
    return document if isinstance(document, dict) else None


def put_cell(answer: object) -> str | None:
    """An answer as a cell of a batch."""
    match answer:
        case bool():
            return str(answer).lower()
        case str() | int() | float():
            return str(answer)
        case list():
            return ";".join(one for one in answer if isinstance(one, str))
    return None


def name_problems(issues: Sequence[Issue]) -> str:
    """What is wrong with a response as batches tell it: the question or element, and our code."""
    named = (f"{name_place(issue.expression)}: {issue.code or issue.kind}" for issue in issues)
    return BETWEEN.join(dict.fromkeys(named))


def name_place(expression: str) -> str:
    """The innermost question that a FHIRPath leads to, or else the element."""
    links = LINK.findall(expression)
    return links[-1] if links else expression.removeprefix(f"{ROOT}.")


def put_numbered(issues: Sequence[Issue], number: int) -> Resource:
    """An OperationOutcome about a line, which each of its issues names."""
    return number_issues(put_outcome(issues), number)


def number_issues(outcome: Resource, number: int) -> Resource:
    """An OperationOutcome whose issues say which line they are about."""
    line = {"diagnostics": f"line {number}"}
    return {**outcome, "issue": [{**issue, **line} for issue in outcome["issue"]]}


def put_files(result: Resource, origin: Origin, number: int) -> dict[str, str]:
    """The resources of a result by the file that they go to, so that their references lead over the files."""
    files: dict[str, list[Resource]] = defaultdict(list)
    names = dict(name_resources(result, origin, number))
    for entry in result["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if kind == "OperationOutcome":
            files["warnings"].append(number_issues(resource, number))
            continue
        id_ = names[entry["fullUrl"]].partition("/")[2]
        put = {"resourceType": kind, "id": id_, **resource}
        if "basis" in put:
            put["basis"] = [
                {"reference": names.get(one["reference"], one["reference"])} for one in put["basis"]
            ]
        files[kind].append(put)
    return {what: put_lines(resources) for what, resources in files.items()}


def name_resources(result: Resource, origin: Origin, number: int) -> Iterator[tuple[str, str]]:
    """What each resource of a result is called in files, by what it is called in the result.

    Responses that have no id may be alike, so that their lines tell them apart.
    """
    for entry in result["entry"]:
        name = uuid.UUID(entry["fullUrl"])
        id_ = name if origin.id else uuid.uuid5(name, str(number))
        yield entry["fullUrl"], f"{entry['resource']['resourceType']}/{id_}"


def put_lines(resources: Sequence[Mapping[str, Any]]) -> str:
    """Resources, one a line."""
    return "\n".join(orjson.dumps(one).decode() for one in resources)


def make_line_assessor(model: Model) -> LineAssessor:
    """The rules made ready to assess responses that stand in lines, where nothing else assesses."""
    assessor = Assessor(model)
    assessors = make_response_assessors(assess_payload(assessor), {ENGLISH: assessor})
    return LineAssessor(model, assessors[ENGLISH])
