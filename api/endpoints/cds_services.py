"""CDS Hooks 2.0: cards about habits beside a patient's record, from answers that are sent along."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

import orjson
from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from api.bodies import JsonRoute, Payload, check_media_type, parse_json, read_body
from api.document import problems
from api.endpoints.fhir_assess import LARGEST
from api.fhir.cards import (
    ANSWERS,
    HOOK,
    SERVICE,
    CardWriter,
    Indicator,
    Opened,
    put_services,
)
from api.fhir.prefetch import find_given
from api.fixed import FixedAnswer
from api.languages import SPOKEN, VARIES, name_languages
from api.parts import Parts
from api.problems import Refusal
from rules.folder import ENGLISH

NO_SUCH = "There is no such service."
NOT_SENT = (
    f"The answers were not sent along: prefetch.{ANSWERS} must be a QuestionnaireResponse or a Bundle of them, or null "
    "where the patient has none."
)
NOT_FOUND = f"The answers were not sent along: prefetch.{ANSWERS} is an OperationOutcome, so the search for them failed."
JSON = "application/json"


class Service(TypedDict):
    """A service that can be asked for cards."""

    hook: Annotated[str, Field(description="When to ask it.", examples=[HOOK])]
    id: Annotated[str, Field(description="Its place below /cds-services.", examples=[SERVICE])]
    title: Annotated[str, Field(description="Name for people.")]
    description: Annotated[str, Field(description="What it is for.")]
    prefetch: Annotated[
        dict[str, str], Field(description="What to send along, each as a search of FHIR.")
    ]


class ServiceList(TypedDict):
    """The services there are."""

    services: Annotated[list[Service], Field(description="One so far.")]


class CardSource(TypedDict):
    """Where a card comes from."""

    label: Annotated[str, Field(description="The model and its version.")]
    url: Annotated[str, Field(description="A page about it.")]


class CardLink(TypedDict):
    """A page that a card points to."""

    label: Annotated[str, Field(description="The text to show.")]
    url: Annotated[str, Field(description="Its address.")]
    type: Annotated[str, Field(description="absolute: it can be opened as it is.")]


class Card(TypedDict):
    """A card to show beside the record."""

    uuid: Annotated[
        str, Field(description="Its name, the same for the same content about the same answers.")
    ]
    summary: Annotated[str, Field(description="It in a sentence.", max_length=139)]
    detail: Annotated[str, Field(description="More of it, in Markdown.")]
    indicator: Annotated[Indicator, Field(description="How much it presses.")]
    source: CardSource
    links: Annotated[list[CardLink], Field(description="Pages to read on.")]


class CardList(TypedDict):
    """The cards to show, in this order."""

    cards: Annotated[
        list[Card], Field(description="What safety calls for comes first; none without answers.")
    ]


class HookContext(TypedDict):
    """What a record is open for."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    patientId: Annotated[  # CDS Hooks' own name
        str,
        Field(
            description="FHIR id of the patient; answers that name another one are not shown. It is not kept.",
            examples=["42"],
        ),
    ]
    userId: NotRequired[  # CDS Hooks' own name
        Annotated[
            str,
            Field(
                description="Who opened the record; CDS Hooks wants it to be there. It is not used and not kept.",
                examples=["Practitioner/example"],
            ),
        ]
    ]


class Prefetched(TypedDict, total=False):
    """What was sent along with a call."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    answers: Annotated[
        Any,
        Field(
            description="A QuestionnaireResponse, a Bundle of which the newest that fits is used, or null where there "
            "is none."
        ),
    ]


class HookRequest(Payload):
    """A call of a service, as CDS Hooks describes it."""

    model_config = ConfigDict(extra="allow")
    expected = {  # noqa: RUF012  # never changed
        "/hook": f"{HOOK}",
        "/hookInstance": "a text that names this call",
        "/context/patientId": "a text",
        "/context/userId": "a text",
    }

    hook: Annotated[Literal["patient-view"], Field(description="The hook that calls.")]
    hookInstance: Annotated[  # noqa: N815
        str,
        Field(
            description="A UUID that names this call; any text is taken.",
            examples=["d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"],
        ),
    ]
    context: Annotated[HookContext, Field(description="What the record is open for.")]
    prefetch: Annotated[Prefetched | None, Field(None, description="What was sent along.")]


class CardFeedback(TypedDict):
    """What became of a card."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    card: Annotated[str, Field(description="The card's uuid.")]
    outcome: Annotated[str, Field(description="What was done.", examples=["accepted"])]


