"""The questionnaire as a data dictionary of REDCap, with fields that work out the scores, and fields that take ours."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from api.knowledge import QuestionToAsk, SectionToAsk, put_questionnaire
from rules.definitions import Model
from rules.rows import PARTS, PREFIX, scored_columns
from rules.safety import ACTIONS
from rules.writing import name_score, write_scores

HEADER = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
"""The columns of a data dictionary, as REDCap names them, in its order."""
RECORD = "record_id"
"""The field by which records are told apart; the first one of a project."""
FORM = "habits"
SCORES = "scores"
"""The form that takes scored rows back; people do not fill it in."""
TAKES = f"{PREFIX}risk_"
"""How fields begin that take what a batch works out: REDCap lets nobody write into a field that it works out itself."""
READ_ONLY = "@READONLY"
PART_LABELS = dict(
    zip(
        PARTS,
        (
            "habit score",
            "lowest score that the open answers allow",
            "highest score that the open answers allow",
            "level",
        ),
        strict=True,
    )
)
VALIDATIONS = {"number": "number", "whole_number": "integer"}


class Field(NamedTuple):
    """A field of a project; what is left out stays empty in the dictionary."""

    name: str
    kind: str
    label: str
    section: str = ""
    choices: str = ""
    note: str = ""
    validation: str = ""
    minimum: str = ""
    maximum: str = ""
    branching: str = ""
    form: str = FORM
    annotation: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """The field as a row under the header."""
        return (
            *(self.name, self.form, self.section, self.kind, self.label, self.choices, self.note),
            *(self.validation, self.minimum, self.maximum, "", self.branching),
            *("", "", "", "", "", self.annotation),
        )


class Redcap:
    """How REDCap writes calculations: an empty field is an empty text, yes is 1 and no is 0."""

    nothing = '""'

    def answer(self, question: str) -> str:
        return f"[{question}]"

    def is_given(self, name: str) -> str:
        return f'[{name}] <> ""'

    def literal(self, answer: bool | str) -> str:
        return f'"{int(answer)}"' if isinstance(answer, bool) else f'"{answer}"'

    def where(self, condition: str, value: str, otherwise: str) -> str:
        return f"if({condition}, {value}, {otherwise})"

    def least(self, one: str, other: str) -> str:
        return f"min({one}, {other})"

    def greatest(self, one: str, other: str) -> str:
        return f"max({one}, {other})"

    def floor(self, value: str) -> str:
        return f"rounddown({value}, 0)"


LANGUAGE = Redcap()


def write_dictionary(model: Model) -> str:
    """The data dictionary as CSV, ready to be uploaded to a project.

    Fields are called like the questions, red flags and conditions, so that an export is scored as
    it is. What a safety answer calls for is shown at once; the scores are worked out by REDCap. A
    form of its own takes what is worked out of an export.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows(field.row for field in list_fields(model))
    return file.getvalue()


def list_fields(model: Model) -> Iterator[Field]:
    """The fields in the order in which they are asked."""
    yield Field(RECORD, "text", "Record ID")
    yield Field("intended_use", "descriptive", model.intended_use)
    for section in put_questionnaire(model)["sections"]:
        yield from _put_section(section)
        if section["id"] == "red_flags":
            yield from _put_actions(model)
    yield from _put_scores(model)
    yield from list_taking(model)


def _put_section(section: SectionToAsk) -> Iterator[Field]:
    for place, question in enumerate(section["questions"]):
        yield _put_question(question)._replace(section="" if place else section["name"])


def _put_question(question: QuestionToAsk) -> Field:
    notes = [question["help"], question["unit_text"]]
    field = Field(
        question["id"],
        "text",
        question["ask"],
        note=" ".join(note for note in notes if note),
        branching=" and ".join(_ask_unless(question["asked_only_if"])),
    )
    if question["answer"] == "yes_no":
        return field._replace(kind="yesno")
    if question["answer"] in VALIDATIONS:
        return field._replace(
            validation=VALIDATIONS[question["answer"]],
            minimum=_put_bound(question["minimum"]),
            maximum=_put_bound(question["maximum"]),
        )
    choices = _put_choices((option["id"], option["label"]) for option in question["options"])
    kind = "checkbox" if question["answer"] == "several" else "radio"
    return field._replace(kind=kind, choices=choices)


def _put_bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:g}"


def _ask_unless(asked_only_if: Mapping[str, bool]) -> Iterable[str]:
    """A question is skipped only where another was answered otherwise; not answered, it is asked."""
    return (f"[{gate}] <> {LANGUAGE.literal(not needed)}" for gate, needed in asked_only_if.items())


def _put_actions(model: Model) -> Iterator[Field]:
    """What to do, the most urgent first; only what the most urgent answer calls for is shown."""
    for action, flags, more_urgent in model.safety.flags_by_urgency:
        shown = " or ".join(f'[{flag}] = "1"' for flag in flags)
        hidden = " and ".join(f'[{flag}] <> "1"' for flag in more_urgent)
        branching = f"({shown}) and {hidden}" if hidden else shown
        text = model.safety.actions[action].text
        yield Field(f"action_{action}", "descriptive", text, branching=branching)


def _put_scores(model: Model) -> Iterator[Field]:
    written = write_scores(model, LANGUAGE)
    for place, (scale, label) in enumerate(model.scales.items()):
        yield Field(
            name_score(scale),
            "calc",
            label,
            section="" if place else model.title,
            choices=written[name_score(scale)],
            note="" if place else model.what_a_score_is,
        )


def name_taking(column: str) -> str:
    """The field that takes a column of a scored row."""
    return TAKES + column.removeprefix(PREFIX)


def list_taking(model: Model) -> Iterator[Field]:
    """The fields that take a scored row, one for each column that a batch adds."""
    kinds = dict([*_put_parts(model), *_put_rest(model)])
    for place, column in enumerate(scored_columns(model)):
        yield kinds[column]._replace(
            name=name_taking(column),
            form=SCORES,
            section="" if place else f"{model.title}: scored",
            note="" if place else model.what_a_score_is,
            annotation=READ_ONLY,
        )


def _put_parts(model: Model) -> Iterator[tuple[str, Field]]:
    """Score, interval and level of each habit and of the index."""
    levels = _put_choices((level.id, model.words.levels[level.id]) for level in model.levels)
    number = Field("", "text", "", validation="number", minimum="0", maximum="100")
    for scale, name in model.scales.items():
        for part, label in PART_LABELS.items():
            field = Field("", "radio", "", choices=levels) if part == "level" else number
            yield f"{PREFIX}{scale}_{part}", field._replace(label=f"{name}: {label}")


def _put_rest(model: Model) -> Iterator[tuple[str, Field]]:
    actions = ((action, model.safety.actions[action].text) for action in reversed(ACTIONS))
    habits = ((habit.id, habit.name) for habit in model.habits)
    yield (
        f"{PREFIX}safety_action",
        Field("", "radio", "What the warning signs call for", choices=_put_choices(actions)),
    )
    yield f"{PREFIX}cleared", Field("", "yesno", "Every warning sign answered no")
    yield (
        f"{PREFIX}top_habit",
        Field("", "radio", "The habit that counts most", choices=_put_choices(habits)),
    )
    yield f"{PREFIX}warnings", Field("", "text", "Answers that may not fit together")
    yield f"{PREFIX}model_version", Field("", "text", "Version of the rules")


def _put_choices(choices: Iterable[tuple[str, str]]) -> str:
    return " | ".join(f"{code}, {label}" for code, label in choices)
