"""Puts the service together: the one place where all parts meet."""

import random
from collections.abc import Callable

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from structlog.typing import FilteringBoundLogger

from api.batch.scoring import Rules
from api.cors import Cors
from api.endpoints import ROUTERS
from api.envelope import Envelope
from api.logs import open_log
from api.parts import Parts
from api.payloads import assess_payload, what_if_payload
from api.problems import answer_problems
from api.settings import Settings, read_settings
from rules.assessment import Assessor
from rules.definitions import Model
from rules.loading import load_model


def new_request_id() -> str:
    """A name for a request: unlike any other, and no secret, so it need not ask the system."""
    return f"{random.getrandbits(128):032x}"


def create_app(
    settings: Settings | None = None,
    *,
    log: FilteringBoundLogger | None = None,
    new_id: Callable[[], str] = new_request_id,
) -> FastAPI:
    """The service for these settings, by default those of the environment.

    Raises:
        ModelError: when the model's files do not hold together.
    """
    settings = settings or read_settings()
    model = load_model(settings.model_dir)
    assessor = Assessor(model)
    payload = assess_payload(assessor)
    parts = Parts(
        model=model,
        assessor=assessor,
        assess_payload=payload,
        what_if_payload=what_if_payload(payload),
        rules=Rules.of(model),
        most_people=settings.batch_people,
    )
    app = FastAPI(
        title="Psoas Risk",
        version=model.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in ROUTERS:
        add_routes(app, router(parts))
    answer_problems(app)
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "X-Request-Id", "If-None-Match"],
            expose_headers=["X-Request-Id", "Psoas-Model", "ETag"],
        )
    log = log or open_log(settings.log_level)
    app.add_middleware(Envelope, model_name=name_model(model), log=log, new_id=new_id)
    return app


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Make a router's routes the app's own, called in the document by their functions' names.

    Routers know their prefixes and tags; including them the usual way would cost every request.
    """
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.name
        app.router.routes.append(route)


def name_model(model: Model) -> str:
    """The model as the Psoas-Model header names it."""
    return f"{model.version}; digest={model.digest}"
