"""Stored assessments in the forms in which callers get them: in full, in short, as a table."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from api.batch.defusing import defuse_text
from api.payloads import AssessPayload
from api.problems import Refusal
from api.storage.assessments import NewAssessment
from api.storage.tables import StoredAssessment
from rules.assessment import Assessor, Sheet
from rules.rows import PARTS, PREFIX
from rules.trend import Told


def put_moment(moment: datetime) -> str:
    """A moment in UTC to the millisecond (RFC 3339)."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def put_any_moment(moment: datetime | None) -> str | None:
    """A moment in the same way, or nothing where there is none."""
    return put_moment(moment) if moment else None


def put_stored(row: StoredAssessment | NewAssessment, *, with_request: bool) -> bytes:
    """A stored assessment in full."""
    answer: dict[str, Any] = {
        "id": str(row.id),
        "person": row.person,
        "created_at": put_moment(row.created_at),
    }
    if with_request:
        answer["request"] = orjson.Fragment(row.request)
    return orjson.dumps({**answer, "assessment": orjson.Fragment(row.result)})


def read_head(result: bytes) -> Any:
    """What an assessment in JSON says first: safety, model and index; the rest is long and takes long."""
    return orjson.loads(result[: result.index(b',"habits":')] + b"}")


def put_summary(row: StoredAssessment) -> dict[str, Any]:
    """A stored assessment in short."""
    index = read_head(row.result)["index"]
    return {
        "id": str(row.id),
        "person": row.person,
        "created_at": put_moment(row.created_at),
        "model_version": row.model_version,
        "safety_action": row.safety_action,
        "index": {name: index[name] for name in ("score", "low", "high", "level", "status")},
    }


def put_export(person: str, rows: Sequence[StoredAssessment]) -> bytes:
    """Everything that is stored of a person."""
    listed = [orjson.Fragment(put_stored(row, with_request=True)) for row in rows]
    return orjson.dumps({"person": person, "assessments": listed})


def put_csv(rows: Sequence[StoredAssessment], assessor: Assessor) -> bytes:
    """Stored assessments as a table: the batch columns, with id and time of each before them."""
    model = assessor.model
    parts = (model.questions, model.safety.flag_ids, model.safety.condition_ids)
    asked = [name for part in parts for name in part]
    asked += [question.id for question in model.symptoms.questions]
    scales = [*(habit.id for habit in model.habits), "index"]
    scores = [f"{PREFIX}{scale}_{part}" for scale in scales for part in PARTS]
    names = ["id", "person", "created_at", *asked, *scores]
    names += [f"{PREFIX}safety_action", f"{PREFIX}cleared", f"{PREFIX}model_version"]
    file = io.StringIO()
    table = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\r\n")
    table.writeheader()
    for row in rows:
        table.writerow({name: _put_cell(value) for name, value in _flatten(row).items()})
    return file.getvalue().encode()


def _flatten(row: StoredAssessment) -> dict[str, Any]:
    request, said = orjson.loads(row.request), orjson.loads(row.result)
    answers = {name: value for part in request.values() for name, value in part.items()}
    scores = {
        f"{PREFIX}{scale['id']}_{part}": scale[part]
        for scale in (*said["habits"], {**said["index"], "id": "index"})
        for part in PARTS
    }
    return {
        **answers,
        **scores,
        "id": str(row.id),
        "person": row.person,
        "created_at": put_moment(row.created_at),
        f"{PREFIX}safety_action": row.safety_action,
        f"{PREFIX}cleared": said["safety"]["cleared"],
        f"{PREFIX}model_version": row.model_version,
    }


def _put_cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return defuse_text(";".join(map(str, value)))
    return defuse_text(value) if isinstance(value, str) else value


def put_request(sheet: Sheet) -> bytes:
    """What was answered, as JSON that is the same for the same answers; null is no answer and left out."""
    parts: dict[str, Any] = {"answers": {}}
    for name, part in sheet._asdict().items():
        answers = {question: answer for question, answer in part.items() if answer is not None}
        if answers:
            parts[name] = answers
    return orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)


def tell_again(row: StoredAssessment, payload: type[AssessPayload], assessor: Assessor) -> Told:
    """A stored assessment as it was told, and its answers assessed by the rules of today."""
    sheet, left_out = read_request(payload, orjson.loads(row.request))
    then, now = orjson.loads(row.result), assessor.assess(sheet)
    return Told(str(row.id), put_moment(row.created_at), then, now, left_out)


def read_request(
    payload: type[AssessPayload], document: Mapping[str, Any]
) -> tuple[Sheet, Sequence[str]]:
    """Answers of before under the questions of today, and pointers to those that no longer fit."""
    kept = {part: dict(answers) for part, answers in document.items()}
    left_out: list[str] = []
    while True:
        try:
            return payload.read(kept).sheet, left_out
        except Refusal as refusal:
            # Of an answer that is a list, all goes: what is left of it would be another answer.
            places = {tuple(fault.pointer.split("/")[1:3]) for fault in refusal.faults}
            for place in sorted(places):
                drop(kept, place)
                left_out.append("/" + "/".join(place))


def drop(document: dict[str, Any], place: Sequence[str]) -> None:
    """Take a part of a request, or one answer in it, away; it is there."""
    part, *question = place
    if question:
        del document[part][question[0]]
    else:
        del document[part]
