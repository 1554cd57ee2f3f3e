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
