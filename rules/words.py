"""The sentence templates of one language, each knowing the words that may be filled into it."""

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict

LevelId = Literal["low", "moderate", "high", "very_high"]
Status = Literal["complete", "partial", "insufficient"]
EvidenceGrade = Literal["high", "moderate", "low", "very_low", "expert_opinion"]
ClaimVerdict = Literal[
    "supported", "uncertain", "unsupported", "contradicted", "expert_opinion_only"
]
PlanKind = Literal["routines", "maintain", "not_enough_answers", "withheld"]
LeftOutReason = Literal[
    "blocked_by_red_flag",
    "blocked_by_condition",
    "gate_unanswered",
    "not_opted_in",
    "pain_site",
    "excluded",
    "missing_equipment",
    "no_need",
    "over_budget",
    "worth_less",
]
"""Why a routine is not in a plan; the first that holds is given."""
Urgency = Literal["none", "review", "same_day", "emergency"]
"""What safety calls for, from the least urgent to the most."""
Direction = Literal["higher", "lower", "unchanged", "no_change_shown"]
"""Where a score went, as far as it can be told."""
Part = Literal["score", "low", "high", "level"]
"""What is told of each habit and of the index."""


def fills(*names: str) -> AfterValidator:
    """Accept a template that has each of these words in braces, and nothing else in braces."""

    def check(template: str) -> str:
        try:
            fields = sorted(
                {found[1] for found in Formatter().parse(template) if found[1] is not None}
            )
        except ValueError as error:
            raise ValueError(f"is not a template: {error}") from None
        if fields != sorted(names) or any("{" + name + "}" not in template for name in names):
            raise ValueError(f"must have in braces just {sorted(names)}, not {fields}")
        return template

    return AfterValidator(check)


def names_all(kind: object) -> AfterValidator:
    """Accept a table that has an entry for every value of a kind."""

    def check(table: Mapping[str, str]) -> Mapping[str, str]:
        if missing := sorted(set(get_args(kind)) - set(table)):
            raise ValueError(f"has nothing for {', '.join(missing)}")
        return table

    return AfterValidator(check)


