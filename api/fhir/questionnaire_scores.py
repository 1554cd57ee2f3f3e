"""Items that work out the scores in the form itself, in FHIRPath grown from the formula."""

import re
from collections.abc import Mapping

from api.fhir.names import CAPTURE, CODES, UCUM
from api.fhir.questionnaire_items import Item, put_display, put_extension
from api.knowledge import SectionToAsk
from rules.definitions import Model
from rules.writing import name_score, write_scores

GROUP = "scores"
FHIRPATH = "text/fhirpath"
DATUM = re.compile(r"%(\w+)")
"""How an expression names a variable."""


class Fhirpath:
    """How FHIRPath writes calculations: what is missing is `{}`, yes is 1 and no is 0.

    Without an answer FHIRPath's comparisons hold nothing at all; the formula asks first.
    """

    nothing = "{}"

    def answer(self, question: str) -> str:
        return f"%{name_variable(question)}"

    def is_given(self, name: str) -> str:
        return f"%{name_variable(name)}.exists()"

    def literal(self, answer: bool | str) -> str:
        return str(int(answer)) if isinstance(answer, bool) else f"'{answer}'"

    def where(self, condition: str, value: str, otherwise: str) -> str:
        return f"iif({condition}, {value}, {otherwise})"

    def least(self, one: str, other: str) -> str:
        return self._pick(one, "<", other)

    def greatest(self, one: str, other: str) -> str:
        return self._pick(one, ">", other)

    def _pick(self, one: str, sign: str, other: str) -> str:
        """The one where it compares so with the other; it is written once, the other twice."""
        once, twice = (one, other) if len(one) >= len(other) else (other, one)
        return f"({once}).select(iif($this {sign} {twice}, $this, {twice}))"

    def floor(self, value: str) -> str:
        return f"({value}).floor()"


LANGUAGE = Fhirpath()


def name_variable(name: str) -> str:
    """A question's or a score's name as a variable's, which may have no underscores."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def put_scores(model: Model, sections: list[SectionToAsk]) -> Item:
    """The group of the scores: each with what it needs of the answers, shown and not to be typed."""
    written = write_scores(model, LANGUAGE)
    paths = {
        **_find_paths(sections),
        **{name_variable(name): _find_score(name) for name in written},
    }
    return {
        "linkId": GROUP,
        "type": "group",
        "text": model.title,
        "item": [
            put_display(f"{GROUP}-help", model.what_a_score_is),
            *(
                _put_score(scale, label, written[name_score(scale)], paths)
                for scale, label in model.scales.items()
            ),
        ],
    }


def _put_score(scale: str, text: str, expression: str, paths: Mapping[str, str]) -> Item:
    used = sorted(set(DATUM.findall(expression)))
    calculation = {"language": FHIRPATH, "expression": expression}
    unit = {"system": UCUM, "code": "{score}", "display": "/ 100"}
    return {
        "extension": [
            *(_put_variable(name, paths[name]) for name in used),
            {
                "url": f"{CAPTURE}/sdc-questionnaire-calculatedExpression",
                "valueExpression": calculation,
            },
            put_extension("questionnaire-unit", "Coding", unit),
        ],
        "linkId": name_score(scale),
        "code": [{"system": CODES, "code": scale}],
        "text": text,
        "type": "decimal",
        "readOnly": True,
    }


def _put_variable(name: str, path: str) -> dict[str, object]:
    told = {"name": name, "language": FHIRPATH, "expression": path}
    return put_extension("variable", "Expression", told)


def _find_paths(sections: list[SectionToAsk]) -> dict[str, str]:
    """Where each answer stands in a response, as the formula takes it, by its variable's name."""
    how = {"yes_no": ".select(iif($this, 1, 0))", "choice": ".code"}
    return {
        name_variable(question["id"]): _find(section["id"], question["id"])
        + how.get(question["answer"], "")
        for section in sections
        for question in section["questions"]
    }


def _find_score(name: str) -> str:
    return _find(GROUP, name)


def _find(group: str, item: str) -> str:
    return f"%resource.item.where(linkId='{group}').item.where(linkId='{item}').answer.value"
