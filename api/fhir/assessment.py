"""An assessment as FHIR has it: what safety calls for first, then the scores with their intervals, and the plan.

A RiskAssessment holds the levels and never a probability, Observations the numbers. The plan is the text of its
`mitigation`, and no CarePlan: that would stand among the orders of a clinician, and no clinician has seen it. All
of it is the same in R4 and R5.
"""

import uuid
from collections.abc import Iterable, Iterator

import orjson

from api.fhir.names import CODES, UCUM, put_said
from api.fhir.outcome import Issue, put_outcome
from api.fhir.provenance import Origin, Resource
from rules.advice import Plan, PlannedRoutine, SafetyAdvice
from rules.definitions import Model
from rules.explanation import fill_in
from rules.results import Assessment, HabitScore, IndexScore

TERMS = "http://terminology.hl7.org/CodeSystem"
POINTS = {"unit": "points", "system": UCUM, "code": "{score}"}

Score = IndexScore | HabitScore


class ResultWriter:
    """A model's names and words made ready to put assessments into FHIR in one language."""

    def __init__(self, model: Model) -> None:
        self._model, self._say = model, model.words.record
        self._flags = {flag.id: flag.label for flag in model.safety.red_flags}
        self._language, self._of_safety = model.language.tag, model.language.of_warnings

    def put(self, assessment: Assessment, origin: Origin, issues: Iterable[Issue]) -> Resource:
        """The whole of an assessment as a Bundle, in the order in which to show it."""
        resources = [*self._put_safety(assessment["safety"], origin)]
        scores = [*self._put_scores(assessment, origin)]
        names = [{"reference": name_content(score)} for score in scores]
        resources.append(self._put_risk(assessment, origin, names))
        told = [*issues, *origin.issues, *self._tell_warnings(assessment)]
        outcome = [put_outcome(told)] if told else []
        return put_bundle([*resources, *scores, *outcome])

    def _say_method(self, around: str) -> Resource:
        return put_said(f"{self._model.title} {self._model.version}", self._language, around)

    def _code(self, code: str, display: str) -> Resource:
        return {"coding": [{"system": CODES, "code": code, "display": display}], "text": display}

    def _put_safety(self, safety: SafetyAdvice, origin: Origin) -> Iterator[Resource]:
        """A flag that cannot be overlooked where a sign was reported; then what was found, in any case."""
        coding = [{"system": CODES, "code": safety["action"]}]
        text, language = safety["text"], self._of_safety
        action = {"coding": coding, "text": text}
        if safety["action"] != "none":
            yield {
                "resourceType": "Flag",
                "language": language,
                "status": "active",
                "category": [{"coding": [_term("flag-category", "safety", "Safety")]}],
                "code": action,
                "subject": origin.subject,
            }
        reported = [self._flags[flag] for flag in safety["flags"]]
        is_known = safety["cleared"] or bool(reported)
        found = {"valueCodeableConcept": action} if is_known else {"dataAbsentReason": _open(text)}
        yield {
            **self._put_observation(origin, language, final=is_known),
            "code": put_said(self._say.screen, self._language, language),
            **found,
            "note": [{"text": label} for label in [text, *reported]],
        }

    def _put_observation(self, origin: Origin, language: str, *, final: bool) -> Resource:
        timing = {"effectiveDateTime": origin.moment} if origin.moment else {}
        derived = {"derivedFrom": origin.basis} if origin.basis else {}
        return {
            "resourceType": "Observation",
            "language": language,
            "status": "final" if final and not origin.is_open else "preliminary",
            "category": [{"coding": [_term("observation-category", "survey", "Survey")]}],
            "subject": origin.subject,
            **timing,
            **derived,
            "method": self._say_method(language),
        }

    def _put_scores(self, assessment: Assessment, origin: Origin) -> Iterator[Resource]:
        """The number of each habit, and the index over them."""
        index = self._model.words.trend.index
        yield self._put_score("index", index, assessment["index"], origin)
        for habit in assessment["habits"]:
            put = self._put_score(habit["id"], habit["name"], habit, origin)
            yield {**put, "note": [{"text": habit["clinician_comment"]}]}

    def _put_score(self, code: str, name: str, score: Score, origin: Origin) -> Resource:
        put = {
            **self._put_observation(origin, self._language, final=score["status"] == "complete"),
            "code": self._code(code, name),
        }
        if score["score"] is None:
            put["dataAbsentReason"] = _open(self._model.words.statuses[score["status"]])
        else:
            put["valueQuantity"] = {"value": score["score"], **POINTS}
        if score["level"]:
            put["interpretation"] = [self._put_level(score)]
        ends = {"low": score["low"], "high": score["high"]}
        interval = {end: {"value": points, **POINTS} for end, points in ends.items()}
        put["component"] = [{"code": {"text": self._say.interval}, "valueRange": interval}]
        return put

    def _put_level(self, score: Score) -> Resource:
        level = score["level"]
        assert level is not None  # noqa: S101  # asked before
        return self._code(level, self._model.words.levels[level])

    def _put_risk(self, assessment: Assessment, origin: Origin, scores: list[Resource]) -> Resource:
        """The levels, why, and what to do about it."""
        timing = {"occurrenceDateTime": origin.moment} if origin.moment else {}
        is_final = assessment["index"]["status"] == "complete" and not origin.is_open
        notes = [self._model.what_a_score_is, self._model.intended_use]
        return {
            "resourceType": "RiskAssessment",
            "language": self._language,
            "status": "final" if is_final else "preliminary",
            "method": self._say_method(self._language),
            "subject": origin.subject,
            **timing,
            "basis": [*origin.basis, *scores],
            "prediction": [*self._put_predictions(assessment)],
            "mitigation": "\n\n".join(self._tell_plan(assessment["plan"])),
            "note": [
                put_said(assessment["safety"]["text"], self._of_safety, self._language),
                *({"text": text} for text in notes),
            ],
        }

    def _put_predictions(self, assessment: Assessment) -> Iterator[Resource]:
        index = self._model.words.trend.index
        parts: list[tuple[str, str, Score, str]] = [
            ("index", index, assessment["index"], self._model.what_a_score_is)
        ]
        parts += [(h["id"], h["name"], h, h["lay_comment"]) for h in assessment["habits"]]
        for code, name, score, rationale in parts:
            level = {"qualitativeRisk": self._put_level(score)} if score["level"] else {}
            yield {"outcome": self._code(code, name), **level, "rationale": rationale}

    def _tell_plan(self, plan: Plan) -> Iterator[str]:
        """The plan in full: every routine with its reason, dose and steps, what to mind and when to stop."""
        yield f"{plan['text']} {plan['intended_use']}"
        massage = [plan["self_massage"]] if plan["self_massage"] else []
        for routine in (*plan["exercises"], *plan["habit_changes"], *massage):
            yield "\n".join(self._tell_routine(routine))

    def _tell_routine(self, routine: PlannedRoutine) -> Iterator[str]:
        say = self._say
        yield fill_in(
            say.routine,
            title=routine["title"],
            minutes=str(routine["minutes"]),
            purpose=routine["purpose"],
            why=routine["why"],
            dose=routine["dose"]["text"],
        )
        yield from (f"{place}. {step}" for place, step in enumerate(routine["steps"], 1))
        yield from (fill_in(say.minding, caution=caution) for caution in routine["cautions"])
        yield from (fill_in(say.stopping, sign=sign) for sign in routine["stop_if"])

    def _tell_warnings(self, assessment: Assessment) -> Iterator[Issue]:
        """Answers that were accepted but do not seem to fit together."""
        for warning in assessment["warnings"]:
            yield Issue(
                "informational",
                warning["text"],
                code=warning["code"],
                severity="information",
                language=self._language,
            )


def _term(system: str, code: str, display: str) -> Resource:
    """A code of HL7's own terminology."""
    return {"system": f"{TERMS}/{system}", "code": code, "display": display}


def _open(text: str) -> Resource:
    """That a value is not known, and why."""
    return {"coding": [_term("data-absent-reason", "unknown", "Unknown")], "text": text}


def put_bundle(resources: Iterable[Resource], *, alike: bool = False) -> Resource:
    """A collection of resources in their order; where some may be alike, their names tell them apart all the same."""
    entries = [
        {"fullUrl": name_content(one, place if alike else 0), "resource": one}
        for place, one in enumerate(resources)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def name_content(resource: Resource, place: int = 0) -> str:
    """A name for a resource that nothing stores: the same for the same content in the same place, and for no other."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{place}:{orjson.dumps(resource).hex()}").urn