class _Templates(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ListWords(_Templates):
    """How parts are joined into one phrase."""

    between: str
    before_last: str


class PointsWords(_Templates):
    """How points are said."""

    one: str
    other: Annotated[str, fills("n")]


class ComponentWords(_Templates):
    """What is said about one component's points."""

    gave: Annotated[str, fills("because", "points", "most")]
    gave_nothing: Annotated[str, fills("because")]
    held_down: Annotated[str, fills("because", "points", "limit", "each")]
    took_off: Annotated[str, fills("because", "points", "most")]
    took_off_nothing: Annotated[str, fills("because")]
    still_open: Annotated[str, fills("open")]
    only_open: Annotated[str, fills("open")]
    makes_no_difference: Annotated[str, fills("open")]
    gave_plainly: Annotated[str, fills("because", "points")]


class LayWords(_Templates):
    """What is said about a habit to the person."""

    scored: Annotated[str, fills("habit", "score", "level")]
    counted: Annotated[str, fills("counted")]
    counted_one: Annotated[str, fills("because", "points")]
    counted_nothing: str
    credited: Annotated[str, fills("because", "points")]
    not_decided: Annotated[str, fills("low", "high")]
    insufficient: Annotated[str, fills("habit", "open")]
    grades: Annotated[Mapping[EvidenceGrade, str], names_all(EvidenceGrade)]
    verdicts: Annotated[Mapping[ClaimVerdict, str], names_all(ClaimVerdict)]


class ClinicianWords(_Templates):
    """What is said about a habit to a clinician."""

    scored: Annotated[str, fills("score", "level", "low", "high", "status", "points")]
    points_one: Annotated[str, fills("component", "points", "minimum", "maximum")]
    limited: Annotated[str, fills("sum")]
    insufficient: Annotated[str, fills("core")]
    standing: Annotated[str, fills("grade", "evidence_note", "verdict", "claim_note")]


class DoseWords(_Templates):
    """How a dose is said."""

    sets_of_reps: Annotated[str, fills("sets", "reps")]
    sets: Annotated[str, fills("sets")]
    reps: Annotated[str, fills("reps")]
    hold: Annotated[str, fills("seconds")]
    per_side: str
    once_a_week: str
    times_a_week: Annotated[str, fills("sessions")]


class LeftOutWords(_Templates):
    """Why a routine is not in a plan, by reason."""

    blocked_by_red_flag: Annotated[str, fills("flags")]
    blocked_by_condition: Annotated[str, fills("conditions")]
    gate_unanswered: Annotated[str, fills("open")]
    not_opted_in: str
    pain_site: Annotated[str, fills("sites")]
    excluded: str
    missing_equipment: Annotated[str, fills("equipment")]
    no_need: str
    no_score: str
    over_budget: Annotated[str, fills("minutes", "budget")]
    worth_less: str
    offered_another: Annotated[str, fills("equipment")]
    massage_too_long: str


class PlanWords(_Templates):
    """What is said about a plan."""

    kinds: Annotated[Mapping[PlanKind, str], names_all(PlanKind)]
    nothing_fits: str
    nothing_needed: str
    why: Annotated[str, fills("gave", "habit")]
    why_also: Annotated[str, fills("habits")]
    why_maintain: str
    more: Annotated[str, fills("named", "count")]
    open_caution: Annotated[str, fills("open")]
    dose: DoseWords
    left_out: LeftOutWords


class ChangeWords(_Templates):
    """What is said about a change of one answer."""

    lever: Annotated[str, fills("label", "then", "now", "index_then", "index_now")]
    nearest_level: Annotated[str, fills("label", "then", "now", "habit", "level")]


class TrendWords(_Templates):
    """What is said about a change over time."""

    index: str
    directions: Annotated[Mapping[Direction, Annotated[str, fills("name")]], names_all(Direction)]
    rules_changed: str


class RecordWords(_Templates):
    """What is said in a patient's record beside the sentences that the person reads."""

    screen: str
    interval: str
    routine: Annotated[str, fills("title", "minutes", "purpose", "why", "dose")]
    minding: Annotated[str, fills("caution")]
    stopping: Annotated[str, fills("sign")]


class CardWords(_Templates):
    """What is said on cards that a clinician sees beside a patient's record; a summary has fewer than 140 characters."""

    actions: Annotated[Mapping[Urgency, str], names_all(Urgency)]
    dated: Annotated[str, fills("date", "text")]
    undated: Annotated[str, fills("text")]
    date: Annotated[str, fills("date")]
    no_date: str
    not_finished: str
    reported: Annotated[str, fills("flags")]
    scores: Annotated[str, fills("score", "level")]
    no_index: str
    one_score: Annotated[str, fills("habit", "score", "level")]
    no_score: Annotated[str, fills("habit")]
    not_read: str
    not_read_because: str
    of_another: str
    of_another_because: str
    guide: str
    about_cards: str


class AnswerWords(_Templates):
    """What can be answered beside the options of a question."""

    none_of_these: str


class RedcapWords(_Templates):
    """What fields of a project of REDCap are called beside those that ask a question."""

    record: str
    scored: Annotated[str, fills("title")]
    parts: Annotated[Mapping[Part, Annotated[str, fills("name")]], names_all(Part)]
    cleared: str
    top_habit: str
    warnings: str
    model_version: str


class Words(_Templates):
    """Every sentence the rules say, in one language."""

    language: str
    list: ListWords
    points: PointsWords
    levels: Annotated[Mapping[LevelId, str], names_all(LevelId)]
    statuses: Annotated[Mapping[Status, str], names_all(Status)]
    grades: Annotated[Mapping[EvidenceGrade, str], names_all(EvidenceGrade)]
    verdicts: Annotated[Mapping[ClaimVerdict, str], names_all(ClaimVerdict)]
    component: ComponentWords
    lay: LayWords
    clinician: ClinicianWords
    plan: PlanWords
    change: ChangeWords
    trend: TrendWords
    record: RecordWords
    cards: CardWords
    answers: AnswerWords
    redcap: RedcapWords
