"""The command `psoas score`: a file of questionnaires in, scored rows and rejects out, and a summary of both."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import polars as pl
import typer

from api.batch.chunks import FileRefused
from api.batch.formats import FORMATS
from api.batch.mapping import MappingError, read_mapping_text
from api.batch.running import Order, score_file
from api.batch.tally import Summary
from api.batch.whole import STREAM
from api.cluster.datasets import Machines, OneMachine, Run, score_dataset
from api.cluster.orders import DatasetOrder, own_mapping, own_rules, stamp_rules
from api.cluster.partitions import find_dataset, is_pattern
from api.cluster.places import open_place
from api.cluster.workers import open_workers
from api.score_reports import showing_progress, tell_columns, tell_summary
from api.telling import INVALID, tell

SOME_REJECTED = 3
"""Exit code when some rows were rejected, and that was asked to be told."""
MEGABYTE = 1_000_000


def score(  # noqa: PLR0913, PLR0917  # each is an option of the command
    source: Annotated[
        str,
        typer.Argument(
            metavar="IN",
            help="File of questionnaires, a row a person; - reads standard input. Or a folder, a "
            "pattern such as 'in/*.parquet', or a URL such as s3://bucket/folder: many files.",
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="File for the scored rows; - writes standard output. For many files a folder or URL.",
        ),
    ],
    map_file: Annotated[
        Path | None,
        typer.Option("--map", help="Mapping of your own columns to our questions, in TOML."),
    ] = None,
    rejects: Annotated[
        str | None,
        typer.Option(
            help="File for the rows that have to be corrected; OUT.rejects.* unless named, and "
            "OUT/rejects for many files."
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
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Scheduler of workers that score many files, such as tcp://10.0.0.5:8786."
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=0, help="Score many files by so many processes of this machine.")
    ] = 0,
) -> None:
    """Score a file of questionnaires, a row a person, or many files as one.

    Every row goes to OUT or to the rejects; none is lost, and nothing is made up for what was not
    answered. Files may be CSV, JSON lines, Parquet or XLSX; text may be compressed (.gz, .zst).
    """
    for named in (source_format, target_format):
        if named is not None and named not in FORMATS:
            _refuse(f"There is no kind of file called {named}. There are: {', '.join(FORMATS)}.")
    most = largest * MEGABYTE if largest else None
    try:
        mapping = read_mapping_text(map_file)
        if scheduler or processes or has_many_files(source, target):
            many = DatasetOrder(
                source,
                target,
                rejects or f"{target.rstrip('/')}/rejects",
                mapping,
                source_format,
                target_format,
                sheet,
                decimal_comma,
                most,
            )
            summary = score_many(many, scheduler, processes, may_replace=force)
        else:
            one = Order(
                Path(source),
                Path(target),
                Path(rejects) if rejects else None,
                own_mapping(mapping),
                source_format,
                target_format,
                sheet,
                force,
                decimal_comma,
                most,
            )
            summary = _score_one(one)
    except MappingError as error:
        told = "\n".join(f"  {problem}" for problem in error.problems)
        _refuse(f"The mapping {map_file} does not work:\n{told}")
    except FileRefused as refused:
        _refuse(str(refused))
    tell_summary(summary)
    if fail_on_rejects and summary.rejected:
        raise typer.Exit(SOME_REJECTED)


def _score_one(order: Order) -> Summary:
    """Score one file, here."""
    try:
        with showing_progress() as show:
            return score_file(own_rules(), order, tell_columns, show)
    except (OSError, pl.exceptions.PolarsError) as error:
        told = "the disk may be full, or a column may be of a kind that is not known here"
        if isinstance(error, OSError) and error.strerror:
            told = error.strerror
        if "Broken pipe" in str(error):
            told = "whoever was reading it has gone"
        raise FileRefused(
            f"The result could not be written: {told}. Nothing was left behind."
        ) from None


def score_many(
    order: DatasetOrder, scheduler: str | None, processes: int, *, may_replace: bool
) -> Summary:
    """Score many files as one, by this process or by others.

    Raises:
        FileRefused: where that cannot be done.
    """
    if scheduler and processes:
        raise FileRefused("Name a scheduler, or how many processes to start here, not both.")
    if STREAM.name in {order.source, order.target}:
        raise FileRefused("Many files come from a folder and go to one, not through streams.")
    dataset = find_dataset(order.source, order.source_format, order.target_format)
    order = order._replace(
        source=dataset.place.address,
        target=open_place(order.target).address,
        rejects=open_place(order.rejects).address,
    )
    run = Run(own_rules(), order, dataset, may_replace)
    try:
        with ExitStack() as stack:
            machines: Machines = OneMachine()
            if scheduler or processes:
                stamp = stamp_rules(run.rules.model)
                machines = stack.enter_context(open_workers(scheduler, processes, stamp))
            show = stack.enter_context(showing_progress(len(dataset.partitions)))
            return score_dataset(run, machines, tell_columns, show)
    except KeyboardInterrupt:
        tell("Stopped. What is done is kept; the same command goes on from there.")
        raise


def has_many_files(source: str, target: str) -> bool:
    """Whether what is to be scored is not simply one file on this machine's disk."""
    return "://" in source + target or Path(source).is_dir() or is_pattern(source)


def _refuse(text: str) -> NoReturn:
    tell(text)
    raise typer.Exit(INVALID)
