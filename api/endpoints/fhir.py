"""The questionnaire as FHIR has it, and what the service can do there."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from api.document import problems
from api.endpoints.fhir_assess import FhirJson, Resource
from api.fhir.capability import put_capability, put_found, put_short
from api.fhir.codes import put_codes
from api.fhir.names import CODES_ID, QUESTIONNAIRES, SCORING, Release, name_version
from api.fhir.questionnaire import put_form
from api.fhir.releases import find_release, name_media_type
from api.fixed import FixedAnswer
from api.languages import SPOKEN, VARIES, Languages, name_languages
from api.parts import Parts
from api.problems import Refusal
from rules.definitions import Model

Put = Callable[[Model, Release], object]
ALL = "*"
"""Stands for every questionnaire."""
NO_FORM = "There is no such questionnaire. The list is at /fhir/Questionnaire."
NO_CODES = f"There is no such code system. The only one is /fhir/CodeSystem/{CODES_ID}."


class FormQuery(BaseModel):
    """Which questionnaires are wanted, and how much of them; others of FHIR's parameters are passed over."""

    url: Annotated[
        str | None,
        Field(description="Canonical name of a questionnaire.", examples=[QUESTIONNAIRES[SCORING]]),
    ] = None
    summary: Annotated[
        bool,
        Field(alias="_summary", description="Whether the questions are left out."),
    ] = False


class Released:
    """An answer in every release of FHIR and every language, made when it is first asked for so."""

    def __init__(self, languages: Languages, put: Put) -> None:
        self._languages, self._put = languages, put
        self._made: dict[tuple[Release, str], FixedAnswer] = {}

    def answer(self, request: Request) -> Response:
        """The answer in the caller's release and language, or 304 when the caller's copy is still right."""
        release = find_release(",".join(request.headers.getlist("accept")))
        tag = self._languages.choose(request)
        if (release, tag) not in self._made:
            self._made[release, tag] = self._make(release, self._languages.models[tag])
        return self._made[release, tag].answer(request)

    def _make(self, release: Release, model: Model) -> FixedAnswer:
        return FixedAnswer(
            to_json(self._put(model, release)),
            name_media_type(release),
            vary=f"Accept, {VARIES}",
            Content_Language=name_languages(model.language.told_in),
        )


def router(parts: Parts) -> APIRouter:
    """`GET /fhir/metadata`, `/fhir/Questionnaire`, `/fhir/Questionnaire/{id}`, `/fhir/CodeSystem/{id}`."""
    router = APIRouter(prefix="/fhir", tags=["fhir"])
    speak = partial(Released, parts.languages)
    capability, codes = speak(put_capability), speak(lambda model, _: put_codes(model))
    forms = {form: speak(_take_form(form)) for form in QUESTIONNAIRES}
    found = {
        (form, short): speak(_find_forms(form, short))
        for form in (*QUESTIONNAIRES, ALL, "")
        for short in (False, True)
    }
    answered: dict[str, Any] = {
        "response_model": Resource,
        "response_class": FhirJson,
        "openapi_extra": SPOKEN,
    }

    @router.get(
        "/metadata",
        response_description="A CapabilityStatement.",
        responses=problems(304),
        **answered,
    )
    async def get_fhir_metadata(request: Request) -> Response:
        """What the service can do in FHIR.

        Here and below R4 is spoken, and R5 where `Accept` is `application/fhir+json; fhirVersion=5.0`.
        """
        return capability.answer(request)

    @router.get(
        "/Questionnaire",
        response_description="A Bundle with the questionnaires.",
        responses=problems(304, 422),
        **answered,
    )
    async def list_fhir_forms(request: Request, wanted: Annotated[FormQuery, Query()]) -> Response:
        """The questionnaires: one that asks, and one that works out the scores in the form as well."""
        form = find_form(parts.model, wanted.url) if wanted.url else ALL
        return found[form, wanted.summary].answer(request)

    @router.get(
        "/Questionnaire/{id}",
        response_description="A Questionnaire.",
        responses=problems(304, 404),
        **answered,
    )
    async def get_fhir_form(
        request: Request,
        id: Annotated[
            str, Path(description="Id of a questionnaire.", examples=list(QUESTIONNAIRES))
        ],
    ) -> Response:
        """A questionnaire, ready for a form: units, bounds, options, hints, what to skip, and what safety calls for.

        Every item is called as the question is everywhere. `psoas-risk-scores` works out the habit
        scores and the index by `calculatedExpression`, just as the service does.
        """
        if id not in forms:
            raise Refusal(404, NO_FORM)
        return forms[id].answer(request)

    @router.get(
        "/CodeSystem/{id}",
        response_description="A CodeSystem.",
        responses=problems(304, 404),
        **answered,
    )
    async def get_fhir_codes(
        request: Request,
        id: Annotated[str, Path(description="Id of the code system.", examples=[CODES_ID])],
    ) -> Response:
        """Our code system: questions, options, habits, the index, levels and safety actions."""
        if id != CODES_ID:
            raise Refusal(404, NO_CODES)
        return codes.answer(request)

    return router


def _take_form(form: str) -> Put:
    """What puts together one of the questionnaires."""
    return lambda model, release: put_form(model, form, release)


def _find_forms(form: str, short: bool) -> Put:
    """What puts together the answer to a search for one form, for all, or for one that is not there."""
    wanted = tuple(QUESTIONNAIRES) if form == ALL else (form,) if form else ()
    asked = {"url": QUESTIONNAIRES.get(form, ""), "_summary": "true" if short else ""}

    def put(model: Model, release: Release) -> object:
        forms = [put_form(model, each, release) for each in wanted]
        return put_found("Questionnaire", list(map(put_short, forms)) if short else forms, asked)

    return put


def find_form(model: Model, url: str) -> str:
    """The id of the questionnaire with a name, with or without a version; nothing if there is none."""
    for form, name in QUESTIONNAIRES.items():
        if url in (name, name_version(name, model.version)):
            return form
    return ""
