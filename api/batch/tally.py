"""What became of a file's rows, counted as they are written."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, get_args

import polars as pl

from api.batch.chunks import PROBLEMS
from api.batch.layout import Columns
from api.batch.scoring import Scored
from rules.definitions import Model
from rules.rows import BETWEEN, PREFIX
from rules.safety import ACTIONS
from rules.words import LevelId

Named = TypeVar("Named", bound=str | None)

NOT_KNOWN = "not_known"
"""How a summary in JSON calls the level of rows for which none is known."""
ACTION = f"{PREFIX}safety_action"
LEVELS: Sequence[LevelId | None] = [*get_args(LevelId), None]
LINE = r"^line \d+:"
"""How a problem begins with a line that cannot be read: each has a number of its own, which the rejects tell."""


class Summary(NamedTuple):
    """What became of a file: every row of it was scored or rejected."""

    rows: int
    scored: int
    rejected: int
    levels: Mapping[str, Mapping[str | None, int]]
    """How many rows have each level, by habit and for the index, the lowest first; none is a level that is not known."""
    actions: Mapping[str, int]
    """How many rows call for each safety action, the most urgent last."""
    problems: Mapping[str, int]
    """How often each `field: code` stands among the rejects, the most frequent first; malformed lines are told together."""
    columns: Columns
    notes: Sequence[str]
    seconds: float
    resources: Mapping[str, int] = {}
    """How many resources of FHIR there are, by file; where responses were scored."""

    @property
    def named_levels(self) -> Mapping[str, Mapping[str, int]]:
        """The levels as JSON can hold them, where every level has a name."""
        return {
            name: {level or NOT_KNOWN: count for level, count in counts.items()}
            for name, counts in self.levels.items()
        }


def put_summary(summary: Summary) -> bytes:
    """A summary as JSON."""
    told = {
        **summary._asdict(),
        "levels": summary.named_levels,
        "columns": summary.columns._asdict(),
    }
    if not summary.resources:
        told.pop("resources")
    return json.dumps(told, ensure_ascii=False).encode()


class Tally:
    """Counts rows."""

    def __init__(self, model: Model) -> None:
        names = [*(habit.id for habit in model.habits), "index"]
        self._levels = {name: Counter[str | None]() for name in names}
        self._actions = Counter[str]()
        self._problems = Counter[str]()
        self._resources = Counter[str]()
        self.scored = self.rejected = 0

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return self.scored + self.rejected

    def count(self, scored: Scored) -> None:
        """Count the rows of a chunk."""
        columns = {name: f"{PREFIX}{name}_level" for name in self._levels}
        rows = scored.rows.select(*columns.values(), ACTION).filter(scored.good)
        self.scored += rows.height
        self.rejected += scored.rejected.height
        for name, levels in self._levels.items():
            levels.update(_count(rows[columns[name]]))
        self._actions.update(_count(rows[ACTION]))
        problems = scored.rejected[PROBLEMS].str.split(BETWEEN).explode()
        self._problems.update(_count(problems.str.replace(LINE, "line:")))

    def count_resources(self, written: Mapping[str, int]) -> None:
        """Count resources of FHIR."""
        self._resources.update(written)

    @property
    def counts(self) -> Mapping[str, Any]:
        """Everything that was counted, in what JSON can hold; pairs where a level may be none."""
        return {
            "scored": self.scored,
            "rejected": self.rejected,
            "levels": {name: list(levels.items()) for name, levels in self._levels.items()},
            "actions": dict(self._actions),
            "problems": dict(self._problems),
            "resources": dict(self._resources),
        }

    def add(self, counts: Mapping[str, Any]) -> None:
        """Count what another one counted."""
        self.scored += counts["scored"]
        self.rejected += counts["rejected"]
        for name, levels in counts["levels"].items():
            self._levels[name].update(dict(levels))
        self._actions.update(counts["actions"])
        self._problems.update(counts["problems"])
        self._resources.update(counts.get("resources", {}))

    def sum_up(self, columns: Columns, notes: Sequence[str], seconds: float) -> Summary:
        """The summary of everything that was counted."""
        return Summary(
            self.rows,
            self.scored,
            self.rejected,
            {name: _sort(LEVELS, counts) for name, counts in self._levels.items()},
            _sort(ACTIONS, self._actions),
            dict(sorted(self._problems.items(), key=lambda found: (-found[1], found[0]))),
            columns,
            notes,
            seconds,
            dict(self._resources),
        )


def _sort(order: Iterable[Named], counts: Mapping[Named, int]) -> dict[Named, int]:
    return {name: counts[name] for name in order if name in counts}


def _count(values: pl.Series) -> Counter[str]:
    return Counter(dict(values.value_counts().iter_rows()))
