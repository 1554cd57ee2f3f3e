"""A QuestionnaireResponse read into the body of an assessment: whatever real clients add is let pass, what is wrong is named."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from api.fhir.names import ABSENT, CODES, QUESTIONNAIRES, R4, SCORING, name_version
from api.fhir.outcome import OTHER_TOTAL, Issue, tell_fault
from api.fhir.questionnaire import put_form
from api.fhir.shape import ROOT, find_misshapen, place_all_items, place_answers
from api.fhir.signs import find_signs
from api.payloads import describe_accepted, parts_of
from rules.definitions import Model
from rules.errors import Fault
from rules.questions import NONE_OF_THESE, Question
from rules.safety import SafetyQuestion
from rules.writing import name_score

STATUSES = ("completed", "amended", "in-progress", "stopped")
"""The states in which answers are somebody's answers; a response entered in error is none."""
WITHDRAWN = "entered-in-error"
MOST_TOLD = 100
"""How many faults are told of a response."""
VALUES: Mapping[str, tuple[str, ...]] = {
    "yes_no": ("valueBoolean",),
    "number": ("valueDecimal", "valueInteger"),
    "whole_number": ("valueInteger", "valueDecimal"),
    "choice": ("valueCoding",),
    "several": ("valueCoding",),
}
"""Where the answer to each kind of question stands. A whole number may come as a decimal and the other way round."""
CLOSE = 1e-6
"""How far a total may be from ours and still be the same number, written by another machine."""


class Asked(NamedTuple):
    """A question, and the part of a request in which its answer is sent."""

    part: str
    question: Question | SafetyQuestion

    @property
    def kind(self) -> str:
        """The kind of answer that it takes."""
        return self.question.answer if isinstance(self.question, Question) else "yes_no"

    @property
    def pointer(self) -> str:
        """Where its answer stands in the body of a request."""
        return f"/{self.part}/{self.question.id}"


class Reading(NamedTuple):
    """What was found in a response."""

    body: dict[str, dict[str, Any]]
    """The body of an assessment; what is at fault is left out."""
    issues: list[Issue]
    """Everything that is wrong with it so far."""
    places: Mapping[str, str]
    """FHIRPath to each item that was answered, by the JSON pointer of its answer in the body."""
    totals: Mapping[str, tuple[object, str]]
    """The totals that came along, each with its FHIRPath, by the habit it is about or `index`."""


class ResponseReader:
    """A model's questions made ready to be found in responses."""

    def __init__(self, model: Model) -> None:
        self._asked = {
            question.id: Asked(name, question)
            for name, part in parts_of(model).items()
            for question in part.questions
        }
        about = {name_score(scale): scale for scale in model.scales}
        self._flags = frozenset(model.safety.flag_ids)
        links = frozenset(_find_links(put_form(model, SCORING, R4)))
        self._totals = {link: name for link, name in about.items() if link in links}
        self._known = links | self._asked.keys()
        self._canonicals = {
            name: name_version(url, model.version)
            for url in QUESTIONNAIRES.values()
            for name in (url, name_version(url, model.version))
        }

    def read(self, document: object) -> Reading:
        """What is in a response; called with any parsed JSON."""
        if not isinstance(document, dict) or document.get("resourceType") != ROOT:
            fault = tell_fault("wrong_type", f"must be a FHIR resource of the type {ROOT}", ROOT)
            return Reading({}, [fault], {}, {})
        if issues := list(islice(find_misshapen(document, self._known), MOST_TOLD + 1)):
            return Reading({}, issues, {}, {})
        reading = Reading({name: {} for name in PARTS}, [*self._check_head(document)], {}, {})
        return _Sorter(self._asked, self._totals, self._known, reading).sort(document)

    def find_signs(self, document: object) -> Mapping[str, bool] | None:
        """The red flags that a response answers, whatever else is wrong with it; None where it answers for nobody.

        That is where it was entered in error or answers somebody else's questionnaire. A version of
        ours that is not known, or none named at all, is no reason to overlook a sign.
        """
        if not isinstance(document, dict) or document.get("resourceType") != ROOT:
            return None
        if document.get("status") == WITHDRAWN or not is_ours(document):
            return None
        return find_signs(document, self._flags)

    def _check_head(self, document: Mapping[str, Any]) -> Iterator[Issue]:
        """What is said above the answers: the questionnaire with its version, and the status."""
        for name, known in (("questionnaire", self._canonicals), ("status", STATUSES)):
            if document.get(name) is None:
                yield tell_fault("missing", "is missing", f"{ROOT}.{name}")
            elif not isinstance(document[name], str) or document[name] not in known:
                yield tell_fault("not_an_option", self._tell_known(name), f"{ROOT}.{name}")

    def _tell_known(self, name: str) -> str:
        known = STATUSES if name == "status" else dict.fromkeys(self._canonicals.values())
        return f"must be one of: {', '.join(known)}"


def is_ours(response: Mapping[str, Any]) -> bool:
    """Whether a response may be one to our questionnaires, in whatever version; one that names none may be."""
    named = response.get("questionnaire")
    return not isinstance(named, str) or named.partition("|")[0] in QUESTIONNAIRES.values()


def _find_links(holder: Mapping[str, Any]) -> Iterator[str]:
    """The linkId of every item of a questionnaire."""
    for item in holder.get("item", ()):
        yield item["linkId"]
        yield from _find_links(item)


PARTS = ("answers", "red_flags", "conditions", "symptoms", "plan")


