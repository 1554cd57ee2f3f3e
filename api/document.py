"""The OpenAPI document: what the framework derives, with problems, examples and words added."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from api.problems import KINDS, PROBLEM_TYPE, Problem
from api.schemas import shape_schemas

FHIR_TYPE = "application/fhir+json"

EXAMPLES = Path(__file__).parent.parent / "openapi" / "examples"
"""Requests with their responses, one folder an operation; the tests replay them."""

TAGS = [
    {
        "name": "assess",
        "description": "Screen for warning signs, score answers, suggest a plan. Nothing is stored, and no "
        "answer is logged.",
    },
    {"name": "questionnaire", "description": "The questions, with all that is needed to ask them."},
    {
        "name": "model",
        "description": "The knowledge itself: rules, grades, limits and sources. Changes only with "
        "the model's version, so keep it and ask again with If-None-Match.",
    },
    {
        "name": "routines",
        "description": "What a plan can be made of. Only an assessment says what suits a person.",
    },
    {
        "name": "records",
        "description": "Assessments that are stored, by a reference to the person that only you can resolve. Needs a "
        "key with the scope records; every tenant sees its own.",
    },
    {
        "name": "batches",
        "description": "Files of any size, scored whatever happens meanwhile. Needs a key with the scope batch; every "
        "tenant sees its own.",
    },
    {
        "name": "fhir",
        "description": "The questionnaire and the results as FHIR has them, R4 and R5. Errors are OperationOutcomes.",
    },
    {"name": "cards", "description": "Cards beside a patient's record, as CDS Hooks has them."},
    {"name": "operations", "description": "For those who run the service."},
]

DESCRIPTION = """
Screens for warning signs first, scores five everyday habits that a consumer article says weaken the
psoas, says how sure anyone can be and where every point comes from, and suggests a plan of routines.

- **Safety comes first.** Show `safety.text` before anything else. No score has a say in it and nothing
  switches it off; pressure on the belly is only suggested to those who asked for it and were cleared.
- **A score is a habit score from 0 to 100, never a probability.** It is not validated, and not a diagnosis.
- **Missing is not zero.** What is not answered widens the interval `low` to `high`.
- **Errors** are problem details (RFC 9457). A 422 lists every fault with a JSON pointer and a code,
  and never repeats a value.
- **No answer is logged, and only `/assessments` and `/batches` store.** Elsewhere the last results stay in memory for a while,
  without anything that says whose they were.
- **Keys.** What is stored needs `Authorization: Bearer` with a key or token; the rest is open unless this server says otherwise.
- **Limits** are told in `RateLimit` and `RateLimit-Policy`; beyond them comes 429 with `Retry-After`.
- **Languages.** `Accept-Language` chooses among those this server has; what is not translated comes in English.
- **Additive change only:** accept fields and enum values you do not know yet.

No clinician has signed off the red flags and conditions yet; one must before any clinical use.
""".strip()


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented responses beside the good one: problems, and 304 for an unchanged copy."""
    return {status: {"description": _describe_status(status)} for status in statuses}


ITS_ID = {"id": "$response.body#/id"}
"""What to ask next with: the id of what was answered, as a runtime expression of OpenAPI."""


def lead(status: int, **operations: Mapping[str, str]) -> dict[int | str, dict[str, Any]]:
    """Where a response leads: operations to ask next, each with parameters taken from request or response."""
    links = {
        name: {"operationId": name, "parameters": dict(parameters)}
        for name, parameters in operations.items()
    }
    return {status: {"links": links}}


def _describe_status(status: int) -> str:
    if status == 304:
        return "Not changed since the copy named in If-None-Match."
    return KINDS[status].detail


