"""Cards beside a patient's record (CDS Hooks 2.0): what safety calls for first, then the habit scores."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from api.fhir.assessment import name_content
from api.fhir.assessor import Assessed
from api.fhir.names import QUESTIONNAIRES
from api.fhir.outcome import Issue
from api.fhir.prefetch import Found, Given
from api.fhir.response import STATUSES
from rules.advice import SafetyAdvice
from rules.definitions import Model
from rules.explanation import fill_in, show_number
from rules.results import Assessment
from rules.safety import ActionId

SERVICE = "psoas-habits"
"""Id of the one service there is."""
HOOK = "patient-view"
ANSWERS = "answers"
"""Name under which the response is asked for and sent."""
LONGEST_SUMMARY = 139
"""Characters that a summary may have: CDS Hooks asks for fewer than 140."""
ABOUT_SCORES, ABOUT_CARDS = "understand-a-score", "cds-hooks#read-the-cards"
"""The guides that cards point to."""
MOST_SENT = 10
"""How many responses are asked for, so that one that was begun does not hide the one that was finished."""
MOST_TOLD = 10
"""How many reasons are told why answers cannot be scored."""
Indicator = Literal["info", "warning", "critical"]
INDICATORS: Mapping[ActionId, Indicator] = {
    "none": "info",
    "review": "warning",
    "same_day": "critical",
    "emergency": "critical",
}
"""How much a card presses, by what safety calls for."""
PRESSING: tuple[Indicator, ...] = ("critical", "warning", "info")

Card = dict[str, Any]


class Opened(NamedTuple):
    """The record for which cards are asked."""

    patient: str
    """FHIR id of the patient."""
    guides: str
    """The address below which the guides are found, from where the record is."""


class Shown(NamedTuple):
    """Cards in the order in which to show them."""

    cards: list[Card]
    has_faults: bool = False
    """Whether reasons are told why answers cannot be scored; those are told in English."""


def put_services(model: Model) -> dict[str, Any]:
    """What there is to be asked, and what to send along."""
    which = ",".join(QUESTIONNAIRES.values())
    standing = ",".join(STATUSES)
    search = f"questionnaire={which}&status={standing}&_sort=-authored&_count={MOST_SENT}"
    return {
        "services": [
            {
                "hook": HOOK,
                "id": SERVICE,
                "title": model.title,
                "description": model.intended_use,
                "prefetch": {
                    ANSWERS: "QuestionnaireResponse?patient={{context.patientId}}&" + search
                },
            }
        ]
    }


class CardWriter:
    """A model's words made ready to be put on cards in one language."""

    def __init__(self, model: Model) -> None:
        self._model, self._say = model, model.words.cards
        self._flags = {flag.id: flag.label for flag in model.safety.red_flags}

    def put_found(
        self, found: Found, assess: Callable[[object], Assessed], opened: Opened
    ) -> Shown:
        """The cards for what a record sent along: none where it has no answers."""
        if found.is_of_another:
            card = self._put("warning", self._say.of_another, self._say.of_another_because)
            return Shown([self._finish(card, None, opened)])
        if found.given is None:
            cards = [self._put_unread(found.issues)] if found.issues else []
            return Shown([self._finish(card, None, opened) for card in cards], bool(cards))
        assessed = assess(found.given.document)
        cards = self.put(assessed, found.given, opened)
        if found.draft:
            cards += self._put_signs(assess(found.draft.document), found.draft, opened)
            cards.sort(key=lambda card: PRESSING.index(card["indicator"]))
        return Shown(cards, assessed.assessment is None)

    def put(self, assessed: Assessed, given: Given, opened: Opened) -> list[Card]:
        """The cards for a response: what a sign calls for, and then the scores or why there are none."""
        if assessed.assessment is None:
            cards = self._put_signs(assessed, given, opened)
            return [*cards, self._finish(self._put_unread(assessed.issues), given, opened)]
        safety = self._put_safety(assessed.assessment["safety"])
        put = [*safety, self._put_scores(assessed.assessment)]
        return [self._finish(card, given, opened) for card in put]

    def _put_signs(self, assessed: Assessed, given: Given, opened: Opened) -> list[Card]:
        """What the signs of a response call for that is not scored; nothing where none was reported."""
        safety = assessed.safety
        if safety is None or safety["action"] == "none":
            return []
        return [self._finish(card, given, opened) for card in self._put_safety(safety)]

    def _put_unread(self, issues: Iterable[Issue]) -> Card:
        """Why answers on record cannot be scored."""
        named = [issue for issue in issues if issue.severity == "error"][:MOST_TOLD]
        told = [f"- `{issue.expression}` {issue.text}" for issue in named]
        detail = "\n".join([self._say.not_read_because, "", *told])
        return self._put("info", self._say.not_read, detail)

    def _put_safety(self, safety: SafetyAdvice) -> Iterator[Card]:
        """What to see to first; nothing where every sign was ruled out."""
        if safety["action"] != "none":
            flags = "; ".join(self._flags[flag] for flag in safety["flags"])
            detail = f"{safety['text']}\n\n{fill_in(self._say.reported, flags=flags)}"
            action = safety["action"]
            yield self._put(INDICATORS[action], self._say.actions[action], detail)
        elif not safety["cleared"]:
            yield self._put("info", safety["text"], safety["text"])

    def _put_scores(self, assessment: Assessment) -> Card:
        index = assessment["index"]
        summary = self._say.no_index
        if index["score"] is not None and index["level"] is not None:
            level = self._model.words.levels[index["level"]]
            summary = fill_in(self._say.scores, score=show_number(index["score"]), level=level)
        lines = [f"- {line}" for line in self._tell_habits(assessment)]
        safety = assessment["safety"]
        cleared = [self._say.actions["none"], ""] if safety["cleared"] else []
        known = [self._model.what_a_score_is, "", self._model.intended_use]
        detail = "\n".join([*cleared, *lines, "", *known])
        return self._put("info", summary, detail, ABOUT_SCORES)

    def _tell_habits(self, assessment: Assessment) -> Iterator[str]:
        for habit in assessment["habits"]:
            if habit["score"] is None or habit["level"] is None:
                yield fill_in(self._say.no_score, habit=habit["name"])
                continue
            level = self._model.words.levels[habit["level"]]
            score = show_number(habit["score"])
            yield fill_in(self._say.one_score, habit=habit["name"], score=score, level=level)

    def _put(
        self, indicator: Indicator, summary: str, detail: str, page: str = ABOUT_CARDS
    ) -> Card:
        return {"summary": summary, "indicator": indicator, "detail": detail, "page": page}

    def _finish(self, card: Card, given: Given | None, opened: Opened) -> Card:
        """A card with what every card has; its name is the same for the same content about the same response."""
        if given:
            card = self._date(card, given)
        page = card.pop("page")
        about = ascii((opened.patient, given.name, given.when) if given else opened.patient)
        name = name_content({"card": card, "about": about}).removeprefix("urn:uuid:")
        label = f"{self._model.title} {self._model.version}"
        told = self._say.guide if page == ABOUT_SCORES else self._say.about_cards
        return {
            "uuid": name,
            **card,
            "summary": shorten(card["summary"]),
            "source": {"label": label, "url": f"{opened.guides}{ABOUT_SCORES}"},
            "links": [{"label": told, "url": f"{opened.guides}{page}", "type": "absolute"}],
        }

    def _date(self, card: Card, given: Given) -> Card:
        """A card that says when its answers were given, first of all, so that old ones are not taken for new."""
        say, date, text = self._say, given.when.date, card["summary"]
        summary = (
            fill_in(say.dated, date=date, text=text) if date else fill_in(say.undated, text=text)
        )
        told = [fill_in(say.date, date=date) if date else say.no_date]
        told += [] if given.is_finished else [say.not_finished]
        return {**card, "summary": summary, "detail": f"{card['detail']}\n\n{' '.join(told)}"}


def shorten(summary: str) -> str:
    """A summary that is not longer than it may be; what it leaves out stands in the detail."""
    if len(summary) <= LONGEST_SUMMARY:
        return summary
    return summary[: LONGEST_SUMMARY - 1].rpartition(" ")[0] + "…"
