"""The questionnaire as a data dictionary of REDCap, with fields that work out the scores, and fields that take ours."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from api.knowledge import QuestionToAsk, SectionToAsk, put_questionnaire
from rules.definitions import Model
from rules.questions import NONE_OF_THESE
from rules.rows import PARTS, PREFIX, scored_columns
from rules.safety import ACTIONS
from rules.words import Words
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
STANDS_ALONE = f"@NONEOFTHEABOVE='{NONE_OF_THESE}'"
"""Tells REDCap to take every other tick away where no option is chosen."""
OPEN = "open"
"""What warning signs call for where none was reported and not all were answered: that cannot be said."""
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
    """How REDCap writes calculations: an empty field is an empty text, yes is 1 and no is 0.

    A field may hold a code that says why its value is missing; such a code is no answer.
    """

    nothing = '""'

    def answer(self, question: str) -> str:
        return f"[{question}]"

    def is_given(self, name: str) -> str:
        return f"isblankormissingcode([{name}]) <> 1"

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
    yield Field(RECORD, "text", model.words.redcap.record)
    yield Field("intended_use", "descriptive", model.intended_use)
    for section in put_questionnaire(model)["sections"]:
        yield from _put_section(section, model.words)
        if section["id"] == "red_flags":
            yield from _put_actions(model)
    yield from _put_scores(model)
    yield from list_taking(model)


def _put_section(section: SectionToAsk, words: Words) -> Iterator[Field]:
    for place, question in enumerate(section["questions"]):
        yield _put_question(question, words)._replace(section="" if place else section["name"])


def _put_question(question: QuestionToAsk, words: Words) -> Field:
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
    options = [(option["id"], option["label"]) for option in question["options"]]
    if question["answer"] == "several":
        options.append((NONE_OF_THESE, words.answers.none_of_these))
        field = field._replace(kind="checkbox", annotation=STANDS_ALONE)
    else:
        field = field._replace(kind="radio")
    return field._replace(choices=_put_choices(options))


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
            section="" if place else model.words.redcap.scored.format(title=model.title),
            note="" if place else model.what_a_score_is,
            annotation=READ_ONLY,
        )


def _put_parts(model: Model) -> Iterator[tuple[str, Field]]:
    """Score, interval and level of each habit and of the index."""
    levels = _put_choices((level.id, model.words.levels[level.id]) for level in model.levels)
    number = Field("", "text", "", validation="number", minimum="0", maximum="100")
    for scale, name in model.scales.items():
        for part in PARTS:
            field = Field("", "radio", "", choices=levels) if part == "level" else number
            label = model.words.redcap.parts[part].format(name=name)
            yield f"{PREFIX}{scale}_{part}", field._replace(label=label)


def _put_rest(model: Model) -> Iterator[tuple[str, Field]]:
    words, screen = model.words.redcap, model.words.record.screen
    actions = [(action, model.safety.actions[action].text) for action in reversed(ACTIONS)]
    choices = _put_choices([*actions[:-1], (OPEN, model.safety.not_cleared), actions[-1]])
    habits = ((habit.id, habit.name) for habit in model.habits)
    yield f"{PREFIX}safety_action", Field("", "radio", screen, choices=choices)
    yield f"{PREFIX}cleared", Field("", "yesno", words.cleared)
    yield (
        f"{PREFIX}top_habit",
        Field("", "radio", words.top_habit, choices=_put_choices(habits)),
    )
    yield f"{PREFIX}warnings", Field("", "text", words.warnings)
    yield f"{PREFIX}model_version", Field("", "text", words.model_version)


def _put_choices(choices: Iterable[tuple[str, str]]) -> str:
    return " | ".join(f"{code}, {label}" for code, label in choices)
