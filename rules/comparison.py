"""What changing some answers would do: both scores side by side, and the difference by habit and component."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from rules.advice import SafetyAdvice
from rules.explanation import round_points
from rules.results import Assessment, HabitScore, IndexScore, ModelStamp

Difference = Annotated[
    float | None,
    Field(
        description="Points after minus points before; null when either has no score.",
        examples=[-22.5],
    ),
]


class ComparedIndex(TypedDict):
    """The index before and after."""

    before: IndexScore
    after: IndexScore
    difference: Difference


class ComparedComponent(TypedDict):
    """One part of a habit's score before and after."""

    id: Annotated[
        str, Field(description="Stable name of the component.", examples=["uninterrupted_bouts"])
    ]
    before: Annotated[
        float | None, Field(description="Points before; null without a score.", examples=[22.5])
    ]
    after: Annotated[
        float | None, Field(description="Points after; null without a score.", examples=[0])
    ]
    difference: Difference


class ScoreInShort(TypedDict):
    """A habit's score with its interval, without the reasons."""

    score: Annotated[float | None, Field(description="0 to 100 points; null without a score.")]
    low: Annotated[float, Field(description="Lower end of the interval.")]
    high: Annotated[float, Field(description="Upper end of the interval.")]
    level: Annotated[str | None, Field(description="Level; null when it is not decided.")]
    status: Annotated[str, Field(description="complete, partial or insufficient.")]


class ComparedHabit(TypedDict):
    """One habit before and after."""

    id: Annotated[str, Field(description="Stable name of the habit.", examples=["slouching"])]
    name: Annotated[str, Field(description="Name for people.", examples=["Slouching"])]
    before: ScoreInShort
    after: ScoreInShort
    difference: Difference
    components: Annotated[
        list[ComparedComponent],
        Field(description="Every component of the habit that has points before or after."),
    ]


class Comparison(TypedDict):
    """Two assessments side by side: with the answers as they are, and with the changes."""

    safety: SafetyAdvice
    model: ModelStamp
    index: ComparedIndex
    habits: Annotated[list[ComparedHabit], Field(description="Every habit, in the model's order.")]


def compare(before: Assessment, after: Assessment) -> Comparison:
    """Put two assessments of one person side by side."""
    return {
        "safety": after["safety"],
        "model": after["model"],
        "index": {
            "before": before["index"],
            "after": after["index"],
            "difference": subtract(after["index"]["score"], before["index"]["score"]),
        },
        "habits": [
            _compare_habit(*pair) for pair in zip(before["habits"], after["habits"], strict=True)
        ],
    }


def _compare_habit(before: HabitScore, after: HabitScore) -> ComparedHabit:
    points_before, points_after = _points(before), _points(after)
    return {
        "id": after["id"],
        "name": after["name"],
        "before": shorten(before),
        "after": shorten(after),
        "difference": subtract(after["score"], before["score"]),
        "components": [
            {
                "id": name,
                "before": points_before.get(name),
                "after": points_after.get(name),
                "difference": subtract(points_after.get(name), points_before.get(name)),
            }
            for name in points_after or points_before
        ],
    }


def shorten(score: Mapping[str, Any]) -> ScoreInShort:
    """A score with its interval, without the reasons."""
    return {
        "score": score["score"],
        "low": score["low"],
        "high": score["high"],
        "level": score["level"],
        "status": score["status"],
    }


def _points(habit: HabitScore) -> dict[str, float]:
    return {component["id"]: component["points"] for component in habit["components"] or []}


def subtract(after: float | None, before: float | None) -> float | None:
    """The difference in points; none where either is none."""
    return None if after is None or before is None else round_points(after - before)
