"""The service's own pages, what they load, and the description of the API for machines."""

from collections.abc import Mapping
from shlex import quote
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.batch.units import read_units
from api.document import describe
from api.fixed import FixedAnswer
from api.languages import VARIES, Languages, Spoken, name_languages
from api.looks import MOST_TEXT
from api.negotiation import tell_files
from api.pages.assets import GUARDED, read_assets
from api.pages.frame import put_page, read_page_words
from api.pages.guides import read_files, read_guides
from api.parts import Parts
from api.problems import Refusal
from rules.folder import ENGLISH

HTML = "text/html; charset=utf-8"
NO_PAGE = "There is no such page."
ONCE = {"try": (), "clinic": (), "guides": (ENGLISH,), "docs": (ENGLISH,)}
"""Pages that are the same for everybody, with the languages that what they show is in, whatever the page's own."""


class Pages:
    """Makes pages in the languages that are served."""

    def __init__(self, languages: Languages, assets: str) -> None:
        self._languages, self._assets = languages, assets
        self._said = {
            tag: read_page_words(tag, reviewed=model.language.translation_reviewed is not False)
            for tag, model in languages.models.items()
        }

    def put_one(
        self, tag: str, template: str, *others: str, vary: str = "", **filled: Any
    ) -> FixedAnswer:
        """A page in one language; `others` are languages that its content is in besides."""
        said = self._said[tag]
        return FixedAnswer(
            put_page(template, said, self._assets, **filled),
            HTML,
            vary=f"{VARIES}{vary}",
            Content_Language=name_languages(dict.fromkeys((*said.languages, *others))),
            **GUARDED,
        )

    def put(self, template: str, *others: str, **filled: Any) -> Spoken:
        """A page in every language."""
        made = {tag: self.put_one(tag, template, *others, **filled) for tag in self._said}
        return Spoken(self._languages, made)


def router(parts: Parts) -> APIRouter:
    """`GET /`, `/docs`, `/guides`, `/try`, `/clinic`, `/assets` and `/openapi.json`."""
    router = APIRouter(include_in_schema=False)
    assets, guides, files = read_assets(), read_guides(), read_files()
    pages = Pages(parts.languages, assets.address)
    documents: list[FixedAnswer] = []

    facts = {**tell_files(), "most_text": MOST_TEXT, "units": read_units()}
    fixed = {
        name: pages.put(
            f"{name}.html", *others, here=f"/{name}", guides=guides.values(), facts=facts
        )
        for name, others in ONCE.items()
    }
    shown = {
        name: pages.put("guide.html", ENGLISH, here="/guides", guide=guide)
        for name, guide in guides.items()
    }
    texts = {
        name: FixedAnswer(body, "text/plain; charset=utf-8", **GUARDED)
        for name, body in files.items()
    }

    @router.get("/")
    async def get_landing(request: Request) -> Response:
        """Where to go from here, in terms of the address at which the page was asked for."""
        address, version = quote(f"{request.base_url}assess"), parts.model.version
        told = {"here": "/", "address": address, "version": version}
        tag = parts.languages.choose(request)
        return pages.put_one(tag, "landing.html", vary=", Host", **told).answer(request)

    @router.get("/docs")
    @router.get("/try")
    @router.get("/clinic")
    @router.get("/guides")
    async def get_page(request: Request) -> Response:
        """A page that is the same for everybody."""
        return fixed[request.url.path[1:]].answer(request)

    @router.get("/guides/{name}")
    async def get_guide(request: Request, name: str) -> Response:
        """A guide."""
        return find(shown, name).answer(request)

    @router.get("/guides/files/{name}")
    async def get_file(request: Request, name: str) -> Response:
        """A file that a guide points to."""
        return find(texts, name).answer(request)

    @router.get("/assets/{digest}/{name:path}")
    async def get_asset(request: Request, digest: str, name: str) -> Response:
        """A style, a script or a picture; for ever under this address, unless it is another version's."""
        answer = find(assets.answers, name).answer(request)
        if digest != assets.digest:
            answer.headers["Cache-Control"] = "no-store"
        return answer

    @router.get("/openapi.json")
    async def get_document(request: Request) -> Response:
        """The API described in OpenAPI 3.1; made when first asked for, once all addresses are known."""
        if not documents:
            documents.append(FixedAnswer(await run_in_threadpool(describe, request.app)))
        return documents[0].answer(request)

    return router


T = TypeVar("T")


def find(known: Mapping[str, T], name: str) -> T:
    """What has a name.

    Raises:
        Refusal: 404 when nothing has.
    """
    if name not in known:
        raise Refusal(404, NO_PAGE)
    return known[name]
