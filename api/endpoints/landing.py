"""The front page, and the description of the API for machines."""

from html import escape
from importlib.resources import files

from fastapi import APIRouter, Request, Response

from api.document import describe
from api.fixed import FixedAnswer
from api.parts import Parts

STRICT = "default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content security policy of a page that loads nothing."""


def router(parts: Parts) -> APIRouter:
    """`GET /` and `/openapi.json`."""
    router = APIRouter(include_in_schema=False)
    page = files("api.pages").joinpath("landing.html").read_text("utf-8")
    page = page.replace("{{version}}", parts.model.version)
    documents: list[FixedAnswer] = []

    @router.get("/")
    async def get_landing(request: Request) -> Response:
        """Where to go from here, in terms of the address at which the page was asked for."""
        shown = page.replace("{{address}}", escape(str(request.base_url)))
        html = "text/html; charset=utf-8"
        answer = FixedAnswer(shown.encode(), html, Content_Security_Policy=STRICT, Vary="Host")
        return answer.answer(request)

    @router.get("/openapi.json")
    async def get_document(request: Request) -> Response:
        """The API described in OpenAPI 3.1; made when first asked for, once all addresses are known."""
        if not documents:
            documents.append(FixedAnswer(describe(request.app)))
        return documents[0].answer(request)

    return router
