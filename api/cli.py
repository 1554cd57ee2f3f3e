"""The command `psoas`: start the service, or use the rules without it."""

import gc
import json
import sys
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console

from api.app import create_app, name_model
from api.bodies import parse_json
from api.document import describe
from api.logs import open_log, server_log_config
from api.payloads import assess_payload
from api.problems import Refusal
from api.score_command import score
from api.settings import SettingsError, read_settings
from rules.assessment import Assessor
from rules.errors import ModelError
from rules.loading import load_model
from rules.results import Assessment

cli = typer.Typer(
    help="Habit-risk assessment: five habits scored, explained, and honest about what is not known.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
to_person = Console(stderr=True, highlight=False)

INVALID = 2
"""Exit code when what was given cannot be used; 0 is success."""


def tell(text: str) -> None:
    """Say something to the person, on standard error and just as it is; no signs that steer terminals."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in text)
    to_person.print(plain, markup=False, emoji=False, soft_wrap=True)


def start_app() -> Any:
    """The service for the settings of the environment, as each server process starts it.

    What is loaded by now stays for good, so the garbage collector need not look at it again.
    """
    app = create_app()
    gc.collect()
    gc.freeze()
    return app


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (PSOAS_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on (PSOAS_PORT).")
    ] = None,
) -> None:
    """Start the service."""
    settings = read_settings()
    host, port = host or settings.host, settings.port if port is None else port
    load_model(settings.model_dir)  # several processes could not tell what is wrong with it
    address = f"http://{host}:{port}"
    tell(f"Psoas Risk: look at {address}/ first; the API is in {address}/openapi.json")
    uvicorn.run(
        "api.cli:start_app",
        factory=True,
        host=host,
        port=port,
        workers=settings.workers,
        access_log=False,
        log_config=server_log_config(settings.log_level),
        server_header=False,
        proxy_headers=False,
        ws="none",
    )


@cli.command()
def assess(
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(help="A request as JSON, as for POST /assess; - reads standard input."),
    ],
) -> None:
    """Assess what one person answered and print the assessment as JSON.

    What the safety questions call for is told first.
    """
    assessor = Assessor(load_model(read_settings().model_dir))
    try:
        payload = assess_payload(assessor).read(parse_json(file.read()))
    except Refusal as refusal:
        tell(refusal.detail)
        for fault in refusal.faults:
            tell(f"  {fault.pointer}: {fault.detail} ({fault.code})")
        raise typer.Exit(INVALID) from None
    assessment = assessor.assess(payload.sheet)
    tell(assessment["safety"]["text"])
    print_json(assessment)


def print_json(value: Assessment) -> None:
    """Print JSON that people can read, on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


cli.command()(score)


@cli.command()
def model() -> None:
    """Check the model's files and say what they hold."""
    loaded = load_model(read_settings().model_dir)
    print(name_model(loaded))
    for habit in loaded.habits:
        print(
            f"{habit.id}: weight {habit.index.weight:g}, {len(habit.scored_questions)} scored questions, "
            f"evidence {habit.evidence.grade}, psoas claim {habit.psoas_claim.verdict}"
        )
    safety = loaded.safety
    print(
        f"{len(safety.red_flags)} red flags, {len(safety.conditions)} conditions, {len(loaded.routines)} routines"
    )
    print(
        f"{len(loaded.questions)} questions about habits, {len(loaded.sources)} sources, all checked"
    )


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    app = create_app(log=open_log("error"))
    sys.stdout.write(describe(app).decode())


def main() -> None:
    """Run the command; settings or a model that cannot be used are told, not traced."""
    try:
        cli()
    except (ModelError, SettingsError) as error:
        what = "model's files do" if isinstance(error, ModelError) else "settings do"
        tell(f"The {what} not work:")
        for problem in error.problems:
            tell(f"  {problem}")
        sys.exit(INVALID)


if __name__ == "__main__":
    main()
