"""How a person's scores changed over time, and how much of it is the person and how much the rules.

Between two assessments both may have changed: the answers, and the model. So the old answers are
scored again under today's rules, unless both were told by the same rules anyway. What differs
between both under the same rules is the answers' part; the rest of what was told to the person is
the rules' part. A change is only claimed where the intervals under the same rules do not overlap:
otherwise an answer still open could explain it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from rules.comparison import ScoreInShort, shorten, subtract
from rules.results import Assessment, ModelStamp
from rules.words import Direction, TrendWords


class Change(TypedDict):
    """How one score changed from one assessment to a later one."""

    id: Annotated[str, Field(description="A habit's id, or index.", examples=["prolonged_sitting"])]
    difference: Annotated[
        float | None,
        Field(
            description="The later score minus the earlier, as they were told then; null where one has no score.",
            examples=[-12.5],
        ),
    ]
    answers_changed: Annotated[
        float | None,
        Field(
            description="The part that the answers make: the difference under the same rules: those of then where both had the same, else today's.",
            examples=[-12.5],
        ),
    ]
    model_changed: Annotated[
        float | None,
        Field(
            description="The part that the rules make: the difference less the answers' part. Other "
            "rules, not another habit.",
            examples=[0],
        ),
    ]
    direction: Annotated[
        Direction,
        Field(
            description="higher or lower only where the intervals under the same rules do not overlap, and "
            "unchanged only where both are the same single score; else no_change_shown, since an open "
            "question could explain the difference.",
            examples=["lower"],
        ),
    ]
    text: Annotated[str, Field(description="The same in a plain sentence.")]


class TrendScore(TypedDict):
    """One score at one time, under the rules of then and of today."""

    id: Annotated[str, Field(description="A habit's id, or index.", examples=["slouching"])]
    then: Annotated[
        ScoreInShort | None,
        Field(description="As it was told then; null for a habit that the rules of then lacked."),
    ]
    now: Annotated[ScoreInShort, Field(description="The same answers under today's rules.")]


class TrendPoint(TypedDict):
    """One stored assessment in a trend."""

    assessment_id: Annotated[str, Field(description="Id of the assessment.")]
    created_at: Annotated[str, Field(description="When it was stored, in UTC (RFC 3339).")]
    model_version: Annotated[str, Field(description="The rules of that time.", examples=["2026.1"])]
    model_digest: Annotated[str, Field(description="Digest of the rules of that time.")]
    index: TrendScore
    habits: Annotated[list[TrendScore], Field(description="Every habit, in the model's order.")]
    left_out: Annotated[
        list[str],
        Field(
            description="Answers of that time that today's rules do not take, as JSON pointers; they "
            "count as unanswered."
        ),
    ]


class TrendChange(TypedDict):
    """What changed from one assessment to another."""

    from_id: Annotated[str, Field(description="Id of the earlier assessment.")]
    to_id: Annotated[str, Field(description="Id of the later assessment.")]
    index: Change
    habits: Annotated[list[Change], Field(description="Every habit, in the model's order.")]


class Trend(TypedDict):
    """A person's scores over time."""

    person: Annotated[str, Field(description="The person's reference.", examples=["p-0042"])]
    model: Annotated[ModelStamp, Field(description="Today's rules.")]
    points: Annotated[list[TrendPoint], Field(description="Every assessment, the oldest first.")]
    changes: Annotated[
        list[TrendChange], Field(description="From each assessment to the next one.")
    ]
    overall: Annotated[
        TrendChange | None,
        Field(description="From the first to the last; null while there is only one."),
    ]


class Told(NamedTuple):
    """One assessment as it was stored, and its answers scored again."""

    id: str
    created_at: str
    then: Mapping[str, Any]
    """The assessment as it was answered, perhaps by other rules with other habits."""
    now: Assessment
    left_out: Sequence[str]


def show_trend(person: str, told: Sequence[Told], words: TrendWords) -> Trend:
    """The trend of a person's assessments, of which there is at least one, the oldest first."""
    points = [_put_point(one) for one in told]
    names = {habit["id"]: habit["name"] for habit in told[-1].now["habits"]}
    return {
        "person": person,
        "model": told[-1].now["model"],
        "points": points,
        "changes": [_put_change(*pair, names, words) for pair in pairwise(points)],
        "overall": _put_change(points[0], points[-1], names, words) if len(points) > 1 else None,
    }


def _put_point(one: Told) -> TrendPoint:
    then = {habit["id"]: habit for habit in one.then["habits"]}
    return {
        "assessment_id": one.id,
        "created_at": one.created_at,
        "model_version": one.then["model"]["version"],
        "model_digest": one.then["model"]["digest"],
        "index": _put_score("index", one.then["index"], one.now["index"]),
        "habits": [
            _put_score(habit["id"], then.get(habit["id"]), habit) for habit in one.now["habits"]
        ],
        "left_out": list(one.left_out),
    }


def _put_score(id: str, then: Mapping[str, Any] | None, now: Mapping[str, Any]) -> TrendScore:
    told = None if then is None else shorten(then)
    return {"id": id, "then": told, "now": shorten(now)}


def _put_change(
    before: TrendPoint, after: TrendPoint, names: Mapping[str, str], words: TrendWords
) -> TrendChange:
    pairs = zip(before["habits"], after["habits"], strict=True)
    same = before["model_digest"] == after["model_digest"]
    return {
        "from_id": before["assessment_id"],
        "to_id": after["assessment_id"],
        "index": compare_scores(
            before["index"], after["index"], words.index, words, same_rules=same
        ),
        "habits": [
            compare_scores(one, other, names[one["id"]], words, same_rules=same)
            for one, other in pairs
        ],
    }


def compare_scores(
    before: TrendScore, after: TrendScore, name: str, words: TrendWords, *, same_rules: bool
) -> Change:
    """How one score changed, split into the answers' part and the rules' part.

    With `same_rules` both were told by the same rules, and those compare them; else today's do.
    """
    told = _difference(before["then"], after["then"])
    first, second = before["now"], after["now"]
    if same_rules and before["then"] and after["then"]:
        first, second = before["then"], after["then"]
    answers = _difference(first, second)
    rules = subtract(told, answers)
    direction = find_direction(first, second)
    sentences = [words.directions[direction].format(name=name)]
    if rules:
        sentences.append(words.rules_changed)
    return {
        "id": before["id"],
        "difference": told,
        "answers_changed": answers,
        "model_changed": rules,
        "direction": direction,
        "text": " ".join(sentences),
    }


def find_direction(before: ScoreInShort, after: ScoreInShort) -> Direction:
    """Where a score went, if the intervals leave no doubt."""
    if after["low"] > before["high"]:
        return "higher"
    if after["high"] < before["low"]:
        return "lower"
    same = before["low"] == before["high"] == after["low"] == after["high"]
    return "unchanged" if same else "no_change_shown"


def _difference(before: ScoreInShort | None, after: ScoreInShort | None) -> float | None:
    if before is None or after is None:
        return None
    return subtract(after["score"], before["score"])
