"""Request bodies that follow from the model's questions."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, cast

from pydantic import BeforeValidator, ConfigDict, Field, create_model
from pydantic_core import PydanticKnownError
from typing_extensions import TypedDict

from api.bodies import Payload
from rules.assessment import NOTHING, Assessor, Sheet
from rules.definitions import Model
from rules.errors import Fault
from rules.person import GivenAnswers
from rules.questions import Question
from rules.safety import SafetyQuestion


class Part(NamedTuple):
    """A part of a request: an object with one optional field a question."""

    name: str
    """Name of the schema."""
    doc: str
    questions: Iterable[Question | SafetyQuestion]


def parts_of(model: Model) -> dict[str, Part]:
    """The parts of a request by field, in the order in which they are described."""
    return {
        "answers": Part("Answers", "The person's answers about habits; may be an empty object.", model.questions.values()),
        "red_flags": Part("RedFlags", "Signs to look at first; only no, for each, clears them.", model.safety.red_flags),
        "conditions": Part("Conditions", "Circumstances in which some routines do not fit.", model.safety.conditions),
        "symptoms": Part("Symptoms", "Symptoms; they give no points.", model.symptoms.questions),
        "plan": Part("PlanWishes", "Time, things at hand, and wishes for the plan.", model.planner.questions),
    }  # fmt: skip


class AssessPayload(Payload):
    """What one person answered; everything may be left out, and an empty object is an answer too."""

    assessor: ClassVar[Assessor]
    answers: Any

    @property
    def sheet(self) -> Sheet:
        """What was answered, by part of the request; None or absent where unanswered."""
        parts = (getattr(self, name) for name in Sheet._fields)
        return Sheet(*[NOTHING if part is None else part for part in parts])

    @classmethod
    def find_contradictions(cls, document: object) -> list[Fault]:
        answers = document.get("answers") if isinstance(document, dict) else None
        return cls.assessor.find_contradictions(answers) if isinstance(answers, dict) else []


class StorePayload(AssessPayload):
    """What one person answered, and who that is."""

    person: str


class WhatIfPayload(AssessPayload):
    """What one person answered, and the answers that are to be changed."""

    changes: Any

    @property
    def changed(self) -> GivenAnswers:
        """The answers to change; None takes an answer back."""
        changes: GivenAnswers = self.changes
        return changes

    @classmethod
    def find_contradictions(cls, document: object) -> list[Fault]:
        faults = super().find_contradictions(document)
        given = document if isinstance(document, dict) else {}
        answers, changes = given.get("answers"), given.get("changes")
        if faults or not isinstance(answers, dict) or not isinstance(changes, dict):
            return faults
        found = cls.assessor.find_contradictions({**answers, **changes})
        return [
            fault._replace(pointer=fault.pointer.replace("/answers", "/changes", 1))
            for fault in found
        ]


P = TypeVar("P", bound=AssessPayload)


def assess_payload(assessor: Assessor) -> type[AssessPayload]:
    """The request type of a model: one optional, documented field a question."""
    parts = parts_of(assessor.model)
    types = {name: type_of_part(part) for name, part in parts.items()}
    fields: dict[str, Any] = {
        name: (types[name] | None, Field(None, description=part.doc))
        for name, part in parts.items()
    }
    fields["answers"] = (types["answers"], Field(description=parts["answers"].doc))
    payload = create_model(
        "AssessRequest",
        __base__=AssessPayload,
        __doc__="What one person answered. Only answers is required, and it may be empty.",
        **fields,
    )
    payload.assessor = assessor
    payload.expected = _describe_parts(parts)
    return payload


def what_if_payload(payload: type[AssessPayload]) -> type[WhatIfPayload]:
    """The request type for trying changes: the same as for an assessment, with changed answers."""
    changes = Field(description="The answers to change; null takes one back.")
    answers = payload.model_fields["answers"].annotation
    expected = payload.expected.items()
    return _extend(
        payload,
        WhatIfPayload,
        ("WhatIfRequest", "What one person answered, and answers to change in it."),
        {"changes": (answers, changes)},
        {f"/changes{at[8:]}": what for at, what in expected if at.startswith("/answers")},
    )


PERSON = r"^[A-Za-z0-9_-]{1,64}$"
"""What a person's reference may look like."""


