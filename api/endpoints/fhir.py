"""The questionnaire as FHIR has it, and what the service can do there."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticKnownError, to_json

from api.document import problems
from api.endpoints.fhir_assess import FhirJson, Resource
from api.fhir.capability import Summary, put_capability, put_found
from api.fhir.codes import put_codes, put_faults
from api.fhir.names import (
    CODES_ID,
    FAULTS_ID,
    QUESTIONNAIRES,
    Release,
    name_version,
)
from api.fhir.operations import OPERATIONS, put_operation
from api.fhir.questionnaire import put_form
from api.fhir.releases import check_release, name_media_type
from api.fhir.value_sets import ACTIONS_ID, LEVELS, list_value_sets, name_value_set, put_value_set
from api.fixed import FixedAnswer
from api.languages import SPOKEN, VARIES, Languages, name_languages
from api.parts import Parts
from api.problems import Refusal
from rules.definitions import Model
from rules.folder import ENGLISH

Put = Callable[[Model, Release], object]
NO_FORM = "There is no such questionnaire. The list is at /fhir/Questionnaire."
CODE_SYSTEMS = {CODES_ID: put_codes, FAULTS_ID: put_faults}
"""What puts together each code system, by its id."""
NO_VALUES = "There is no such value set. The list is at /fhir/ValueSet."
NO_CODES = f"There is no such code system. There are: {', '.join(CODE_SYSTEMS)}."
NO_OPERATION = f"There is no such operation. There are: {', '.join(OPERATIONS)}."


def read_summary(asked: str) -> str:
    """What `_summary` asks for, with true and false in whatever case clients write them."""
    known: tuple[str, ...] = get_args(Summary)
    if asked.lower() not in known:
        raise PydanticKnownError("literal_error", {"expected": ", ".join(known)})
    return asked.lower()


class SearchQuery(BaseModel):
    """Which resources are wanted, and how much of them; others of FHIR's parameters are passed over."""

    url: Annotated[
        str | None,
        Field(description="Canonical name, with or without a version."),
    ] = None
    summary: Annotated[
        Summary | Literal[False],
        BeforeValidator(read_summary),
        WithJsonSchema({"type": "boolean"}),
        Field(
            alias="_summary",
            description="Whether the content is left out.",
        ),
    ] = False
    version: Annotated[str | None, Field(description="Version, which is that of the model.")] = None
    id: Annotated[str | None, Field(alias="_id", description="Id of a resource.")] = None

    def wants(self, id_: str, url: str, version: str) -> bool:
        """Whether a resource is among those that are wanted."""
        return (
            self.id in (None, id_)
            and self.url in (None, url, name_version(url, version))
            and self.version in (None, version)
        )


class Released:
    """An answer in every release of FHIR and every language, made when it is first asked for so."""

    def __init__(self, languages: Languages, put: Put) -> None:
        self._languages, self._put = languages, put
        self._made: dict[tuple[Release, str], FixedAnswer] = {}

    def answer(self, request: Request) -> Response:
        """The answer in the caller's release and language, or 304 when the caller's copy is still right."""
        release = check_release(",".join(request.headers.getlist("accept")))
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


class Held:
    """All resources of a kind, each by its id, and as they are searched for."""

    def __init__(
        self,
        languages: Languages,
        kind: str,
        names: Mapping[str, str],
        put: Callable[[Model, Release, str], Mapping[str, Any]],
    ) -> None:
        self._languages, self._kind, self._names, self._put = languages, kind, names, put
        self._found: dict[tuple[tuple[str, ...], Summary], Released] = {}
        self._one = {id_: Released(languages, partial(self._put_one, id_=id_)) for id_ in names}

    def read(self, request: Request, id_: str, missing: str) -> Response:
        """One of them.

        Raises:
            Refusal: 404 where there is none of this id.
        """
        if id_ not in self._one:
            raise Refusal(404, missing)
        return self._one[id_].answer(request)

    def find(self, request: Request, wanted: SearchQuery) -> Response:
        """Those that are wanted: all, one, or none."""
        version = self._languages.models[ENGLISH].version
        ids = tuple(id_ for id_, url in self._names.items() if wanted.wants(id_, url, version))
        key = ids, wanted.summary or "false"
        if key not in self._found:
            self._found[key] = Released(self._languages, partial(self._put_found, *key))
        return self._found[key].answer(request)

    def _put_one(self, model: Model, release: Release, id_: str) -> object:
        return self._put(model, release, id_)

    def _put_found(
        self, ids: tuple[str, ...], summary: Summary, model: Model, release: Release
    ) -> object:
        asked = {"url": self._names[ids[0]]} if len(ids) == 1 else {}
        found = [self._put(model, release, id_) for id_ in ids]
        return put_found(self._kind, found, summary, asked)


