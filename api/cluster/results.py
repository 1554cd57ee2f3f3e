"""The folder that a dataset's results lie in: what it holds, what is done already, and what marks it whole."""

import json
from collections.abc import Mapping, Sequence, Set
from typing import Any

from api.batch.chunks import FileRefused
from api.batch.tally import NOT_KNOWN, Summary
from api.cluster.orders import DatasetOrder, Partition, Stamp, Task, sign
from api.cluster.places import Place, open_place, read_whole

ORDER, SUMMARY = "order.json", "summary.json"
"""What is written first, and last."""
SCORES, COUNTS = "scores", "counts"


def name_counts(scores: str) -> str:
    """Where the counts of a partition lie; they are written when its results are there."""
    return f"{COUNTS}/{scores}.json"


def put_json(value: object) -> bytes:
    """JSON that is the same bytes wherever and whenever it is written."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


class Results:
    """The results of one order."""

    def __init__(self, order: DatasetOrder, stamp: Stamp) -> None:
        self._scores, self._rejects = open_place(order.target), open_place(order.rejects)
        self._told = {"signed": sign(order, stamp), **stamp._asdict()}

    def begin(self, partitions: Sequence[Partition], *, may_replace: bool) -> None:
        """Make the folder ready: new, or left by a run of the same order that broke off.

        Results of partitions that are no longer there go.

        Raises:
            FileRefused: where it holds anything else, unless that may be replaced.
        """
        kept = read_whole(self._scores, ORDER)
        if may_replace:
            self._scores.remove(SUMMARY)
            self._scores.remove(ORDER)
            self._clear(frozenset())
        elif kept is None:
            for place in (self._scores, self._rejects):
                if next(place.list_files(), None) is not None:
                    raise FileRefused(
                        f"{place.address} holds files already; name a new folder, or replace "
                        "what a run left there by --force."
                    )
        elif self._scores.find(SUMMARY):
            raise FileRefused(f"{self._scores.address} is there already; --force replaces it.")
        elif kept != put_json(self._told):
            raise FileRefused(
                f"{self._scores.address} holds a part of a run with other files, rules, mapping or "
                "options; --force begins anew."
            )
        else:
            self._clear({one.scores for one in partitions})
        self._scores.put_bytes(ORDER, put_json(self._told))

    def _clear(self, wanted: Set[str]) -> None:
        """Remove the results that a run left, but for those that are wanted; nothing else is touched."""
        for found in list(self._scores.list_files()):
            scores = found.name.removeprefix(f"{COUNTS}/").removesuffix(".json")
            if found.name == name_counts(scores) and scores not in wanted:
                self._scores.remove(f"{SCORES}/{scores}")
                self._rejects.remove(scores)
                self._scores.remove(found.name)

    def finish(self, summary: Summary, counts: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the summary, which marks everything whole."""
        partitions = [
            {
                "name": name,
                **{what: one[what] for what in ("rows", "scored", "rejected", "results")},
            }
            for name, one in counts.items()
        ]
        told = {**self._told, **put_counts(summary), "partitions": partitions}
        self._scores.put_bytes(SUMMARY, put_json(told))


def put_counts(summary: Summary) -> dict[str, Any]:
    """What became of rows, in what JSON can hold; how long it took is left out, for it is never the same."""
    return {
        "rows": summary.rows,
        "scored": summary.scored,
        "rejected": summary.rejected,
        "levels": summary.named_levels,
        "actions": dict(summary.actions),
        "problems": dict(summary.problems),
        "notes": list(summary.notes),
    }


def take_counts(counts: Mapping[str, Any]) -> dict[str, Any]:
    """Such counts as they are added to a tally."""
    levels = {
        name: [(None if level == NOT_KNOWN else level, count) for level, count in counted.items()]
        for name, counted in counts["levels"].items()
    }
    return {**counts, "levels": levels}


def read_done(target: Place, rejects: Place, task: Task) -> dict[str, Any] | None:
    """The counts of a partition that is done: by the same order, from the same file, its results there whole."""
    kept = read_whole(target, name_counts(task.partition.scores))
    if kept is None:
        return None
    counts: dict[str, Any] = json.loads(kept)
    good = target.find(f"{SCORES}/{task.partition.scores}")
    bad = rejects.find(task.partition.scores)
    sizes = [good and good.size, bad and bad.size]
    is_same = counts["signed"] == sign(task.order, task.stamp)
    is_whole = counts["sizes"] == sizes and counts["source"] == name_source(task.partition)
    return counts if is_same and is_whole else None


def name_source(partition: Partition) -> list[str | int]:
    """A file as it was when it was scored."""
    return list(partition.found)
