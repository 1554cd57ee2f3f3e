"""Questions as items of a FHIR Questionnaire, each by the id that it has everywhere."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from api.fhir.names import CODES, LOINC, R4, STRUCTURES, UCUM, Release
from api.knowledge import OptionToShow, QuestionToAsk
from rules.definitions import Model
from rules.questions import NONE_OF_THESE

Item = dict[str, Any]

NUMBERS = {"number": ("decimal", "Decimal"), "whole_number": ("integer", "Integer")}
"""FHIR's kinds of items that take a number, and what its bounds are called."""
SURE = re.compile(r"LOINC (\d{1,7}-\d)")
"""How a code is written that fits the question just as it is; one with reservations is not sent."""
CONTROLS = "http://hl7.org/fhir/questionnaire-item-control"


def put_question(
    question: QuestionToAsk, loinc: Mapping[str, str], release: Release, none: str
) -> Item:
    """One question as an item of a release of FHIR; `none` is what “none of these” is called."""
    item: Item = {
        "linkId": question["id"],
        "code": _put_codes(question, loinc),
        "text": question["ask"],
        **_put_answers(question, release, none),
        **_put_skips(question["asked_only_if"]),
    }
    if question["help"]:
        item["item"] = [put_display(f"{question['id']}-help", question["help"], control="help")]
    return item


def put_display(name: str, text: str, *, control: str = "") -> Item:
    """A text of its own, or one that a form shows in a way of its own."""
    item: Item = {"linkId": name, "text": text, "type": "display"}
    return {**item, "extension": [_control(control)]} if control else item


def put_extension(name: str, kind: str, value: object) -> dict[str, Any]:
    """An extension of FHIR's own with a value of a kind."""
    return {"url": f"{STRUCTURES}/{name}", f"value{kind}": value}


def find_loinc(model: Model) -> dict[str, str]:
    """The LOINC codes of the questions that the model is sure of, by id."""
    asked = {**model.questions, **model.symptoms.by_id, **model.planner.by_id}
    found = {name: SURE.fullmatch(question.code or "") for name, question in asked.items()}
    return {name: code[1] for name, code in found.items() if code}


def _put_codes(question: QuestionToAsk, loinc: Mapping[str, str]) -> list[dict[str, str]]:
    codes = [{"system": CODES, "code": question["id"], "display": question["label"]}]
    if question["id"] in loinc:
        codes.append({"system": LOINC, "code": loinc[question["id"]]})
    return codes


def _put_answers(question: QuestionToAsk, release: Release, none: str) -> Item:
    """What kind of answer is taken. Nothing is set beforehand: forms send that although nobody touched it."""
    if question["answer"] == "yes_no":
        return {"type": "boolean"}
    if question["answer"] in NUMBERS:
        return _put_number(question)
    several = question["answer"] == "several"
    kind: Item = (
        {"type": "choice"}
        if release == R4
        else {"type": "coding", "answerConstraint": "optionsOnly"}
    )
    return {
        **kind,
        **({"repeats": True} if several else {}),
        "extension": [_control("check-box" if several else "radio-button")],
        "answerOption": [put_option(option) for option in list_options(question, none)],
    }


def list_options(question: QuestionToAsk, none: str) -> list[OptionToShow]:
    """The options of a question, and that none of them applies where several may be chosen.

    A form sends nothing for an empty list, so that nobody could say so otherwise.
    """
    own: list[OptionToShow] = [{"id": NONE_OF_THESE, "label": none}]
    return [*question["options"], *(own if question["answer"] == "several" else ())]


def put_option(option: OptionToShow) -> Item:
    """An option without its points: a form that knows them shows them beside the text."""
    put = {"valueCoding": {"system": CODES, "code": option["id"], "display": option["label"]}}
    if option["id"] != NONE_OF_THESE:
        return put
    return {"extension": [put_extension("questionnaire-optionExclusive", "Boolean", True)], **put}


def _put_number(question: QuestionToAsk) -> Item:
    kind, named = NUMBERS[question["answer"]]
    shape = int if kind == "integer" else _put_decimal
    least, most = (shape(question[end] or 0) for end in ("minimum", "maximum"))
    unit = {"system": UCUM, "code": question["unit"], "display": question["unit_text"]}
    return {
        "type": kind,
        "extension": [
            put_extension("questionnaire-unit", "Coding", unit),
            put_extension("entryFormat", "String", f"{least} - {most} {question['unit_text']}"),
            put_extension("minValue", named, least),
            put_extension("maxValue", named, most),
        ],
    }


def _put_decimal(number: float) -> int | float:
    """A decimal without a fraction where it has none, as bounds are written."""
    return int(number) if number == int(number) else number


def _control(code: str) -> dict[str, Any]:
    control = {"coding": [{"system": CONTROLS, "code": code}]}
    return put_extension("questionnaire-itemControl", "CodeableConcept", control)


def _put_skips(asked_only_if: Mapping[str, bool]) -> Item:
    """When a question is asked: it is skipped only where another was answered otherwise.

    So it is asked, too, while the other one is open. FHIR's `!=` says just that, but forms differ
    in what it means without an answer; that the answer is missing, or is the right one, is read
    alike by all.
    """
    if len(asked_only_if) == 1:
        ((gate, needed),) = asked_only_if.items()
        return put_rule([is_open(gate), is_answered(gate, needed)], "any")
    return put_rule([is_not(gate, not needed) for gate, needed in asked_only_if.items()], "all")


def put_rule(conditions: Sequence[Item], behavior: str) -> Item:
    """When an item is shown: one condition, or any or all of several."""
    if not conditions:
        return {}
    rule: Item = {"enableWhen": list(conditions)}
    return {**rule, "enableBehavior": behavior} if len(conditions) > 1 else rule


def is_open(question: str) -> Item:
    """That a question is not answered."""
    return {"question": question, "operator": "exists", "answerBoolean": False}


def is_answered(question: str, answer: bool) -> Item:
    """That a question is answered just so."""
    return {"question": question, "operator": "=", "answerBoolean": answer}


def is_not(question: str, answer: bool) -> Item:
    """That a question is not answered just so."""
    return {"question": question, "operator": "!=", "answerBoolean": answer}
