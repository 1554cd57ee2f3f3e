"""Cards beside a patient's record (CDS Hooks 2.0): what safety calls for first, then the habit scores."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import orjson

from api.fhir.names import QUESTIONNAIRES
from api.fhir.outcome import Issue
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

Card = dict[str, Any]


def put_services(model: Model) -> dict[str, Any]:
    """What there is to be asked, and what to send along."""
    which = ",".join(QUESTIONNAIRES.values())
    search = f"questionnaire={which}&_sort=-authored&_count=1"
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

    def put(self, assessment: Assessment, guide: str) -> list[Card]:
        """The cards for an assessment; `guide` is the address of the page about them."""
        cards = [*self._put_safety(assessment["safety"]), self._put_scores(assessment)]
        return [self._finish(card, guide) for card in cards]

    def put_unread(
        self, issues: Iterable[Issue], safety: SafetyAdvice | None, guide: str
    ) -> list[Card]:
        """The cards that say why answers on record cannot be scored, and before it what a sign calls for."""
        named = [issue for issue in issues if issue.severity == "error"][:MOST_TOLD]
        told = [f"- `{issue.expression}` {issue.text}" for issue in named]
        detail = "\n".join([self._say.not_read_because, "", *told])
        flagged = safety is not None and safety["action"] != "none"
        cards = [*self._put_safety(safety)] if safety and flagged else []
        cards.append(self._put("info", self._say.not_read, detail))
        return [self._finish(card, guide) for card in cards]

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
        return self._put("info", summary, "\n".join([*cleared, *lines, "", *known]))

    def _tell_habits(self, assessment: Assessment) -> Iterator[str]:
        for habit in assessment["habits"]:
            if habit["score"] is None or habit["level"] is None:
                yield fill_in(self._say.no_score, habit=habit["name"])
                continue
            level = self._model.words.levels[habit["level"]]
            score = show_number(habit["score"])
            yield fill_in(self._say.one_score, habit=habit["name"], score=score, level=level)

    def _put(self, indicator: Indicator, summary: str, detail: str) -> Card:
        return {"summary": shorten(summary), "indicator": indicator, "detail": detail}

    def _finish(self, card: Card, guide: str) -> Card:
        """A card with what every card has; its name is the same for the same content."""
        name = str(uuid.uuid5(uuid.NAMESPACE_OID, orjson.dumps(card).hex()))
        source = {"label": f"{self._model.title} {self._model.version}", "url": guide}
        link = {"label": self._say.guide, "url": guide, "type": "absolute"}
        return {"uuid": name, **card, "source": source, "links": [link]}


def shorten(summary: str) -> str:
    """A summary that is not longer than it may be; what it leaves out stands in the detail."""
    if len(summary) <= LONGEST_SUMMARY:
        return summary
    return summary[: LONGEST_SUMMARY - 1].rpartition(" ")[0] + "…"


def find_response(prefetched: object) -> object:
    """The response in what was sent along: itself, or the first of a search; None where there is none."""
    if not isinstance(prefetched, dict) or prefetched.get("resourceType") != "Bundle":
        return prefetched
    entries = prefetched.get("entry") or []
    found = (entry.get("resource") for entry in entries if isinstance(entry, dict))
    responses = (
        one
        for one in found
        if isinstance(one, dict) and one.get("resourceType") == "QuestionnaireResponse"
    )
    return next(responses, None)
