"""A run over many files: looked at first, scored one by one wherever there is room, and the totals checked."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from api.batch.chunks import FileRefused
from api.batch.layout import Columns
from api.batch.running import Progress, RowsLostError
from api.batch.scoring import Rules
from api.batch.tally import Summary, Tally
from api.cluster.orders import DatasetOrder, Stamp, Task, stamp_rules
from api.cluster.partitions import Dataset, Look, look_at_all, tell_failure, tell_faults
from api.cluster.places import Place, PlaceFailed, open_place
from api.cluster.results import Results, take_counts
from api.cluster.tasks import Outcome, score_partition

ShowProgress = Callable[[Progress, int], None]
"""Told how far a run is, and how many partitions are done."""


class Machines(Protocol):
    """What scores partitions."""

    def run(self, tasks: Sequence[Task], go_on: Callable[[Progress], None]) -> Iterable[Outcome]:
        """What becomes of each task, as it is done; `go_on` may be told of one under way."""


class OneMachine:
    """The process itself, partition by partition."""

    def run(self, tasks: Sequence[Task], go_on: Callable[[Progress], None]) -> Iterator[Outcome]:
        """What becomes of each task, in their order."""
        for task in tasks:
            yield score_partition(task, go_on)


class OtherRules(FileRefused):
    """A machine that would score by other rules."""

    def __init__(self, own: Stamp, other: Stamp) -> None:
        told = [
            f"{name} {theirs[:19]} where {ours[:19]} is needed"
            for name, ours, theirs in zip(own._fields, own, other, strict=True)
            if ours != theirs
        ]
        super().__init__(
            f"A worker has other rules ({', '.join(told)}) and may not take part. Install the same "
            "version with the same model there; what is done is kept."
        )


class Run(NamedTuple):
    """What a run is about."""

    rules: Rules
    order: DatasetOrder
    dataset: Dataset
    may_replace: bool = False


def score_dataset(
    run: Run,
    machines: Machines,
    begin: Callable[[Columns], None] = lambda _: None,
    show: ShowProgress = lambda *_: None,
) -> Summary:
    """Score every partition: each row of each stands in its scores or its rejects afterwards.

    Raises:
        FileRefused: where a partition, or what is to be made of it, cannot be used. Those that are
            done by then are kept, and taken as done by another run of the same order.
    """
    started = time.monotonic()
    check_apart(run)
    looks = look_at_all(run.dataset, run.order, run.rules.model)
    stamp = stamp_rules(run.rules.model)
    results = Results(run.order, stamp)
    try:
        results.begin([look.partition for look in looks], may_replace=run.may_replace)
        begin(looks[0].columns)
        tasks = [Task(run.order, look.partition, stamp) for look in looks]
        counts = _score_all(tasks, machines, show)
        tally = _add_up(run.rules, looks, counts)
        notes = list(_gather_notes(run, looks, counts))
        summary = tally.sum_up(looks[0].columns, notes, time.monotonic() - started)
        results.finish(summary, counts)
    except (PlaceFailed, OSError) as failure:
        raise FileRefused(f"{run.order.target}: {tell_failure(failure)}.") from None
    return summary


def check_apart(run: Run) -> None:
    """Refuse to write where it is read: the next run would take the results for people."""
    source = run.dataset.place
    for address in (run.order.target, run.order.rejects):
        place = open_place(address)
        below = [f"{source.address}/{one.found.name}" for one in run.dataset.partitions]
        is_inside = _lies_in(place, source.address) or any(_lies_in(place, one) for one in below)
        if is_inside or any(one.startswith(f"{place.address}/") for one in below):
            raise FileRefused(f"{address} lies among the files that are to be read; name another.")


def _lies_in(place: Place, address: str) -> bool:
    return place.address == address or place.address.startswith(f"{address}/")


def _score_all(
    tasks: Sequence[Task], machines: Machines, show: ShowProgress
) -> dict[str, dict[str, Any]]:
    """The counts of every partition, in the order of the partitions."""
    sizes = {task.partition.found.name: task.partition.found.size for task in tasks}
    whole = sum(sizes.values()) or 1
    counts: dict[str, dict[str, Any]] = {}
    faults: dict[str, str] = {}
    rows, rejected, size = 0, 0, 0

    def show_one(now: Progress) -> None:
        task = tasks[min(len(counts) + len(faults), len(tasks) - 1)]
        part = size + now.done * task.partition.found.size
        show(Progress(rows + now.rows, rejected + now.rejected, part / whole), len(counts))

    for outcome in machines.run(tasks, show_one):
        if outcome.other_rules:
            raise OtherRules(tasks[0].stamp, outcome.other_rules)
        if outcome.counts is None:
            faults[outcome.name] = outcome.fault
            continue
        counts[outcome.name] = outcome.counts
        rows += outcome.counts["rows"]
        rejected += outcome.counts["rejected"]
        size += sizes[outcome.name]
        show(Progress(rows, rejected, size / whole), len(counts))
    if faults:
        raise FileRefused(
            f"{len(faults):,} of {len(tasks):,} partitions could not be scored. The others are done "
            f"and kept; the same command goes on with these:\n{tell_faults(faults)}"
        )
    return {name: counts[name] for name in sizes}


def _add_up(rules: Rules, looks: Sequence[Look], counts: dict[str, dict[str, Any]]) -> Tally:
    """All counts together, after each was compared with its sum and with what its file says of itself."""
    tally = Tally(rules.model)
    for look in looks:
        one = counts[look.partition.found.name]
        told = one["rows"] if look.partition.rows is None else look.partition.rows
        if not told == one["rows"] == one["scored"] + one["rejected"]:
            raise RowsLostError(told, one["scored"], one["rejected"])
        tally.add(take_counts(one))
    rows = sum(one["rows"] for one in counts.values())
    if rows != tally.rows:
        raise RowsLostError(rows, tally.scored, tally.rejected)
    return tally


def _gather_notes(
    run: Run, looks: Sequence[Look], counts: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """What was unusual about the files."""
    for name, one in counts.items():
        yield from (f"{name}: {note}" for note in one["notes"])
    if run.dataset.left_out:
        yield f"Files of no known kind were left out: {len(run.dataset.left_out):,}."
    carried = {frozenset(look.columns.carried) for look in looks}
    if len(carried) > 1:
        yield "The partitions do not carry the same columns along, so their results differ in them."
