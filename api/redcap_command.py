"""The commands `psoas redcap`: the questionnaire for REDCap, and scores for it to import."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from api.batch.chunks import FileRefused
from api.batch.mapping import MappingError, read_mapping_text
from api.cluster.orders import own_mapping, own_rules
from api.redcap import RECORD, write_dictionary
from api.redcap_scores import Imported, ImportOrder, write_import
from api.telling import INVALID, tell

redcap = typer.Typer(
    help="The questionnaire for REDCap, and scores for it to import.", no_args_is_help=True
)


@redcap.command()
def dictionary() -> None:
    """Write the data dictionary as CSV to standard output: upload it to a project of REDCap.

    Its fields are called like our questions, so that an export can be scored as it is; REDCap
    works out the habit scores while a form is filled in.
    """
    sys.stdout.write(write_dictionary(own_rules().model))


@redcap.command()
def scores(  # each is an option of the command
    source: Annotated[
        Path, typer.Argument(metavar="SCORED", help="Scored rows, as psoas score wrote them.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to import; - writes standard output.")
    ],
    record: Annotated[
        str, typer.Option(help="The field by which your project tells records apart.")
    ] = RECORD,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", help="The mapping by which the rows were scored, if there was one."),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            help="Rows that psoas score rejected: their records lose the scores of earlier answers."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
) -> None:
    """Write scored rows as CSV for REDCap's data import tool, keyed by record, event and instance.

    Rows of the form habits that hold no answer any more become rows without scores, so that no
    earlier ones stay in a record. Rows of other forms are left out.
    """
    try:
        mapping = own_mapping(read_mapping_text(map_file))
        order = ImportOrder(source, target, record, mapping, rejects, force)
        done = write_import(own_rules().model, order)
    except MappingError as error:
        tell(f"The mapping {map_file} does not work: {'; '.join(error.problems)}")
        raise typer.Exit(INVALID) from None
    except FileRefused as refused:
        tell(str(refused))
        raise typer.Exit(INVALID) from None
    tell(" ".join(sum_up(done)))


def sum_up(done: Imported) -> Iterator[str]:
    """What became of scored rows, in sentences."""
    yield f"Rows to import: {done.written:,}."
    if done.emptied:
        yield (
            f"Without an answer, so that they take away the scores of earlier ones: {done.emptied:,}."
        )
    if done.left_out:
        yield f"Left out, for they hold no answer: {done.left_out:,}."
