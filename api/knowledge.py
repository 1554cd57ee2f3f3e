"""What the service tells of the model itself: questionnaire, rules and sources, in the shape callers get."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from rules.definitions import AnswerWarning, Habit, IndexRule, Level, Model, Note
from rules.questions import Answer, Chosen, Option, Question, Section
from rules.results import Grade, Verdict
from rules.routines import PlanRule
from rules.safety import SafetyQuestion


class ModelName(TypedDict):
    """Which rules this is about."""

    version: Annotated[str, Field(description="Version of the model.", examples=["2026.1"])]
    digest: Annotated[str, Field(description="SHA-256 over everything the model's files say.")]


def name_rules(model: Model) -> ModelName:
    """Which rules something is about."""
    return {"version": model.version, "digest": model.digest}


LanguageTag = Annotated[
    str, Field(description="BCP 47 tag of the language of the texts.", examples=["en"])
]
TranslationReviewed = Annotated[
    bool | None,
    Field(
        description="Whether the translation has been reviewed; false for a draft, whose safety texts "
        "stay English. null for English, in which the model is written."
    ),
]


class OptionToShow(TypedDict):
    """One answer that can be chosen."""

    id: Annotated[str, Field(description="The value to send.", examples=["always"])]
    label: Annotated[str, Field(description="The text to show.", examples=["Always"])]


class QuestionToAsk(TypedDict):
    """One question, with all that is needed to ask it and check the answer."""

    id: Annotated[str, Field(description="Name of the field in answers.", examples=["runs"])]
    role: Annotated[
        Literal["scope", "safety", "core", "scored", "context", "planner"],
        Field(
            description="core: its habit has no score without it; scored: counts in the score; "
            "safety: no clears it; context: gives no points; scope: whom the questionnaire is for; "
            "planner: shapes the plan."
        ),
    ]
    label: Annotated[str, Field(description="Short name for tables and messages.")]
    ask: Annotated[str, Field(description="The question to show.")]
    help: Annotated[str | None, Field(description="A hint to show beside it.")]
    answer: Annotated[
        Literal["number", "whole_number", "yes_no", "choice", "several"],
        Field(
            description="Kind of answer; yes_no is sent as true or false, several as a list of "
            "option ids, which is empty for none of them."
        ),
    ]
    unit: Annotated[str | None, Field(description="UCUM unit of a number.", examples=["h/d"])]
    unit_text: Annotated[
        str | None, Field(description="The unit in words.", examples=["hours a day"])
    ]
    minimum: Annotated[float | None, Field(description="Smallest number accepted.", examples=[0])]
    maximum: Annotated[float | None, Field(description="Largest number accepted.", examples=[20])]
    options: Annotated[
        list[OptionToShow], Field(description="What can be chosen, in the order to show it.")
    ]
    asked_only_if: Annotated[
        dict[str, bool],
        Field(
            description="Ask only when these questions were answered so; skip it only when one was "
            "answered otherwise.",
            examples=[{"runs": True}],
        ),
    ]
    assumed: Annotated[
        bool | int | float | str | list[str] | None,
        Field(description="What a plan assumes when it is unanswered; null for other questions."),
    ]
    example: Annotated[
        bool | int | float | str | list[str], Field(description="An answer that is accepted.")
    ]


RequestPart = Literal["answers", "red_flags", "conditions", "symptoms", "plan"]


class SectionToAsk(TypedDict):
    """Questions that belong together."""

    id: Annotated[
        str,
        Field(
            description="about, red_flags, conditions, symptoms, plan, or a habit's id.",
            examples=["slouching"],
        ),
    ]
    part: Annotated[
        RequestPart,
        Field(description="The part of the request in which its answers are sent."),
    ]
    name: Annotated[str, Field(description="Heading to show.", examples=["Slouching"])]
    questions: Annotated[list[QuestionToAsk], Field(description="In the order to ask them.")]


class Questionnaire(TypedDict):
    """Everything needed to draw the form."""

    model: ModelName
    language: LanguageTag
    translation_reviewed: TranslationReviewed
    title: Annotated[str, Field(description="Title to show.")]
    intended_use: Annotated[str, Field(description="What it is for, and not for; show it.")]
    sections: Annotated[list[SectionToAsk], Field(description="In the order to ask them.")]


def put_questionnaire(model: Model) -> Questionnaire:
    """The questionnaire of a model."""
    return {
        "model": name_rules(model),
        "language": model.language.tag,
        "translation_reviewed": model.language.translation_reviewed,
        "title": model.title,
        "intended_use": model.intended_use,
        "sections": [
            _put_section("answers", model.about),
            _put_safety("red_flags", model.safety.names.red_flags, model.safety.red_flags),
            _put_safety("conditions", model.safety.names.conditions, model.safety.conditions),
            _put_section("symptoms", model.symptoms),
            *[_put_section("answers", habit) for habit in model.habits],
            _put_section("plan", model.planner),
        ],
    }


def _put_section(part: RequestPart, section: Section | Habit) -> SectionToAsk:
    return {
        "id": section.id,
        "part": part,
        "name": section.name,
        "questions": [_put_question(question) for question in section.questions],
    }


def _put_safety(part: RequestPart, name: str, questions: Sequence[SafetyQuestion]) -> SectionToAsk:
    asked: list[QuestionToAsk] = [
        {
            "id": question.id,
            "role": "safety",
            "label": question.label,
            "ask": question.ask,
            "help": question.help,
            "answer": "yes_no",
            "unit": None,
            "unit_text": None,
            "minimum": None,
            "maximum": None,
            "options": [],
            "asked_only_if": {},
            "assumed": None,
            "example": False,
        }
        for question in questions
    ]
    return {"id": part, "part": part, "name": name, "questions": asked}


def _put_question(question: Question) -> QuestionToAsk:
    return {
        "id": question.id,
        "role": question.role,
        "label": question.label,
        "ask": question.ask,
        "help": question.help,
        "answer": question.answer,
        "unit": question.unit,
        "unit_text": question.unit_text,
        "minimum": question.minimum,
        "maximum": question.maximum,
        "options": [_put_option(option) for option in question.options],
        "asked_only_if": dict(question.asked_only_if),
        "assumed": _put_answer(question.assumed),
        "example": _put_answer(question.example),
    }


def _put_answer(answer: Answer | Chosen | None) -> Any:
    return list(answer) if isinstance(answer, tuple) else answer


def _put_option(option: Option) -> OptionToShow:
    return {"id": option.id, "label": option.label}


class HabitInModel(TypedDict):
    """A habit in the overview of the model."""

    id: Annotated[str, Field(description="Stable name; see /model/habits/{id}.")]
    name: Annotated[str, Field(description="Name for people.")]
    weight: Annotated[float, Field(description="Weight in the index.", examples=[35])]
    sets_floor: Annotated[
        bool, Field(description="Whether the index stays near this habit's score when it is high.")
    ]
    evidence_grade: Grade
    psoas_claim: Verdict


class ModelOverview(TypedDict):
    """What the model is, how an index is made, and what it cannot do."""

    version: Annotated[str, Field(description="Version of the model.", examples=["2026.1"])]
    digest: Annotated[
        str, Field(description="SHA-256 over everything the model's files say in English.")
    ]
    language: LanguageTag
    translation_reviewed: TranslationReviewed
    title: Annotated[str, Field(description="Title to show.")]
    validation_status: Annotated[
        Literal["not_validated", "validated"],
        Field(description="Whether the scores were compared with what happened to people."),
    ]
    intended_use: Annotated[str, Field(description="What it is for, and not for; show it.")]
    what_a_score_is: Annotated[str, Field(description="What 0 and 100 mean, and what they do not.")]
    premise: Annotated[str, Field(description="Where the five habits come from.")]
    premise_sources: Annotated[list[str], Field(description="Ids of the sources of the premise.")]
    index: IndexRule
    levels: Annotated[list[Level], Field(description="The levels, from the lowest.")]
    habits: Annotated[list[HabitInModel], Field(description="The habits, in their order.")]
    plan: Annotated[PlanRule, Field(description="How the routines of a plan are chosen.")]
    warnings: Annotated[
        dict[str, AnswerWarning], Field(description="When answers are pointed out, by code.")
    ]
    notes: Annotated[list[Note], Field(description="What was left out on purpose, and why.")]
    limits: Annotated[list[Note], Field(description="What the scores cannot do.")]


def put_model(model: Model) -> ModelOverview:
    """The overview of a model."""
    return {
        "version": model.version,
        "digest": model.digest,
        "language": model.language.tag,
        "translation_reviewed": model.language.translation_reviewed,
        "title": model.title,
        "validation_status": model.validation_status,
        "intended_use": model.intended_use,
        "what_a_score_is": model.what_a_score_is,
        "premise": model.premise,
        "premise_sources": list(model.premise_sources),
        "index": model.index,
        "levels": list(model.levels),
        "habits": [
            {
                "id": habit.id,
                "name": habit.name,
                "weight": habit.index.weight,
                "sets_floor": habit.index.sets_floor,
                "evidence_grade": habit.evidence.grade,
                "psoas_claim": habit.psoas_claim.verdict,
            }
            for habit in model.habits
        ],
        "plan": model.planner.rule,
        "warnings": dict(model.warnings),
        "notes": list(model.notes),
        "limits": list(model.limits),
    }
