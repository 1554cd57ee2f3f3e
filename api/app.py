"""Puts the service together: the one place where all parts meet."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette_compress import CompressMiddleware
from structlog.typing import FilteringBoundLogger
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.access import TRY_AGAIN, Access
from api.batch.runner import Runner, give_way
from api.batch.scoring import Rules
from api.batches import Batches
from api.bodies import OwnRoute
from api.callers import check_right, needs, right_needed
from api.conversions import Conversions
from api.cors import Cors
from api.endpoints import ROUTERS
from api.envelope import Envelope
from api.fhir.assessor import make_response_assessors
from api.fixed import WORTH_COMPRESSING
from api.languages import Languages
from api.logs import open_log
from api.looks import Looks
from api.mappings import Mappings
from api.outcomes import Outcomes
from api.parts import Parts
from api.payloads import assess_payload, store_payload, what_if_payload
from api.problems import answer_problems, put_problem
from api.rates import Rates
from api.records import Records
from api.settings import Settings, read_settings
from api.storage.failures import StorageFull, StorageUnavailable
from api.storing import MEGABYTE, Storing, Tidying, chance, now, open_spool
from api.trail import Trail
from rules.assessment import Assessor
from rules.definitions import Model
from rules.folder import ENGLISH

compress = partial(
    CompressMiddleware,
    minimum_size=WORTH_COMPRESSING,
    zstd_level=1,
    brotli_quality=3,
    gzip_level=1,
)
"""Compresses what a route answers: the first steps save nearly all there is to save, in half the time."""


def new_request_id() -> str:
    """A name for a request: unlike any other, and no secret, so it need not ask the system."""
    return f"{random.getrandbits(128):032x}"


def create_app(
    settings: Settings | None = None,
    *,
    log: FilteringBoundLogger | None = None,
    new_id: Callable[[], str] = new_request_id,
    clock: Callable[[], datetime] = now,
    chance: Callable[[int], int] = chance,
) -> FastAPI:
    """The service for these settings, by default those of the environment.

    Raises:
        ModelError: when the model's files do not hold together.
        DatabaseAddressError, IssuersError, LanguageUnknown: when a setting about what is stored cannot be used.
    """
    settings = settings or read_settings()
    languages = Languages.load(settings.model_dir, settings.unreviewed_languages)
    assessors = {tag: Assessor(model) for tag, model in languages.models.items()}
    model, assessor = languages.models[ENGLISH], assessors[ENGLISH]
    payload = assess_payload(assessor)
    log = log or open_log(settings.log_level)
    storing = Storing.open(settings, clock)
    records = Records(
        storing.database, storing.writer, storing.pseudonyms, assessor, payload, clock, chance
    )
    rules, spool = Rules.of(model), open_spool(settings)
    trail = Trail(storing.pseudonyms, clock, chance)
    most = settings.batches_per_tenant
    conversions = Conversions(rules, spool, log, give_way)
    batches = Batches(storing.database, storing.writer, conversions, trail, clock, chance, most)
    mappings = Mappings(storing.database, model, clock, chance)
    tidying = Tidying(records, batches, settings, clock, log)

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        runner = Runner(storing.database, spool, rules, clock, log, gives_way=True)
        if settings.jobs:
            batches.poke = runner.poke
            runner.start()
        async with tidying.running():
            yield
        await run_in_threadpool(conversions.close)
        await run_in_threadpool(runner.stop)
        storing.close()

    parts = Parts(
        languages=languages,
        assessors=assessors,
        responses=make_response_assessors(payload, assessors),
        assess_payload=payload,
        what_if_payload=what_if_payload(payload),
        store_payload=store_payload(payload),
        rules=rules,
        records=records,
        mappings=mappings,
        batches=batches,
        looks=Looks(mappings, spool, model),
        database=storing.database,
        most_people=settings.batch_people,
        batch_bytes=settings.batch_mb * MEGABYTE,
        upload_seconds=settings.upload_seconds,
    )
    app = FastAPI(
        title="Psoas Risk",
        version=model.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=run,
    )
    app.state.parts = parts
    for router in ROUTERS:
        add_routes(app, router(parts), public=settings.public)
    answer_problems(app)
    answer_unavailable(app, log)
    rates = Rates(settings.rate_per_address, settings.rate_per_key)
    app.add_middleware(Access, keys=storing.keys, tokens=storing.tokens, rates=rates)
    if settings.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[
                *("Content-Type", "X-Request-Id", "If-None-Match"),
                *("Authorization", "Idempotency-Key"),
                *("Content-Digest", "Content-Encoding", "Range", "If-Range", "Prefer"),
            ],
            expose_headers=[
                *("X-Request-Id", "Psoas-Model", "ETag", "Location", "Idempotency-Replayed"),
                *("RateLimit", "RateLimit-Policy", "Retry-After"),
                *("Accept-Ranges", "Content-Range", "Content-Disposition", "Preference-Applied"),
            ],
        )
    app.add_middleware(Envelope, model_name=name_model(model), log=log, new_id=new_id)
    app.add_middleware(Outcomes)
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    return app


def add_routes(app: FastAPI, router: APIRouter, *, public: bool) -> None:
    """Make a router's routes the app's own, called in the document by their functions' names.

    Routers know their prefixes and tags; including them the usual way would cost every request.
    What needs a right says so itself; in a service that is not public the rest needs one, too, but
    for what tells where to go and how the service is.
    """
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.operation_id = route.name
            if not public and "operations" not in route.tags and route.include_in_schema:
                route.openapi_extra = {**needs("assess"), **(route.openapi_extra or {})}
            if isinstance(route, OwnRoute):  # what never changes is compressed once, files never
                route.handle = compress(route.handle)  # type: ignore[method-assign]
            right = right_needed(route.openapi_extra)
            if right:
                guard(route, right)
        app.router.routes.append(route)


def guard(route: APIRoute, right: str) -> None:
    """Let only those with a right come to a route."""
    inner = route.handle

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in (route.methods or ()):
            check_right(scope, right)
        await inner(scope, receive, send)

    route.handle = handle  # type: ignore[method-assign]


def answer_unavailable(app: FastAPI, log: FilteringBoundLogger) -> None:
    """Make a database that does not answer, or is full, a problem that says so."""

    async def answer(request: Request, error: Any) -> Response:
        status = 507 if isinstance(error, StorageFull) else 503
        request_id = str(request.scope["request_id"])
        log.warning("storage", request_id=request_id, reason=str(error))
        headers = {"Retry-After": str(TRY_AGAIN)} if status == 503 else None
        return put_problem(request_id, status, headers=headers)

    app.add_exception_handler(StorageUnavailable, answer)


def name_model(model: Model) -> str:
    """The model as the Psoas-Model header names it."""
    return f"{model.version}; digest={model.digest}"