def store_payload(payload: type[AssessPayload]) -> type[StorePayload]:
    """The request type for storing: the same as for an assessment, with the person's reference."""
    person = Field(
        pattern=PERSON,
        description="A reference by which only you know the person, such as a study number; never a name.",
        examples=["p-0042"],
    )
    return _extend(
        payload,
        StorePayload,
        ("StoreRequest", "What one person answered, and a reference to the person."),
        {"person": (str, person)},
        {"/person": "a reference of 1 to 64 letters, digits, _ or -"},
    )


def _extend(
    payload: type[AssessPayload],
    base: type[P],
    called: tuple[str, str],
    fields: Mapping[str, Any],
    expected: Mapping[str, str],
) -> type[P]:
    """A request type with the fields of an assessment and others, by its name and what it is."""
    name, doc = called
    own: dict[str, Any] = {
        name: (field.annotation, field) for name, field in payload.model_fields.items()
    }
    extended = create_model(name, __base__=base, __doc__=doc, **{**own, **fields})
    extended.assessor = payload.assessor
    extended.expected = {**payload.expected, **expected}
    return extended


def type_of_part(part: Part) -> Any:
    """A plain dictionary, which holds only what was sent and costs half of a class with every question."""
    fields = {q.id: Annotated[_type_of(q), _field_of(q)] for q in part.questions}
    kind = cast("Any", TypedDict)(part.name, fields, total=False)
    kind.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    kind.__doc__ = f"{part.doc} Absent and null both mean unanswered; 0 and false are answers."
    return kind


def _describe_parts(parts: Mapping[str, Part]) -> dict[str, str]:
    expected = {}
    for name, part in parts.items():
        expected[f"/{name}"] = "a JSON object"
        for question in part.questions:
            accepted = describe_accepted(question)
            expected[f"/{name}/{question.id}"] = accepted
            expected[f"/{name}/{question.id}/*"] = accepted.rpartition(", of ")[2]
    return expected


def _type_of(question: Question | SafetyQuestion) -> Any:
    if isinstance(question, SafetyQuestion):
        return bool | None
    options = tuple(option.id for option in question.options)
    match question.answer:
        case "yes_no":
            return bool | None
        case "choice":
            return Literal[options] | None
        case "several":
            several = list[Literal[options]]  # type: ignore[valid-type]
            return Annotated[several, Field(max_length=len(options))] | None
        case "whole_number":
            least, most = int(question.minimum or 0), int(question.maximum or 0)
            return Annotated[int, Field(ge=least, le=most), BeforeValidator(_as_whole)] | None
    bounds = Field(ge=question.minimum, le=question.maximum, allow_inf_nan=False)
    return Annotated[float, bounds] | None


def _as_whole(value: object) -> object:
    """JSON knows one kind of number: 42.0 is as whole as 42, and infinity is only too large."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise PydanticKnownError("finite_number")
    return int(value) if value.is_integer() else value


def _field_of(question: Question | SafetyQuestion) -> Any:
    notes, example = [question.ask, question.help], False
    if isinstance(question, Question):
        example = cast("Any", question.example)
        if question.unit:
            notes.append(f"In {question.unit_text} (UCUM {question.unit}).")
        if question.answer == "several":
            notes.append("An empty list means none of these, which is an answer too.")
        for gate, needed in question.asked_only_if.items():
            notes.append(f"Asked only if {gate} is {str(needed).lower()}.")
    return Field(
        title=question.label[0].upper() + question.label[1:],
        description=" ".join(note for note in notes if note),
        examples=[example],
    )


def describe_accepted(question: Question | SafetyQuestion) -> str:
    """What a question accepts, as the end of “must be …”."""
    if isinstance(question, SafetyQuestion) or question.answer == "yes_no":
        return "true or false"
    if question.is_numeric:
        kind = "a whole number" if question.answer == "whole_number" else "a number"
        bounds = f"{question.minimum:g} to {question.maximum:g}"
        return f"{kind} of {question.unit_text}, {bounds}"
    options = "one of: " + ", ".join(option.id for option in question.options)
    if question.answer != "several":
        return options
    return f"a list, no longer than {len(question.options)}, of {options}"
