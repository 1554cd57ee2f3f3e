"""Assess answers that come as FHIR has them, and answer in FHIR, errors included."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Request, Response
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import TypedDict

from api.bodies import OwnRoute, RawHeaders, check_media_type, parse_json, read_body
from api.document import problems
from api.fhir.names import MEDIA_TYPE
from api.fhir.releases import check_release, find_release, name_media_type
from api.languages import SPOKEN, VARIES, name_languages
from api.parts import Parts
from api.problems import Refusal
from rules.folder import ENGLISH

LARGEST = 4 * 1024 * 1024
"""Bytes that a response, or a Bundle of them, may have."""
WRONG_TYPE = f"Send the body as {MEDIA_TYPE}, in UTF-8 and without compression."


class FhirJson(JSONResponse):
    """JSON of FHIR, for the document."""

    media_type = MEDIA_TYPE


class Resource(TypedDict):
    """A resource of FHIR, as FHIR describes it."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    resourceType: Annotated[  # FHIR's own name
        str, Field(description="What kind of resource it is.", examples=["Bundle"])
    ]


class FhirRoute(OwnRoute):
    """A route whose endpoint gets a body, which it has to parse, and the request, and gives a response."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the endpoint's response."""
        headers = dict(scope["headers"])
        check_release(headers.get(b"accept", b"").decode("latin-1"))
        check_fhir(headers)
        body = await read_body(headers, receive, LARGEST)
        response: Response = await self.endpoint(body, Request(scope))
        await response(scope, receive, send)


def check_fhir(headers: RawHeaders) -> None:
    """Accept JSON in UTF-8, uncompressed.

    Raises:
        Refusal: 415 for anything else.
    """
    try:
        check_media_type(headers)
    except Refusal:
        raise Refusal(415, WRONG_TYPE) from None


def answer_resource(request: Request, resource: object, status: int, language: str) -> Response:
    """A resource as an answer, in the release of FHIR that was asked for: what we say is the same in each."""
    headers = {
        "Content-Language": language,
        "Cache-Control": "no-store",
        "Vary": f"Accept, {VARIES}",
    }
    release = find_release(request.headers.get("accept", ""))
    return Response(orjson.dumps(resource), status, headers, name_media_type(release))


def router(parts: Parts) -> APIRouter:
    """`POST /fhir/QuestionnaireResponse/$assess`."""
    router = APIRouter(route_class=FhirRoute, prefix="/fhir", tags=["fhir"])

    @router.post(
        "/QuestionnaireResponse/$assess",
        response_model=Resource,
        response_class=FhirJson,
        response_description="A Bundle: what safety calls for first, then RiskAssessment and Observations; for a "
        "Bundle of responses one such Bundle each, or an OperationOutcome, in the same order.",
        responses=problems(400, 406, 413, 415, 422),
        openapi_extra=SPOKEN,
    )
    async def assess_response(
        resource: Annotated[Resource, Body(media_type=MEDIA_TYPE)], request: Request
    ) -> Response:
        """Assess a QuestionnaireResponse, or a Bundle of at most 100, to one of our Questionnaires.

        Takes R4 and R5, alone or in Parameters, and what clients add: texts, display names, weights,
        computed items. Totals that came along are worked out anew, and one that is not ours is told.
        Show the Flag before anything else; where a response cannot be used, the first issue says what
        a warning sign in it calls for. Nothing is stored and no answer is logged.
        """
        body: Any = resource
        assessor = parts.responses[parts.languages.choose(request)]
        put, is_good = await run_in_threadpool(lambda: assessor.put_any(parse_json(body)))
        told_in = assessor.told_in if is_good else dict.fromkeys((put["language"], ENGLISH))
        language = name_languages(told_in)
        return answer_resource(request, put, 200 if is_good else 422, language)

    return router
