"""Puts the service together: the one place where all parts meet."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette_compress import CompressMiddleware
from structlog.typing import FilteringBoundLogger
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.access import TRY_AGAIN, Access
from api.batch.responses import ResponseLines
from api.batch.runner import Runner, give_way
from api.batch.scoring import Rules
from api.batches import Batches
from api.bodies import OwnRoute
from api.callers import check_right, needs, right_needed
from api.conversions import Conversions
from api.cors import Cors
from api.endpoints import ROUTERS
from api.envelope import Envelope
from api.fhir.aside import AsideAssessor
from api.fhir.assessor import make_response_assessors
from api.fixed import WORTH_COMPRESSING
from api.languages import Languages
from api.logs import open_log
from api.looks import Looks
from api.mappings import Mappings
from api.metrics import Metrics
from api.outcomes import Outcomes
from api.parts import Parts
from api.payloads import assess_payload, store_payload, what_if_payload
from api.problems import answer_problems, put_problem
from api.rates import Rates, Together
from api.records import Records
from api.settings import Settings, read_settings
from api.storage.failures import StorageFull, StorageUnavailable
from api.storing import MEGABYTE, Storing, Tidying, chance, make_courier, now, open_spool
from api.trail import Trail
from api.watches import watch_database, watch_rates
from api.webhooks import Webhooks
from api.webhooks_addresses import Addresses, Lookups, Resolve
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
    resolve: Resolve | None = None,
    lines: ResponseLines | None = None,
) -> FastAPI:
    """The service for these settings, by default those of the environment.

    Responses in files are assessed by `lines`, or else in a process apart.

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
    responses = make_response_assessors(payload, assessors)
    aside = AsideAssessor(model)
    rules = Rules.of(model, lines or aside)
    spool = open_spool(settings)
    trail = Trail(storing.pseudonyms, clock, chance)
    most = settings.batches_per_tenant
    conversions = Conversions(rules, spool, log, give_way)
    batches = Batches(storing.database, storing.writer, conversions, trail, clock, chance, most)
    mappings = Mappings(storing.database, model, clock, chance)
    addresses = Addresses(settings.webhook_networks, resolve or Lookups())
    webhooks = Webhooks(
        storing.database,
        storing.pseudonyms,
        addresses,
        trail,
        clock,
        chance,
        settings.webhooks_per_tenant,
    )
    tidying = Tidying(records, batches, webhooks, settings, clock, log)
    rates = open_rates(settings, storing, log)

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        runner = Runner(storing.database, spool, rules, clock, log, gives_way=True)
        courier = make_courier(storing.database, storing.pseudonyms, addresses, clock, chance, log)
        if settings.jobs:
            batches.poke = runner.poke
            runner.start()
            courier.start()
        async with aclosing(rates), tidying.running():
            yield
        await run_in_threadpool(conversions.close)
        await run_in_threadpool(runner.stop)
        await run_in_threadpool(aside.close)
        await run_in_threadpool(spool.close)
        await run_in_threadpool(courier.stop)
        storing.close()

    watches = [watch_database(storing.database, clock), watch_rates(rates)]
    metrics = Metrics(model, watches) if settings.metrics else None
    parts = Parts(
        languages=languages,
        assessors=assessors,
        responses=responses,
        assess_payload=payload,
        what_if_payload=what_if_payload(payload),
        store_payload=store_payload(payload),
        rules=rules,
        records=records,
        mappings=mappings,
        batches=batches,
        webhooks=webhooks,
        looks=Looks(mappings, spool, model),
        database=storing.database,
        metrics=metrics,
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
    surround(
        app,
        settings,
        Middleware(Access, keys=storing.keys, tokens=storing.tokens, rates=rates),
        Middleware(Envelope, model_name=name_model(model), log=log, new_id=new_id, metrics=metrics),
    )
    return app


def surround(app: FastAPI, settings: Settings, access: Middleware, envelope: Middleware) -> None:
    """Put around the routes what every request goes through; the last to be added comes first."""
    layers = [access, envelope, Middleware(Outcomes)]
    if settings.cors_origins:
        layers.insert(1, Middleware(Cors, allow_origins=settings.cors_origins))
    if settings.trusted_proxies:
        trusted = list(settings.trusted_proxies)
        layers.append(Middleware(ProxyHeadersMiddleware, trusted_hosts=trusted))
    for layer in layers:
        app.add_middleware(layer.cls, *layer.args, **layer.kwargs)


def open_rates(settings: Settings, storing: Storing, log: FilteringBoundLogger) -> Rates:
    """The limits of the settings; nothing is connected to yet."""
    together = None
    if settings.rate_store:
        hide = storing.pseudonyms.name_counted
        together = Together(settings.rate_store.get_secret_value(), hide, log)
    return Rates(settings.rate_per_address, settings.rate_per_key, together)


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
