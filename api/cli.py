"""The command `psoas`: start the service, or use the rules without it."""

import gc
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
import uvicorn
from uvicorn.supervisors import Multiprocess

from api.app import create_app, name_model
from api.bodies import parse_json
from api.collection import write_collection
from api.document import describe
from api.languages import Languages
from api.logs import open_log, server_log_config
from api.metrics import SHARED_FOLDER
from api.payloads import assess_payload
from api.problems import Refusal
from api.redcap_command import redcap
from api.score_command import score
from api.settings import Settings, read_settings
from api.storage.api_keys import count_keys
from api.storage.failures import StorageUnavailable
from api.storage_commands import backup, keys, migrate
from api.storing import open_database
from api.telling import INVALID, tell
from api.tokens import read_issuers
from api.worker_command import PRIVATE, worker
from rules.assessment import Assessor
from rules.errors import ModelError, Unusable
from rules.folder import ENGLISH
from rules.loading import load_languages, load_model
from rules.results import Assessment

LEAVE = 10
"""Seconds that a service that ends waits for answers which are being sent."""

NOT_STARTED = 3
"""Exit code where the service could not be started, the same as the server's own."""
UNREAD = 60
"""Seconds after which a connection is given up whose other side takes nothing of what is sent."""

cli = typer.Typer(
    help="Habit-risk assessment: five habits scored, explained, and honest about what is not known.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)


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
    os.umask(PRIVATE)
    # One thread for tables leaves the others to those who are assessed while a batch is scored.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    # Several processes could not tell what is wrong with these.
    Languages.load(settings.model_dir, settings.unreviewed_languages)
    if settings.issuers:
        read_issuers(settings.issuers)
    address = f"http://{host}:{port}"
    tell(f"Psoas Risk: look at {address}/ first; the API is in {address}/openapi.json")
    look_at_storage(settings)
    config = PatientConfig(
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
        timeout_graceful_shutdown=LEAVE,
    )
    server, sockets = uvicorn.Server(config), [config.bind_socket()]
    if settings.workers > 1:
        with counting_together(settings.data_dir):
            Multiprocess(config, sockets=sockets).run()
        return
    with suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        raise typer.Exit(NOT_STARTED)


@contextmanager
def counting_together(data_dir: Path) -> Iterator[None]:
    """Let the processes that are started meanwhile add up what they count for /metrics."""
    with ExitStack() as stack:
        for place in (None, data_dir):  # without a place each tells of itself alone
            with suppress(OSError):
                folder = TemporaryDirectory(prefix="psoas-metrics-", dir=place)
                os.environ.setdefault(SHARED_FOLDER, stack.enter_context(folder))
                break
        yield


class PatientConfig(uvicorn.Config):
    """A server that hangs up on whoever reads nothing of an answer for too long."""

    def bind_socket(self) -> socket.socket:
        """The socket to listen on; connections inherit from it."""
        bound = super().bind_socket()
        if sys.platform == "linux":
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD * 1000)
        return bound


def look_at_storage(settings: Settings) -> None:
    """Make the embedded database ready, and say what is still needed for storing."""
    database = open_database(settings)
    try:
        with database.reading() as session:
            if not count_keys(session):
                tell(
                    "To store assessments, make a key first: psoas keys create --tenant clinic --scopes records"
                )
    except StorageUnavailable as unavailable:
        tell(f"Nothing can be stored yet: {unavailable}. People can be assessed all the same.")
    finally:
        database.close()


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
cli.command()(worker)
cli.command()(migrate)
cli.command()(backup)
cli.add_typer(keys, name="keys")
cli.add_typer(redcap, name="redcap")


@cli.command()
def model() -> None:
    """Check the model's files and say what they hold."""
    loaded = load_languages(read_settings().model_dir)[ENGLISH]
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
def openapi(
    *,
    http: Annotated[
        bool, typer.Option("--http", help="Print its examples as a collection of requests (.http).")
    ] = False,
) -> None:
    """Print the OpenAPI document."""
    document = describe(create_app(log=open_log("error")))
    text = write_collection(json.loads(document)) if http else document.decode()
    sys.stdout.write(text)


def main() -> None:
    """Run the command; settings or a model that cannot be used are told, not traced."""
    try:
        cli()
    except Unusable as error:
        what = "model's files do" if isinstance(error, ModelError) else "settings do"
        tell(f"The {what} not work:")
        for problem in error.problems:
            tell(f"  {problem}")
        sys.exit(INVALID)


if __name__ == "__main__":
    main()
