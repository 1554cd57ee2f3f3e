"""What an assessment advises, in the shape callers get it: safety first, then the plan, and what would help."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from rules.questions import Answer
from rules.safety import ActionId
from rules.words import EvidenceGrade, LeftOutReason, LevelId, PlanKind


class SafetyAdvice(TypedDict):
    """What the safety questions call for; no score has a say in it."""

    action: Annotated[
        ActionId,
        Field(
            description="The most urgent action that a red flag answered yes calls for.",
            examples=["none"],
        ),
    ]
    text: Annotated[str, Field(description="What to do; show it before anything else.")]
    cleared: Annotated[bool, Field(description="True only when every red flag was answered no.")]
    self_care_allowed: Annotated[
        bool, Field(description="False for emergency and same_day: no routine is then shown.")
    ]
    flags: Annotated[
        list[str],
        Field(description="Red flags answered yes.", examples=[["not_improving_6_weeks"]]),
    ]
    unanswered_flags: Annotated[
        list[str], Field(description="Red flags not answered.", examples=[["saddle_numbness"]])
    ]


class DoseToDo(TypedDict):
    """How much of a routine, and how often."""

    sets: Annotated[int, Field(description="Sets in a session.", examples=[3])]
    reps: Annotated[int, Field(description="Repetitions in a set.", examples=[1])]
    hold_seconds: Annotated[
        int, Field(description="Seconds to hold each; 0 where nothing is held.", examples=[30])
    ]
    per_side: Annotated[bool, Field(description="Whether it is done on each side.")]
    sessions_per_week: Annotated[int, Field(description="Sessions a week.", examples=[5])]
    text: Annotated[str, Field(description="The same in words.")]


class PlannedRoutine(TypedDict):
    """A routine of the plan, with all that is needed to do it."""

    routine_id: Annotated[
        str, Field(description="Id of the routine; see /routines/{id}.", examples=["sphinx_hold"])
    ]
    title: Annotated[str, Field(description="Name for people.")]
    minutes: Annotated[int, Field(description="Minutes of a day on which it is due.", examples=[5])]
    purpose: Annotated[str, Field(description="What the routine is for.")]
    why: Annotated[
        str, Field(description="What in the answers it was chosen for, with the points.")
    ]
    steps: Annotated[list[str], Field(description="What to do, in order.")]
    dose: DoseToDo
    cautions: Annotated[
        list[str],
        Field(description="What to mind because of conditions answered yes, or not answered."),
    ]
    stop_if: Annotated[list[str], Field(description="When to stop; show it with the steps.")]
    evidence_grade: Annotated[
        EvidenceGrade, Field(description="How sure anyone can be that the routine helps.")
    ]
    sources: Annotated[
        list[str],
        Field(description="Ids of the sources; see /model/sources.", examples=[["owen2020"]]),
    ]


class LeftOut(TypedDict):
    """A routine that is not in the plan, and the first reason for it."""

    routine_id: Annotated[str, Field(description="Id of the routine.", examples=["couch_stretch"])]
    reason: Annotated[
        LeftOutReason,
        Field(description="The first reason that holds.", examples=["missing_equipment"]),
    ]
    detail: Annotated[str, Field(description="The reason in a plain sentence.")]


class MoreMinutes(TypedDict):
    """What a few more minutes a day would bring."""

    value_gain: Annotated[
        float,
        Field(description="By how much the exercises would be worth more.", ge=0, examples=[1.2]),
    ]
    exercises: Annotated[
        list[str], Field(description="The exercises there would then be.", examples=[["dead_bug"]])
    ]


class Plan(TypedDict):
    """The routines that fit the scores, the safety answers and the time there is."""

    kind: Annotated[
        PlanKind,
        Field(
            description="routines: for the habits that score 25 or more; maintain: none does; "
            "not_enough_answers: nothing can be said yet; withheld: safety comes first.",
            examples=["routines"],
        ),
    ]
    text: Annotated[
        str, Field(description="What the plan is, in a sentence or two; show it first.")
    ]
    intended_use: Annotated[str, Field(description="What a plan is for, and not for; show it.")]
    minutes_per_day: Annotated[int, Field(description="Minutes a day there are.", examples=[15])]
    minutes_used: Annotated[
        int,
        Field(
            description="Minutes of exercises and self-massage on a day on which all are due.",
            examples=[15],
        ),
    ]
    exercises: Annotated[list[PlannedRoutine], Field(description="The best first.")]
    habit_changes: Annotated[
        list[PlannedRoutine],
        Field(description="The best first; their minutes do not count against the day's."),
    ]
    self_massage: Annotated[
        PlannedRoutine | None,
        Field(description="Only for those who asked for it and were cleared; never alone."),
    ]
    left_out: Annotated[
        list[LeftOut],
        Field(description="Every routine not chosen; empty when the plan is withheld."),
    ]
    five_more_minutes: Annotated[
        MoreMinutes | None,
        Field(description="What 5 more minutes a day would bring; null unless kind is routines."),
    ]


AnswerNow = Annotated[Answer, Field(description="The answer as it was given.", examples=[90])]
AnswerThen = Annotated[Answer, Field(description="The nearest answer that does it.", examples=[30])]


class Lever(TypedDict):
    """One answer that would lower the index if it alone were changed: arithmetic, not advice.

    Do not show it where safety.self_care_allowed is false.
    """

    answer: Annotated[
        str, Field(description="Id of the question.", examples=["usual_sitting_bout_minutes"])
    ]
    now: AnswerNow
    change_to: AnswerThen
    index_now: Annotated[float, Field(description="The index as it is.", examples=[58.5])]
    index_then: Annotated[
        float, Field(description="The lowest index this answer alone can bring.", examples=[37.6])
    ]
    text: Annotated[str, Field(description="The same in a plain sentence.")]


class NearestLevel(TypedDict):
    """The smallest change of one answer that brings a habit to a lower level: arithmetic, not advice.

    Do not show it where safety.self_care_allowed is false.
    """

    habit: Annotated[str, Field(description="Id of the habit.", examples=["prolonged_sitting"])]
    answer: Annotated[
        str, Field(description="Id of the question.", examples=["sitting_hours_per_day"])
    ]
    now: AnswerNow
    change_to: AnswerThen
    level: Annotated[LevelId, Field(description="The level it would then be.", examples=["high"])]
    text: Annotated[str, Field(description="The same in a plain sentence.")]


class NextQuestion(TypedDict):
    """A question still open, and how much answering it would tell."""

    answer: Annotated[
        str, Field(description="Id of the question.", examples=["moderate_minutes_per_week"])
    ]
    width_now: Annotated[
        float, Field(description="Points from low to high of the index now.", examples=[31.0])
    ]
    width_left_at_most: Annotated[
        float,
        Field(description="The most that may be left of it, whatever the answer.", examples=[4.0]),
    ]


class NextQuestions(TypedDict):
    """What to ask next."""

    stop: Annotated[
        bool,
        Field(
            description="True when the level of the index is decided: it is the same at both ends of "
            "the interval. Hours of sitting count as a person's own estimate until told otherwise."
        ),
    ]
    questions: Annotated[
        list[NextQuestion],
        Field(description="The most telling first; those that may tell nothing come last."),
    ]
