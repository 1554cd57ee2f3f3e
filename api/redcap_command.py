"""The commands `psoas redcap`: the questionnaire for REDCap, and scores for it to import."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.batch.chunks import FileRefused
from api.redcap import RECORD, write_dictionary
from api.redcap_scores import write_import
from api.settings import read_settings
from api.telling import INVALID, tell
from rules.loading import load_model

redcap = typer.Typer(
    help="The questionnaire for REDCap, and scores for it to import.", no_args_is_help=True
)


@redcap.command()
def dictionary() -> None:
    """Write the data dictionary as CSV to standard output: upload it to a project of REDCap.

    Its fields are called like our questions, so that an export can be scored as it is; REDCap
    works out the habit scores while a form is filled in.
    """
    sys.stdout.write(write_dictionary(load_model(read_settings().model_dir)))


@redcap.command()
def scores(
    source: Annotated[
        Path, typer.Argument(metavar="SCORED", help="Scored rows, as psoas score wrote them.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="File to import; - writes standard output.")
    ],
    record: Annotated[
        str, typer.Option(help="The field by which your project tells records apart.")
    ] = RECORD,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
) -> None:
    """Write scored rows as CSV for REDCap's data import tool, keyed by record, event and instance.

    Rows without any answer, such as those of other forms, are left out.
    """
    model = load_model(read_settings().model_dir)
    try:
        done = write_import(model, source, target, record, may_replace=force)
    except FileRefused as refused:
        tell(str(refused))
        raise typer.Exit(INVALID) from None
    tell(f"Rows to import: {done.written:,}. Left out, for they hold no answer: {done.left_out:,}.")