class _Sorter:
    """One response on its way into a body."""

    def __init__(
        self,
        asked: Mapping[str, Asked],
        totals: Mapping[str, str],
        known: frozenset[str],
        reading: Reading,
    ) -> None:
        self._asked, self._about, self._known = asked, totals, known
        self.body, self.issues = reading.body, reading.issues
        self.places: dict[str, str] = {}
        self.totals: dict[str, tuple[object, str]] = {}

    def sort(self, document: Mapping[str, Any]) -> Reading:
        """Sort every item, and look at what was asked at all once all are known."""
        seen: set[str] = set()
        for item, path in place_all_items(document, self._known):
            if len(self.issues) > MOST_TOLD:
                break
            name = item.get("linkId")
            if not isinstance(name, str):
                self._fault("missing", "has no linkId", path)
            elif name not in self._known:
                self._fault("unknown_field", "has a linkId that is not in the questionnaire", path)
            elif name in self._asked:
                if name in seen:
                    self._fault("malformed", "stands here more than once", path)
                else:
                    self._answer(self._asked[name], item, path)
                seen.add(name)
            elif name in self._about:
                self._note_total(self._about[name], item, path)
        self.issues.extend(self._find_unasked())
        return Reading(self.body, self.issues, self.places, self.totals)

    def _fault(self, code: Any, text: str, path: str) -> None:
        self.issues.append(tell_fault(code, text, path))

    def _note_total(self, about: str, item: Mapping[str, Any], path: str) -> None:
        for answer in item.get("answer", ()):
            value = next((answer[name] for name in VALUES["number"] if name in answer), None)
            self.totals[about] = (value, path)

    def _answer(self, asked: Asked, item: Mapping[str, Any], path: str) -> None:
        """Take the answer of an item over."""
        answers = item.get("answer") or []
        several = asked.kind == "several"
        if len(answers) > 1 and not several:
            self._fault("malformed", "is answered more than once", f"{path}.answer")
            return
        found: list[Any] = []
        faults = len(self.issues)
        for answer, place in place_answers(answers, path):
            found.extend(self._find_value(asked, answer, place))
        if not found or len(self.issues) > faults:
            return
        if several and NONE_OF_THESE in found:
            if len(found) > 1:
                text = f"{NONE_OF_THESE} cannot stand beside others"
                self._fault("contradiction", text, f"{path}.answer")
                return
            found = []
        self.body[asked.part][asked.question.id] = found if several else found[0]
        self.places[asked.pointer] = path

    def _find_value(self, asked: Asked, answer: Mapping[str, Any], path: str) -> Iterator[Any]:
        """The value of an answer; none where it says that there is none, or is at fault."""
        names = [name for name in answer if name.startswith("value")]
        if not names:
            beside = (answer[name] for name in answer if name.startswith("_value"))
            if not {"extension", "item"} & answer.keys() and not any(map(is_absent, beside)):
                self._fault("missing", "has no value", path)
        elif len(names) > 1:
            self._fault("malformed", "has more than one value", path)
        elif names[0] not in VALUES[asked.kind]:
            accepted = f"must be {describe_accepted(asked.question)}, as {VALUES[asked.kind][0]}"
            self._fault("wrong_type", accepted, f"{path}.value")
        elif names[0] == "valueCoding":
            yield from self._find_code(answer["valueCoding"], f"{path}.value")
        else:
            yield answer[names[0]]

    def _find_code(self, coding: object, path: str) -> Iterator[Any]:
        if not isinstance(coding, dict):
            self._fault("wrong_type", "must be a coding", path)
        elif coding.get("system") not in (None, CODES):
            self._fault("not_an_option", f"must be of the code system {CODES}", f"{path}.system")
        elif coding.get("code") is None:
            if not is_absent(coding) and not is_absent(coding.get("_code")):
                self._fault("missing", "is missing", f"{path}.code")
        else:
            yield coding["code"]

    def _find_unasked(self) -> Iterator[Issue]:
        """Answers to questions that other answers leave nothing to ask about."""
        for asked in self._asked.values():
            question = asked.question
            if not isinstance(question, Question) or asked.pointer not in self.places:
                continue
            answers = self.body[asked.part]
            for gate, needed in question.asked_only_if.items():
                if answers.get(gate) not in (None, needed):
                    text = f"is answered, but only asked if {gate} is {str(needed).lower()}"
                    yield tell_fault("contradiction", text, self.places[asked.pointer])


def is_absent(element: object) -> bool:
    """Whether an element says by FHIR's extension why it has no value."""
    extensions = element.get("extension") if isinstance(element, dict) else None
    return isinstance(extensions, list) and any(
        isinstance(one, dict) and one.get("url") == ABSENT for one in extensions
    )


def tell_faults(faults: Iterable[Fault], places: Mapping[str, str]) -> Iterator[Issue]:
    """Faults of the body that was made from a response, at the places of the response."""
    for fault in faults:
        part, _, rest = fault.pointer[1:].partition("/")
        name, _, position = rest.partition("/")
        path = places.get(f"/{part}/{name}", ROOT)
        if path != ROOT:
            path += f".answer[{position}].value" if position else ".answer.value"
        yield tell_fault(fault.code, fault.detail, path)


def find_other_totals(reading: Reading, scores: Mapping[str, float | None]) -> Iterator[Issue]:
    """The totals that came along and are not ours; ours stand, for they were worked out from the answers."""
    for about, (value, path) in reading.totals.items():
        own = scores[about]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if own is None or not is_number or abs(own - float(str(value))) > CLOSE:
            yield Issue(
                "business-rule",
                "is not what the answers give, and was not used; the score was worked out anew",
                path,
                OTHER_TOTAL,
                "warning",
            )
