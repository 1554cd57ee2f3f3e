"""What `psoas score` says to the person: how far it is, what each column is taken for, what became of the rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from rich import progress as bars
from rich.markup import escape
from rich.table import Table

from api.batch.layout import Columns
from api.batch.running import Progress
from api.batch.tally import LEVELS, Summary
from api.telling import make_plain, tell, to_person
from rules.safety import ACTIONS

SHOWN = 12
"""Columns, problems and the like that are listed by name; of the rest only the number is told."""


class ShowProgress(Protocol):
    """Told how far a run is, and how many partitions are done where there are several."""

    def __call__(self, progress: Progress, parts: int = 0, /) -> None:
        """Show it."""


@contextmanager
def showing_progress(partitions: int = 0) -> Iterator[ShowProgress]:
    """A bar with rows, rate and time left, on standard error, where somebody may look at it."""
    bar = bars.Progress(
        bars.SpinnerColumn(),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        *(
            [bars.TextColumn(f"{{task.fields[parts]:,}} of {partitions:,} partitions,")]
            * bool(partitions)
        ),
        bars.TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
        console=to_person,
        transient=True,
    )
    task = bar.add_task("", total=1.0, rows=0, rate=0.0, parts=0)

    def show(progress: Progress, parts: int = 0) -> None:
        rate = progress.rows / (bar.tasks[0].elapsed or 1.0)
        bar.update(task, completed=progress.done, rows=progress.rows, rate=rate, parts=parts)

    with bar:
        yield show


def tell_columns(columns: Columns) -> None:
    """Say which columns count, before anything is scored."""
    lines = [f"{len(columns.recognised)} columns are called like a question."]
    lines += [
        f"{question} comes from {', '.join(names)}." for question, names in columns.mapped.items()
    ]
    if columns.carried:
        lines.append(f"Carried along as they are: {_list(columns.carried)}.")
    lines += [
        f"Did you mean {wanted} by {name}? It is not counted."
        for name, wanted in columns.near.items()
    ]
    if columns.replaced:
        lines.append(f"Left out, because our own columns are called so: {_list(columns.replaced)}.")
    lines += [
        f"The column {old or 'without a name'} is called {new} in the result."
        for new, old in list(columns.renamed.items())[:SHOWN]
    ]
    for line in lines:
        tell(line)


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def tell_summary(summary: Summary) -> None:
    """Say what became of the rows: levels by habit, rejects by reason, and whether the totals agree."""
    levels = Table(title="Rows by level")
    levels.add_column("")
    for level in LEVELS:
        levels.add_column(level or "not known", justify="right")
    for name, counts in summary.levels.items():
        levels.add_row(name, *(f"{counts.get(level, 0):,}" for level in LEVELS))
    to_person.print(levels)
    called = {name: summary.actions.get(name, 0) for name in reversed(ACTIONS) if name != "none"}
    if any(called.values()):
        to_person.print(_count_table("Rows with a safety action: look at these first", called))
    if summary.problems:
        first = dict(list(summary.problems.items())[:SHOWN])
        to_person.print(_count_table("What was wrong with the rejects", first))
    for note in summary.notes:
        tell(note)
    rate = summary.rows / summary.seconds if summary.seconds else 0
    to_person.print(
        f"{summary.rows:,} rows in = {summary.scored:,} scored + {summary.rejected:,} rejected, "
        f"in {summary.seconds:.1f} s ({rate:,.0f} rows a second)."
    )


def _count_table(title: str, counts: Mapping[Any, int]) -> Table:
    table = Table(title=title)
    table.add_column("")
    table.add_column("rows", justify="right")
    for name, count in counts.items():
        table.add_row(escape(make_plain(str(name))), f"{count:,}")
    return table
