"""One partition scored, on whatever machine: fetched, scored by the run over one file, and put in place whole.

Only paths and counts come back. Whatever goes wrong comes back as a sentence of ours, too, and never
as an exception: the messages of other libraries may repeat what stands in a cell, and exceptions
would be logged and shown by each machine on the way.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from polars.exceptions import PolarsError

from api.batch import running
from api.batch.chunks import FileRefused
from api.batch.running import Order, RowsLostError, score_file
from api.batch.tally import Summary
from api.batch.whole import FileBusy, NoPlace, has_no_room
from api.cluster.orders import DatasetOrder, Stamp, Task, own_mapping, own_rules, sign, stamp_rules
from api.cluster.partitions import tell_failure
from api.cluster.places import PlaceFailed, open_place
from api.cluster.results import SCORES, name_counts, name_source, put_counts, put_json, read_done

BUSY_SECONDS = 120
"""How long to wait for another process that writes the same file: one that was taken for lost, and is not."""


class Outcome(NamedTuple):
    """What became of a partition; numbers and sentences, nothing that anybody answered."""

    name: str
    counts: dict[str, Any] | None = None
    fault: str = ""
    """Why it could not be scored."""
    may_pass: bool = False
    """Whether another try may help."""
    other_rules: Stamp | None = None
    """The rules of a machine that may not take part."""


def score_partition(
    task: Task, go_on: Callable[[running.Progress], None] = lambda _: None
) -> Outcome:
    """Score a partition, unless that is done already."""
    name = task.partition.found.name
    try:
        own = stamp_rules(own_rules().model)
        if own != task.stamp:
            return Outcome(name, other_rules=own)
        return Outcome(name, _score(task, go_on))
    except Exception as failure:  # noqa: BLE001  # whatever it says may repeat a cell
        return Outcome(name, None, *_tell(failure))


def _tell(failure: Exception) -> tuple[str, bool]:
    """What went wrong, in our words, and whether another try may help."""
    match failure:
        case NoPlace():
            told, may_pass = f"It cannot be written: {failure}", True
        case FileBusy():
            told, may_pass = f"It cannot be written: {failure}", False
        case FileRefused():
            told, may_pass = str(failure), False
        case RowsLostError():
            told, may_pass = f"The totals do not add up: {failure}.", False
        case PlaceFailed() | OSError():
            told, may_pass = f"It failed: {tell_failure(failure)}.", True
        case PolarsError():
            reason = (
                "the disk is full" if has_no_room(failure) else "a column may be of no known kind"
            )
            told, may_pass = f"It cannot be written: {reason}.", has_no_room(failure)
        case _:
            told, may_pass = f"It failed ({type(failure).__name__}).", False
    return told, may_pass


def _score(task: Task, go_on: Callable[[running.Progress], None]) -> dict[str, Any]:
    order, partition, _ = task
    target, rejects = open_place(order.target), open_place(order.rejects)
    if done := read_done(target, rejects, task):
        return done
    good_name = f"{SCORES}/{partition.scores}"
    with tempfile.TemporaryDirectory(prefix="psoas-") as folder:
        scratch = Path(folder)
        source = open_place(order.source).take(partition.found, scratch)
        good = target.choose_path(good_name, scratch)
        bad = rejects.choose_path(f"{partition.scores}", scratch / "rejects")
        one = _order_file(order, partition.kind, (source, good, bad))
        try:
            summary = _wait_for_others(lambda: score_file(own_rules(), one, go_on=go_on))
        except NoPlace:
            raise
        except FileRefused as refused:
            raise FileRefused(running.tell_refusal(refused, one)) from None
        sizes = [path.stat().st_size for path in (good, bad)]
        target.put(good_name, good)
        rejects.put(partition.scores, bad)
    counts = {
        "signed": sign(order, task.stamp),
        "source": name_source(partition),
        "results": partition.scores,
        "sizes": sizes,
        **put_counts(summary),
    }
    target.put_bytes(name_counts(partition.scores), put_json(counts))
    return counts


def _order_file(order: DatasetOrder, kind: str, paths: tuple[Path, Path, Path]) -> Order:
    return Order(
        *paths,
        mapping=own_mapping(order.mapping),
        source_format=kind,
        target_format=order.target_format,
        sheet=order.sheet,
        may_replace=True,
        decimal_comma=order.decimal_comma,
        largest=order.largest,
    )


def _wait_for_others(score: Callable[[], Summary]) -> Summary:
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return score()
        except FileBusy:
            if time.monotonic() > until:
                raise
            time.sleep(1)