class FeedbackReport(Payload):
    """What became of cards; it is taken and not kept."""

    model_config = ConfigDict(extra="allow")
    expected = {  # noqa: RUF012  # never changed
        "/feedback": "a list with an object for each card",
        "/feedback/*": "an object",
        "/feedback/*/card": "a text",
        "/feedback/*/outcome": "a text",
    }

    feedback: Annotated[
        list[CardFeedback], Field(min_length=1, description="An object for each card.")
    ]


class CdsRoute(JsonRoute):
    """A route whose endpoint gets one `Payload`, the id of a service and the request, and gives a response."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the endpoint's response."""
        if scope["path_params"]["id"] != SERVICE:
            raise Refusal(404, NO_SUCH)
        headers = dict(scope["headers"])
        check_media_type(headers)
        body = await read_body(headers, receive, LARGEST)
        payload = await run_in_threadpool(lambda: self.payload.read(parse_json(body)))
        response: Response = await self.endpoint(payload, SERVICE, Request(scope))
        await response(scope, receive, send)


Id = Annotated[str, Path(description="Id of a service.", examples=[SERVICE])]


def router(parts: Parts) -> APIRouter:
    """`/cds-services` and what lies below it."""
    router = APIRouter(route_class=CdsRoute, prefix="/cds-services", tags=["cards"])
    listing = FixedAnswer.of(ServiceList, put_services(parts.model))
    writers = {tag: CardWriter(one.model) for tag, one in parts.assessors.items()}

    @router.post(
        "/{id}",
        response_model=CardList,
        response_description="Cards in the order in which to show them.",
        responses=problems(400, 404, 412, 413, 415, 422),
        openapi_extra=SPOKEN,
    )
    async def call_service(body: HookRequest, id: Id, request: Request) -> Response:  # noqa: ARG001
        """The cards for a patient whose answers are sent along: what safety calls for, and the habit scores.

        Of several responses the newest finished one to our questionnaires is used; one that is newer
        and not finished is looked at for warning signs. Answers that do not fit the questionnaire, or
        name another patient, give a card that says so. Nothing is stored, and nothing is asked of the
        server that calls, even where it sends a token.
        """
        prefetched: Mapping[str, Any] = body.prefetch or {}
        if ANSWERS not in prefetched:
            raise Refusal(412, NOT_SENT)
        patient = body.context["patientId"]
        found = await run_in_threadpool(find_given, prefetched[ANSWERS], patient)
        if found.is_failed:
            raise Refusal(412, NOT_FOUND)
        tag = parts.languages.choose(request)
        opened = Opened(patient, f"{request.base_url}guides/")
        responses = parts.responses[tag]
        shown = await run_in_threadpool(writers[tag].put_found, found, responses.assess, opened)
        told_in = (*responses.told_in, *([ENGLISH] if shown.has_faults else []))
        headers = {
            "Content-Language": name_languages(dict.fromkeys(told_in)),
            "Cache-Control": "no-store",
            "Vary": VARIES,
        }
        return Response(orjson.dumps({"cards": shown.cards}), 200, headers, JSON)

    @router.post(
        "/{id}/feedback",
        response_class=Response,
        response_description="It was taken, and is not kept.",
        responses=problems(400, 404, 413, 415, 422),
    )
    async def send_feedback(body: FeedbackReport, id: Id, request: Request) -> Response:  # noqa: ARG001
        """What became of cards: taken, as CDS Hooks wants it, and not kept."""
        return Response(headers={"Cache-Control": "no-store"})

    add_listing(router, listing)
    return router


def add_listing(router: APIRouter, listing: FixedAnswer) -> None:
    """`GET /cds-services`, which has neither a body nor a service's id."""

    async def list_services(request: Request) -> Response:
        """The services for CDS Hooks: when to call them, and what to send along."""
        return listing.answer(request)

    router.add_api_route(
        "",
        list_services,
        methods=["GET"],
        response_model=ServiceList,
        response_description="One service, for when a patient's record is opened.",
        responses=problems(304),
        route_class_override=APIRoute,
    )