def router(parts: Parts) -> APIRouter:
    """`GET /fhir/metadata`, `/fhir/Questionnaire`, `/fhir/ValueSet` and those below them, code systems and operations."""
    router = APIRouter(prefix="/fhir", tags=["fhir"])
    speak = partial(Released, parts.languages)
    capability = speak(put_capability)
    codes = {id_: speak(_take(put)) for id_, put in CODE_SYSTEMS.items()}
    operations = {code: speak(_take(partial(put_operation, code=code))) for code in OPERATIONS}
    forms = Held(
        parts.languages,
        "Questionnaire",
        QUESTIONNAIRES,
        lambda model, release, form: put_form(model, form, release),
    )
    values = Held(
        parts.languages,
        "ValueSet",
        {id_: name_value_set(id_) for id_ in list_value_sets(parts.model)},
        lambda model, _, id_: put_value_set(model, id_),
    )
    answered: dict[str, Any] = {
        "response_model": Resource,
        "response_class": FhirJson,
        "openapi_extra": SPOKEN,
    }

    @router.get(
        "/metadata",
        response_description="A CapabilityStatement.",
        responses=problems(304, 406),
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
        responses=problems(304, 406, 422),
        **answered,
    )
    async def list_fhir_forms(
        request: Request, wanted: Annotated[SearchQuery, Query()]
    ) -> Response:
        """The questionnaires: one that asks, and one that works out the scores in the form as well.

        `_summary` may also be `text`, `data` or `count`, as FHIR has it.
        """
        return forms.find(request, wanted)

    @router.get(
        "/Questionnaire/{id}",
        response_description="A Questionnaire.",
        responses=problems(304, 404, 406),
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
        return forms.read(request, id, NO_FORM)

    @router.get(
        "/ValueSet",
        response_description="A Bundle with the value sets.",
        responses=problems(304, 406, 422),
        **answered,
    )
    async def list_fhir_values(
        request: Request, wanted: Annotated[SearchQuery, Query()]
    ) -> Response:
        """The value sets: what each choice can be answered with, the levels, and what safety may call for.

        `_summary` may also be `text`, `data` or `count`, as FHIR has it.
        """
        return values.find(request, wanted)

    @router.get(
        "/ValueSet/{id}",
        response_description="A ValueSet.",
        responses=problems(304, 404, 406),
        **answered,
    )
    async def get_fhir_values(
        request: Request,
        id: Annotated[
            str,
            Path(
                description="Id of a value set; of a question's options its id with hyphens.",
                examples=["lumbar-support", LEVELS, ACTIONS_ID],
            ),
        ],
    ) -> Response:
        """A value set of codes of ours, listed and expanded. Questionnaires hold their options themselves."""
        return values.read(request, id, NO_VALUES)

    @router.get(
        "/CodeSystem/{id}",
        response_description="A CodeSystem.",
        responses=problems(304, 404, 406),
        **answered,
    )
    async def get_fhir_codes(
        request: Request,
        id: Annotated[str, Path(description="Id of a code system.", examples=list(CODE_SYSTEMS))],
    ) -> Response:
        """A code system of ours: of questions, options, habits, the index, levels and safety actions, or of faults."""
        if id not in codes:
            raise Refusal(404, NO_CODES)
        return codes[id].answer(request)

    @router.get(
        "/OperationDefinition/{id}",
        response_description="An OperationDefinition.",
        responses=problems(304, 404, 406),
        **answered,
    )
    async def get_fhir_operation(
        request: Request,
        id: Annotated[str, Path(description="Code of an operation.", examples=list(OPERATIONS))],
    ) -> Response:
        """What an operation of ours takes and gives."""
        if id not in operations:
            raise Refusal(404, NO_OPERATION)
        return operations[id].answer(request)

    return router


def _take(put: Callable[[Model], object]) -> Put:
    """What puts together something that is the same in each release."""
    return lambda model, _: put(model)
