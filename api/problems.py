"""Errors as callers get them: problem details (RFC 9457), with every fault named and no value repeated."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, NotRequired

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from typing_extensions import TypedDict

from rules.errors import Fault, FaultCode
from rules.folder import ENGLISH

PROBLEM_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """A kind of problem: its title, and what is said when nothing more precise is known."""

    title: str
    detail: str

    @property
    def type(self) -> str:
        """The stable name of the kind, as a URN."""
        return f"urn:psoas-risk:problem:{self.title.lower().replace(' ', '-')}"


KINDS = {
    400: Kind("Bad request", "The body is not valid JSON."),
    401: Kind("Unauthorized", "This needs a key or token: send it as Authorization: Bearer …"),
    403: Kind("Forbidden", "This key or token may not do that."),
    404: Kind("Not found", "There is nothing at this address."),
    405: Kind("Method not allowed", "This address does not answer that method."),
    406: Kind("Not acceptable", "This address answers in no form that Accept names."),
    408: Kind("Request timeout", "The body came too slowly, or stopped; please send it again."),
    409: Kind("Conflict", "This is at odds with another request."),
    412: Kind("Precondition failed", "Data that this needs was not sent along."),
    413: Kind("Content too large", "The body is larger than this address accepts."),
    415: Kind(
        "Unsupported media type",
        "Send the body as application/json, in UTF-8 and without compression.",
    ),
    416: Kind("Range not satisfiable", "There is no such part of the file."),
    422: Kind(
        "Unusable content", "Some of what was sent cannot be used; every place is listed in errors."
    ),
    429: Kind("Too many requests", "Please wait a moment; Retry-After says how many seconds."),
    500: Kind(
        "Internal error",
        "Something went wrong on our side. Please quote the request_id.",
    ),
    503: Kind(
        "Service unavailable",
        "What is stored cannot be reached just now. Please try again; with an Idempotency-Key nothing is stored twice.",
    ),
    507: Kind(
        "Insufficient storage",
        "There is no room left, and every use is written down; nothing was changed.",
    ),
}
"""The problems the service itself may answer with, by HTTP status."""


class ProblemError(TypedDict):
    """One fault in what was sent."""

    pointer: Annotated[
        str,
        Field(
            description="JSON pointer (RFC 6901) to the place.",
            examples=["/answers/sitting_hours_per_day"],
        ),
    ]
    code: Annotated[
        FaultCode, Field(description="Stable name of the fault.", examples=["out_of_range"])
    ]
    detail: Annotated[
        str,
        Field(
            description="What would be accepted there; never the value that was sent.",
            examples=["must be a number of hours a day, 0 to 20"],
        ),
    ]


class Problem(TypedDict):
    """An error: what went wrong, where, and what would be accepted (RFC 9457)."""

    type: Annotated[
        str,
        Field(
            description="Stable name of the kind of problem.",
            examples=[KINDS[422].type],
        ),
    ]
    title: Annotated[str, Field(description="The kind of problem.", examples=[KINDS[422].title])]
    status: Annotated[int, Field(description="HTTP status.", examples=[422])]
    detail: Annotated[
        str, Field(description="What happened, in a sentence.", examples=[KINDS[422].detail])
    ]
    instance: Annotated[
        str,
        Field(description="Name of this occurrence.", examples=["urn:psoas-risk:request:0f3c"]),
    ]
    request_id: Annotated[
        str, Field(description="The X-Request-Id of the response; quote it when asking for help.")
    ]
    errors: NotRequired[
        Annotated[list[ProblemError], Field(description="Every fault found; with status 422 only.")]
    ]


class Refusal(Exception):
    """A request that is refused: a status, and what to tell the caller."""

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = headers
        self.detail = detail or KINDS[status].detail
        self.faults = tuple(faults)
        super().__init__(f"refused with {status}")


def put_problem(
    request_id: str,
    status: int,
    detail: str | None = None,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for a problem."""
    kind = KINDS.get(status) or Kind(HTTPStatus(status).phrase, HTTPStatus(status).description)
    problem: Problem = {
        "type": kind.type,
        "title": kind.title,
        "status": status,
        "detail": detail or kind.detail,
        "instance": f"urn:psoas-risk:request:{request_id}",
        "request_id": request_id,
    }
    if faults:
        problem["errors"] = [fault._asdict() for fault in faults]  # type: ignore[misc]
    said = {"Content-Language": ENGLISH, **(headers or {})}
    return Response(to_json(problem), status, said, PROBLEM_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Make every error of an app a problem, those of the framework included."""

    async def answer_refusal(request: Request, error: Any) -> Response:
        return put_problem(_id_of(request), error.status, error.detail, error.faults, error.headers)

    async def answer_http(request: Request, error: Any) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(find_methods(request))
        return put_problem(_id_of(request), error.status_code, headers=headers)

    async def answer_invalid(request: Request, error: Any) -> Response:
        faults = [
            Fault(point_at(fault["loc"]), *describe_parameter(fault)) for fault in error.errors()
        ]
        return put_problem(_id_of(request), 422, faults=faults)

    app.add_exception_handler(Refusal, answer_refusal)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(RequestValidationError, answer_invalid)


def find_methods(request: Request) -> list[str]:
    """The methods that an address answers, in all of its routes.

    Where it is an address of its own, such as `/batches/columns`, it is not counted as `/batches/{id}`.
    """
    routes = [
        route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE
    ]
    own = [route for route in routes if not route.param_convertors] or routes
    found = {method for route in own for method in route.methods or ()}
    return sorted(found | {"HEAD"} if "GET" in found else found)


PARAMETER_FAULTS: Mapping[str, tuple[FaultCode, str]] = {
    "extra_forbidden": ("unknown_field", "is not a parameter here"),
    "missing": ("missing", "is missing"),
    "greater_than_equal": ("out_of_range", "must be at least {ge}"),
    "less_than_equal": ("out_of_range", "must be at most {le}"),
    "string_too_long": ("out_of_range", "may have at most {max_length} characters"),
    "literal_error": ("not_an_option", "must be one of: {expected}"),
    "string_pattern_mismatch": ("malformed", "must look like {pattern}"),
    **dict.fromkeys(
        ("timezone_aware", "datetime_parsing", "datetime_from_date_parsing"),
        ("malformed", "must be a moment such as 2026-08-01T00:00:00Z"),
    ),
}
"""What is wrong with a parameter of an address, and what would be accepted, by the framework's name for the fault."""


def describe_parameter(fault: Mapping[str, Any]) -> tuple[FaultCode, str]:
    """The code and the detail of a fault in a parameter."""
    code, detail = PARAMETER_FAULTS.get(fault["type"], ("wrong_type", "is not accepted here"))
    return code, detail.format(**fault.get("ctx", {}))


def _id_of(request: Request) -> str:
    return str(request.scope["request_id"])


LONGEST_STEP = 64
"""Characters of one step of a pointer that are shown."""


def point_at(steps: Sequence[int | str]) -> str:
    """A JSON pointer from its steps; a very long step is cut, and so is no longer a true pointer."""
    cut = (
        f"{step[:LONGEST_STEP]}…" if isinstance(step, str) and len(step) > LONGEST_STEP else step
        for step in steps
    )
    escaped = (str(step).replace("~", "~0").replace("/", "~1") for step in cut)
    return "".join(f"/{step}" for step in escaped).encode("utf-8", "replace").decode()
