"""Request bodies that follow from the model's questions."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BeforeValidator, ConfigDict, Field, create_model
from pydantic_core import PydanticKnownError
from typing_extensions import TypedDict

from api.bodies import Payload
from rules.assessment import Assessor
from rules.errors import Fault
from rules.questions import Answer, Question


class AssessPayload(Payload):
    """One person's answers; everything may be left out, and an empty object is an answer too."""

    assessor: ClassVar[Assessor]
    answers: Any

    @property
    def given(self) -> Mapping[str, Answer | None]:
        """The answers by question id; None or absent where unanswered."""
        answers: Mapping[str, Answer | None] = self.answers
        return answers

    @classmethod
    def find_contradictions(cls, document: object) -> list[Fault]:
        answers = document.get("answers") if isinstance(document, dict) else None
        return cls.assessor.find_contradictions(answers) if isinstance(answers, dict) else []


def assess_payload(assessor: Assessor) -> type[AssessPayload]:
    """The request type of a model: one optional, documented field a question."""
    questions = assessor.model.questions
    fields = {name: Annotated[_type_of(q), _field_of(q)] for name, q in questions.items()}
    # A plain dictionary holds only what was sent, and costs half of a class with every question.
    answers = cast("Any", TypedDict)("Answers", fields, total=False)
    answers.__pydantic_config__ = ConfigDict(strict=True, extra="forbid")
    answers.__doc__ = (
        "Answers by question id. Absent and null both mean unanswered; 0 and false are answers."
    )
    payload = create_model(
        "AssessRequest",
        __base__=AssessPayload,
        __doc__="What one person answered. Only answers is required, and it may be empty.",
        answers=(answers, Field(description="The person's answers; may be an empty object.")),
    )
    payload.assessor = assessor
    payload.expected = {
        "/answers": "a JSON object",
        **{f"/answers/{name}": describe_accepted(q) for name, q in questions.items()},
    }
    return payload


def _type_of(question: Question) -> Any:
    match question.answer:
        case "yes_no":
            return bool | None
        case "choice":
            return Literal[tuple(option.id for option in question.options)] | None
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


def _field_of(question: Question) -> Any:
    parts = [question.ask, question.help]
    if question.unit:
        parts.append(f"In {question.unit_text} (UCUM {question.unit}).")
    for gate, needed in question.asked_only_if.items():
        parts.append(f"Asked only if {gate} is {str(needed).lower()}.")
    return Field(
        title=question.label[0].upper() + question.label[1:],
        description=" ".join(part for part in parts if part),
        examples=[question.example],
    )


def describe_accepted(question: Question) -> str:
    """What a question accepts, as the end of “must be …”."""
    if question.is_numeric:
        kind = "a whole number" if question.answer == "whole_number" else "a number"
        bounds = f"{question.minimum:g} to {question.maximum:g}"
        return f"{kind} of {question.unit_text}, {bounds}"
    if question.answer == "yes_no":
        return "true or false"
    return "one of: " + ", ".join(option.id for option in question.options)
