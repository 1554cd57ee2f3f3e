"""The command `psoas score`: a file of questionnaires in, scored rows and rejects out, and a summary of both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import polars as pl
import typer
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from api.batch import running
from api.batch.chunks import FileRefused
from api.batch.formats import FORMATS
from api.batch.layout import Columns
from api.batch.mapping import NO_MAPPING, ColumnMapping, MappingError, read_mapping
from api.batch.running import Order, score_file
from api.batch.scoring import Rules
from api.batch.tally import Summary
from api.settings import read_settings
from api.telling import INVALID, make_plain, tell, to_person
from rules.definitions import Model
from rules.loading import load_model
from rules.safety import ACTIONS
from rules.words import LevelId

SOME_REJECTED = 3
"""Exit code when some rows were rejected, and that was asked to be told."""
SHOWN = 12
"""Columns, problems and the like that are listed by name; of the rest only the number is told."""
MEGABYTE = 1_000_000


def score(  # noqa: PLR0913, PLR0917  # each is an option of the command
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="File of questionnaires, a row a person; - reads standard input."
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="File for the scored rows; - writes standard output."),
    ],
    map_file: Annotated[
        Path | None,
        typer.Option("--map", help="Mapping of your own columns to our questions, in TOML."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="File for the rows that have to be corrected; OUT.rejects.* unless named."
        ),
    ] = None,
    source_format: Annotated[
        str | None,
        typer.Option(
            "--from", help=f"Kind of IN, if its name does not tell: {', '.join(FORMATS)}."
        ),
    ] = None,
    target_format: Annotated[
        str | None, typer.Option("--to", help="Kind of OUT, if its name does not tell.")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="Sheet of a spreadsheet; the first one unless named.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there already.")
    ] = False,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="Write numbers in CSV with a comma, as 83,5.")
    ] = False,
    largest: Annotated[
        int | None,
        typer.Option(
            "--largest-mb", min=1, help="Megabytes that a compressed file may have when unpacked."
        ),
    ] = None,
    fail_on_rejects: Annotated[
        bool,
        typer.Option(
            "--fail-on-rejects", help=f"End with exit code {SOME_REJECTED} if any row was rejected."
        ),
    ] = False,
) -> None:
    """Score a file of questionnaires, a row a person.

    Every row goes to OUT or to the rejects; none is lost, and nothing is made up for what was not
    answered. Files may be CSV, JSON lines, Parquet or XLSX; text may be compressed (.gz, .zst).
    """
    for named in (source_format, target_format):
        if named is not None and named not in FORMATS:
            _refuse(f"There is no kind of file called {named}. There are: {', '.join(FORMATS)}.")
    try:
        model = load_model(read_settings().model_dir)
        order = Order(
            source,
            target,
            rejects,
            _read_mapping(map_file, model),
            source_format,
            target_format,
            sheet,
            force,
            decimal_comma,
            largest * MEGABYTE if largest else None,
        )
        with showing_progress() as show:
            summary = score_file(Rules.of(model), order, tell_columns, show)
    except FileRefused as refused:
        _refuse(str(refused))
    except (OSError, pl.exceptions.PolarsError) as error:
        told = "the disk may be full, or a column may be of a kind that is not known here"
        if isinstance(error, OSError) and error.strerror:
            told = error.strerror
        if "Broken pipe" in str(error):
            told = "whoever was reading it has gone"
        _refuse(f"The result could not be written: {told}. Nothing was left behind.")
    tell_summary(summary)
    if fail_on_rejects and summary.rejected:
        raise typer.Exit(SOME_REJECTED)


def _refuse(text: str) -> None:
    tell(text)
    raise typer.Exit(INVALID)


def _read_mapping(file: Path | None, model: Model) -> ColumnMapping:
    if file is None:
        return NO_MAPPING
    try:
        return read_mapping(file.read_text("utf-8"), model)
    except OSError as error:
        raise FileRefused(f"{file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise FileRefused(f"{file}: is not text in UTF-8.") from None
    except MappingError as error:
        told = "\n".join(f"  {problem}" for problem in error.problems)
        raise FileRefused(f"The mapping {file} does not work:\n{told}") from None


@contextmanager
def showing_progress() -> Iterator[Callable[[running.Progress], None]]:
    """A bar with rows, rate and time left, on standard error, where somebody may look at it."""
    bar = Progress(
        SpinnerColumn(),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f} a second"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=to_person,
        transient=True,
    )
    task = bar.add_task("", total=1.0, rows=0, rate=0.0)

    def show(progress: running.Progress) -> None:
        elapsed = bar.tasks[0].elapsed or 1.0
        bar.update(task, completed=progress.done, rows=progress.rows, rate=progress.rows / elapsed)

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
    order: Sequence[str | None] = [*get_args(LevelId), None]
    for level in order:
        levels.add_column(level or "not known", justify="right")
    for name, counts in summary.levels.items():
        levels.add_row(name, *(f"{counts.get(level, 0):,}" for level in order))
    to_person.print(levels)
    called = {name: summary.actions.get(name, 0) for name in reversed(ACTIONS) if name != "none"}
    if any(called.values()):
        to_person.print(_count_table("Rows with a safety action: look at these first", called))
    if summary.problems:
        first = dict(list(summary.problems.items())[:SHOWN])
        to_person.print(_count_table("What was wrong with the rejects", _gather_lines(first)))
    for note in summary.notes:
        tell(note)
    rate = summary.rows / summary.seconds if summary.seconds else 0
    to_person.print(
        f"{summary.rows:,} rows in = {summary.scored:,} scored + {summary.rejected:,} rejected, "
        f"in {summary.seconds:.1f} s ({rate:,.0f} rows a second)."
    )


def _gather_lines(problems: Mapping[str, int]) -> Mapping[str, int]:
    """Problems with malformed lines told together, for each has a number of its own."""
    gathered: dict[str, int] = {}
    for problem, count in problems.items():
        told = "line: malformed" if problem.startswith("line ") else problem
        gathered[told] = gathered.get(told, 0) + count
    return gathered


def _count_table(title: str, counts: Mapping[Any, int]) -> Table:
    table = Table(title=title)
    table.add_column("")
    table.add_column("rows", justify="right")
    for name, count in counts.items():
        table.add_row(escape(make_plain(str(name))), f"{count:,}")
    return table
