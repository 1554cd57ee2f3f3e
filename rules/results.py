"""What an assessment says: its shape as callers get it, described once for types and for documents.

Plain typed dictionaries, not classes: each is built once for a request and is JSON already.
"""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from rules.advice import Lever, NearestLevel, NextQuestions, Plan, SafetyAdvice
from rules.words import ClaimVerdict, EvidenceGrade, LevelId, Status

Score = Annotated[
    float | None,
    Field(
        ge=0,
        le=100,
        description="0 to 100 points, half up to one decimal; null when too little is answered. "
        "A habit score, not a probability.",
        examples=[83.5],
    ),
]
Low = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        description="Points if every open question had its most favourable answer.",
        examples=[83.5],
    ),
]
High = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        description="Points if every open question had its least favourable answer.",
        examples=[83.5],
    ),
]
Level = Annotated[
    LevelId | None,
    Field(
        description="Level of the rounded score; /model tells where each begins. Without a score, "
        "the level if low and high agree on it, else null.",
        examples=["very_high"],
    ),
]
LevelLow = Annotated[LevelId, Field(description="Level of low.", examples=["very_high"])]
LevelHigh = Annotated[LevelId, Field(description="Level of high.", examples=["very_high"])]
Decided = Annotated[
    bool, Field(description="True when no answer still open can change the level.", examples=[True])
]
Grade = Annotated[
    EvidenceGrade,
    Field(
        description="How sure anyone can be that the habit matters for muscles and joints.",
        examples=["low"],
    ),
]
Verdict = Annotated[
    ClaimVerdict,
    Field(
        description="How the claim that the habit weakens the psoas stands in the literature.",
        examples=["uncertain"],
    ),
]
StatusNow = Annotated[
    Status,
    Field(
        description="complete: low equals high; partial: open questions could move the score; "
        "insufficient: no score yet.",
        examples=["complete"],
    ),
]


class ModelStamp(TypedDict):
    """Which rules gave the scores."""

    version: Annotated[str, Field(description="Version of the model.", examples=["2026.1"])]
    digest: Annotated[
        str,
        Field(description="SHA-256 over everything the model's files say.", examples=["sha256:…"]),
    ]
    validation_status: Annotated[
        str, Field(description="Whether the scores were validated.", examples=["not_validated"])
    ]
    intended_use: Annotated[str, Field(description="What the scores are for, and not for.")]


class IndexScore(TypedDict):
    """The five habits in one number: a weighted mean, kept near the worst well-evidenced habit."""

    score: Score
    low: Low
    high: High
    level: Level
    level_low: LevelLow
    level_high: LevelHigh
    level_decided: Decided
    status: StatusNow


class ComponentPoints(TypedDict):
    """One part of a habit's score, and what it was worked out from."""

    id: Annotated[str, Field(description="Stable name of the component.", examples=["volume"])]
    points: Annotated[
        float,
        Field(description="Points, half up to two decimals; a credit is negative.", examples=[65]),
    ]
    minimum: Annotated[float, Field(description="The fewest points it can give.", examples=[0])]
    maximum: Annotated[float, Field(description="The most points it can give.", examples=[70])]
    text: Annotated[str, Field(description="The points in a plain sentence.")]
    answers: Annotated[
        list[str],
        Field(description="The questions it depends on.", examples=[["sitting_hours_per_day"]]),
    ]


class HabitScore(TypedDict):
    """One habit: how much of it there is, how sure that is, and what is known about it."""

    id: Annotated[
        str, Field(description="Stable name of the habit.", examples=["prolonged_sitting"])
    ]
    name: Annotated[str, Field(description="Name for people.", examples=["Prolonged sitting"])]
    weight: Annotated[float, Field(description="Weight in the index.", examples=[35])]
    score: Score
    low: Low
    high: High
    level: Level
    level_low: LevelLow
    level_high: LevelHigh
    level_decided: Decided
    status: StatusNow
    components: Annotated[
        list[ComponentPoints] | None,
        Field(description="What the score is made of; null when there is no score."),
    ]
    evidence_grade: Grade
    psoas_claim: Verdict
    psoas_claim_note: Annotated[str, Field(description="The same in words.")]
    lay_comment: Annotated[str, Field(description="The score explained to the person.")]
    clinician_comment: Annotated[str, Field(description="The score explained to a clinician.")]
    sources: Annotated[
        list[str],
        Field(
            description="Ids of the sources behind this habit; see /model/sources.",
            examples=[["ku2018"]],
        ),
    ]


class RaisedWarning(TypedDict):
    """Answers that were accepted but do not seem to fit together."""

    code: Annotated[
        str, Field(description="Stable name of the warning.", examples=["day_longer_than_24_hours"])
    ]
    fields: Annotated[
        list[str],
        Field(description="The questions it is about.", examples=[["sleep_hours_per_night"]]),
    ]
    text: Annotated[str, Field(description="The warning in a plain sentence.")]


class Assessment(TypedDict):
    """Everything the rules say about one person's answers, safety first."""

    safety: SafetyAdvice
    model: ModelStamp
    index: IndexScore
    habits: Annotated[
        list[HabitScore], Field(description="Every habit of the model, in the model's order.")
    ]
    warnings: Annotated[
        list[RaisedWarning], Field(description="Answers worth a second look; nothing was changed.")
    ]
    plan: Plan
    levers: Annotated[
        list[Lever],
        Field(
            description="The answers that would each lower the index if it alone were changed, the "
            "greatest drop first; empty while the index has no score."
        ),
    ]
    nearest_levels: Annotated[
        list[NearestLevel],
        Field(description="For each habit above low, the smallest changes that bring it lower."),
    ]
    next_questions: NextQuestions
