"""The sentence templates of one language, each knowing the words that may be filled into it."""

from collections.abc import Mapping
from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

LevelId = Literal["low", "moderate", "high", "very_high"]
Status = Literal["complete", "partial", "insufficient"]
EvidenceGrade = Literal["high", "moderate", "low", "very_low", "expert_opinion"]
ClaimVerdict = Literal[
    "supported", "uncertain", "unsupported", "contradicted", "expert_opinion_only"
]


def fills(*names: str) -> AfterValidator:
    """Accept a template only when every word in braces is one of `names`."""

    def check(template: str) -> str:
        fields = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
        if unknown := fields - set(names):
            raise ValueError(f"cannot fill in {sorted(unknown)}; known here: {sorted(names)}")
        return template

    return AfterValidator(check)


class _Templates(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ListWords(_Templates):
    """How parts are joined into one phrase."""

    between: str
    before_last: str


class ComponentWords(_Templates):
    """What is said about one component's points."""

    gave: Annotated[str, fills("because", "points", "most")]
    gave_nothing: Annotated[str, fills("because")]
    held_down: Annotated[str, fills("because", "points", "limit", "each")]
    took_off: Annotated[str, fills("because", "points", "most")]
    took_off_nothing: Annotated[str, fills("because")]
    still_open: Annotated[str, fills("open")]
    only_open: Annotated[str, fills("open")]


class LayWords(_Templates):
    """What is said about a habit to the person."""

    scored: Annotated[str, fills("habit", "score", "level")]
    counted: Annotated[str, fills("counted")]
    counted_one: Annotated[str, fills("because", "points")]
    counted_nothing: str
    credited: Annotated[str, fills("because", "points")]
    not_decided: Annotated[str, fills("low", "high")]
    insufficient: Annotated[str, fills("habit", "open")]
    grades: Mapping[EvidenceGrade, str]
    verdicts: Mapping[ClaimVerdict, str]


class ClinicianWords(_Templates):
    """What is said about a habit to a clinician."""

    scored: Annotated[str, fills("score", "level", "low", "high", "status", "points")]
    points_one: Annotated[str, fills("component", "points", "minimum", "maximum")]
    limited: Annotated[str, fills("sum")]
    insufficient: Annotated[str, fills("core")]
    standing: Annotated[str, fills("grade", "evidence_note", "verdict", "claim_note")]


class Words(_Templates):
    """Every sentence the rules say, in one language."""

    language: str
    list: ListWords
    levels: Mapping[LevelId, str]
    statuses: Mapping[Status, str]
    grades: Mapping[EvidenceGrade, str]
    verdicts: Mapping[ClaimVerdict, str]
    component: ComponentWords
    lay: LayWords
    clinician: ClinicianWords