def describe(app: FastAPI) -> bytes:
    """The OpenAPI document of an app, as indented JSON."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary="Habit-risk assessment, open and explained",
        description=DESCRIPTION,
        tags=TAGS,
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    document["security"] = []  # what needs a key says so itself
    document["components"]["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key made by `psoas keys create`, or a token of an issuer that the operator trusts.",
        }
    }
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = TypeAdapter(Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs")
    schemas["Problem"] = problem
    shape_schemas(document)
    for operation in _operations(document):
        _document_responses(operation)
        _document_etag(operation)
        _document_language(operation)
        _add_examples(operation)
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _document_responses(operation: dict[str, Any]) -> None:
    """Add the headers every response has, the 500 every operation may give, and the problems' shape."""
    responses = operation["responses"]
    if responses.get("422", {}).get("description") == "Validation Error":
        responses.pop("422")  # the framework's own, where we declared none
    extra = [500]
    if not operation["operationId"].endswith(UNLIMITED):
        extra += [401, 429]
    if operation.get("security"):
        extra.append(403)
    for status in extra:
        responses[str(status)] = {"description": KINDS[status].detail}
    operation["responses"] = responses = dict(sorted(responses.items()))
    is_limited = not operation["operationId"].endswith(UNLIMITED)
    for status, response in responses.items():
        speaks_fhir = "fhir" in operation["tags"]
        response["headers"] = {
            name: _header(HEADERS[name])
            for name in _headers(status, is_limited)
            if not (speaks_fhir and name == "Location")  # FHIR says it in Content-Location
        } | response.get("headers", {})
        if int(status) >= 400:
            name, kind = ("Resource", FHIR_TYPE) if speaks_fhir else ("Problem", PROBLEM_TYPE)
            reference = {"$ref": f"#/components/schemas/{name}"}
            response["content"] = {kind: {"schema": reference}}


HEADERS = {
    "X-Request-Id": "Name of this request; quote it when asking for help.",
    "Psoas-Model": "Version and digest of the model, as `2026.1; digest=sha256:…`.",
    "RateLimit-Policy": 'How many requests are allowed, as `"minute";q=600;w=60`.',
    "RateLimit": "How many are left, and in how many seconds there are more.",
    "Location": "Where what was stored is found.",
    "Idempotency-Replayed": "`true` where it had been stored before, for the same Idempotency-Key.",
    "Content-Range": "Which bytes these are, and of how many.",
    "Retry-After": "Seconds after which to try again.",
    "WWW-Authenticate": "How to say who you are.",
}
"""What headers of responses say."""


def _headers(status: str, is_limited: bool) -> Iterator[str]:
    """The headers that a response of a status has."""
    yield from ("X-Request-Id", "Psoas-Model")
    if is_limited:
        yield from ("RateLimit-Policy", "RateLimit")
    yield from {
        "201": ("Location", "Idempotency-Replayed"),
        "202": ("Location",),
        "206": ("Content-Range",),
        "401": ("WWW-Authenticate",),
        "416": ("Content-Range",),
        "429": ("Retry-After",),
        "503": ("Retry-After",),
    }.get(status, ())


UNLIMITED = ("_health", "_readiness")
"""How operations are called that are watched from near and never limited."""


def _document_etag(operation: dict[str, Any]) -> None:
    """Add the headers by which a copy is kept and asked for again."""
    if "304" in operation["responses"]:
        for status in ("200", "304"):
            etag = _header("Names this version of the body; send it back as If-None-Match.")
            operation["responses"][status]["headers"]["ETag"] = etag
        operation.setdefault("parameters", []).append(
            {
                "name": "If-None-Match",
                "in": "header",
                "required": False,
                "description": "The ETag of a copy you have; the answer is 304 if it is still right.",
                "schema": {"type": "string"},
            }
        )


def _document_language(operation: dict[str, Any]) -> None:
    """Add the header that says in which languages an answer is, where its caller may choose."""
    if any(given["name"] == "Accept-Language" for given in operation.get("parameters", ())):
        headers = operation["responses"]["200"]["headers"]
        headers["Content-Language"] = _header(
            "The languages of the texts: the one that was chosen, and `en` where a text is not translated."
        )


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def read_examples(operation: str) -> dict[str, dict[str, Any]]:
    """The examples of an operation by name: a summary, the request, and the response it gets.

    One that has only been begun has no response until it was sent.
    """
    paths = sorted((EXAMPLES / operation).glob("*.json"))
    examples = {path.stem: json.loads(path.read_text("utf-8")) for path in paths}
    return {name: example for name, example in examples.items() if example.get("response")}


def _add_examples(operation: dict[str, Any]) -> None:
    """Show the replayed examples: requests that can be sent as they are, and each one's response."""
    for name, example in read_examples(operation["operationId"]).items():
        request, response = example["request"], example["response"]
        places = []
        if "body" in response:
            answered = operation["responses"][str(response["status"])]
            places.append((answered, response["media_type"], response["body"]))
        sent = request.get("json", request.get("text"))
        if sent is not None and response["status"] < 400:
            places.append((operation["requestBody"], media_type_sent(request), sent))
        for place, media_type, value in places:
            shown = {"summary": example["summary"], "value": value}
            place["content"][media_type].setdefault("examples", {})[name] = shown


def media_type_sent(request: dict[str, Any]) -> str:
    """What the body of an example's request is sent as."""
    named: str = request.get("headers", {}).get("Content-Type", "application/json")
    return named
