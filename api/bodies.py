"""JSON bodies: read strictly, checked whole, and every fault in them named at once."""

import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.problems import Refusal, point_at
from rules.errors import Fault, FaultCode

LARGEST_BODY = 64 * 1024
"""Bytes that a JSON body may have."""

CODES: Mapping[str, FaultCode] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "finite_number": "out_of_range",
    "literal_error": "not_an_option",
    "too_long": "out_of_range",
    "string_pattern_mismatch": "malformed",
}
"""Our codes for the faults that pydantic finds; every other one is a wrong type."""

SUGGESTED = 20
"""Faults that may be told a likely name: looking for one takes time, and a body may hold thousands."""
NO_STORE = (b"cache-control", b"no-store")
RawHeaders = Mapping[bytes, bytes]
"""Request headers by lower-case name, as the server gives them."""

TWICE = object()
"""Stands where a name was given more than once, so that the fault is found with all others."""


class Payload(BaseModel):
    """A request body: strict types, no unknown fields."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    expected: ClassVar[Mapping[str, str]] = {}
    """What is accepted at a JSON pointer, as the end of the sentence “must be …”; * is any place in a list."""

    @classmethod
    def read(cls, document: object) -> Self:
        """The payload in a parsed document.

        Raises:
            Refusal: 422, with every fault found.
        """
        try:
            payload = cls.model_validate(document)
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults = [cls._describe(fault, n < SUGGESTED) for n, fault in enumerate(found)]
            raise Refusal(422, faults=faults + cls.find_contradictions(document)) from None
        if faults := cls.find_contradictions(document):
            raise Refusal(422, faults=faults)
        return payload

    @classmethod
    def find_contradictions(cls, document: object) -> list[Fault]:  # noqa: ARG003
        """Values that are each acceptable, but not together; called with any document."""
        return []

    @classmethod
    def _describe(cls, fault: Mapping[str, Any], suggest: bool) -> Fault:
        pointer, value = point_at(fault["loc"]), fault["input"]
        place = point_at(["*" if isinstance(step, int) else step for step in fault["loc"]])
        expected = cls.expected.get(place, "a JSON object")
        if value is TWICE:
            return Fault(pointer, "malformed", "is given more than once")
        match CODES.get(fault["type"], "wrong_type"):
            case "missing":
                return Fault(pointer, "missing", "is missing")
            case "unknown_field":
                hint = cls._suggest(pointer) if suggest else ""
                return Fault(pointer, "unknown_field", f"is not a field here{hint}")
            case "not_an_option" if not isinstance(value, str):
                return Fault(pointer, "wrong_type", f"must be {expected}")
            case code:
                return Fault(pointer, code, f"must be {expected}")

    @classmethod
    def _suggest(cls, pointer: str) -> str:
        parent, _, name = pointer.rpartition("/")
        places = [place.rpartition("/") for place in cls.expected if place]
        known = [last for before, _, last in places if before == parent]
        near = get_close_matches(name, known, n=1)
        return f"; did you mean {near[0]}?" if near else ""


class OwnRoute(APIRoute):
    """A route that answers requests itself; the framework only writes the document from its endpoint."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; the framework answers a method that the route does not have."""
        if scope["method"] in (self.methods or ()):
            await self.answer(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a method that the route has."""
        raise NotImplementedError


class Told(NamedTuple):
    """An answer in JSON, and the language in which it is told."""

    body: bytes
    language: bytes
    """As Content-Language names it."""


class JsonRoute(OwnRoute):
    """A route whose endpoint takes one `Payload` and the request, and gives what is `Told`.

    The framework writes the document from the endpoint's signature, but the request goes straight
    to the endpoint: its own way of reading, solving and answering costs more than scoring does.
    Answers are about a person, so no cache may keep them.
    """

    @cached_property
    def payload(self) -> type[Payload]:
        """The type of the endpoint's one parameter."""
        kinds = self.endpoint.__annotations__.values()
        return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Payload))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with what the endpoint gives."""
        payload = await self.read_payload(scope, receive)
        told: Told = await self.endpoint(payload, Request(scope))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(told.body)).encode()),
            (b"content-language", told.language),
            NO_STORE,
        ]
        status = self.status_code or 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": told.body})

    async def read_payload(self, scope: Scope, receive: Receive) -> Payload:
        """The payload of a request.

        Raises:
            Refusal: when there is none that can be used.
        """
        headers = dict(scope["headers"])
        check_media_type(headers)
        return self.payload.read(parse_json(await read_body(headers, receive, LARGEST_BODY)))


class StoringRoute(JsonRoute):
    """A route for one `Payload` whose endpoint gets the request as well, and gives a response."""

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the endpoint's response."""
        payload = await self.read_payload(scope, receive)
        response: Response = await self.endpoint(payload, Request(scope))
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)


def read_media_type(headers: RawHeaders) -> str:
    """What a body is said to be, without parameters and in lower case."""
    sent = headers.get(b"content-type", b"").decode("latin-1").lower()
    return sent.partition(";")[0].strip()


def check_media_type(headers: RawHeaders) -> None:
    """Accept JSON in UTF-8, uncompressed.

    Raises:
        Refusal: 415 for anything else.
    """
    sent = headers.get(b"content-type", b"")
    if sent == b"application/json" and b"content-encoding" not in headers:
        return
    media_type, _, parameters = sent.decode("latin-1").lower().partition(";")
    is_json = re.fullmatch(r"application/([\w.-]+\+)?json", media_type.strip())
    named = (part.strip().partition("=") for part in parameters.split(";"))
    charset = {name: value.strip('"') for name, _, value in named}.get("charset", "utf-8")
    encoding = headers.get(b"content-encoding", b"identity")
    if not is_json or charset != "utf-8" or encoding != b"identity":
        raise Refusal(415)


def check_length(headers: RawHeaders, most: int, too_large: Refusal) -> None:
    """Refuse a body that is announced to have more bytes than `most`, before any of it is read."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > most:
        raise too_large


async def read_body(headers: RawHeaders, receive: Receive, most: int) -> bytes:
    """The whole body.

    Raises:
        Refusal: 413 as soon as it is known to have more bytes than `most`.
        ClientDisconnect: when the caller went away before the end.
    """
    too_large = Refusal(413, f"The body may have at most {most} bytes.")
    check_length(headers, most, too_large)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > most:
            raise too_large
    return body


def parse_json(body: bytes) -> object:
    """The document in a body.

    A name given twice becomes `TWICE`; NaN and infinity stay, for the check that names their place.

    Raises:
        Refusal: 400 when it is not JSON in UTF-8.
    """
    if not body:
        raise Refusal(400, "The body is empty.")
    try:
        return _DECODER.decode(body.decode())
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refusal(
            400, f"The body is not valid JSON; it stops making sense at {place}."
        ) from None
    except (ValueError, RecursionError):
        raise Refusal(400) from None


def _collect(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    collected = dict(pairs)
    if len(collected) == len(pairs) and all(map(str.isascii, collected)):
        return collected
    collected = {}
    for name, value in pairs:
        known = name if name.isascii() else name.encode("utf-8", "replace").decode()
        collected[known] = TWICE if known in collected else value
    return collected


def _read_whole(digits: str) -> int | float:
    """A whole number; one that is longer than any bound as a float, which takes any length."""
    return int(digits) if len(digits) < LONGEST_WHOLE else float(digits)


LONGEST_WHOLE = 20
_DECODER = json.JSONDecoder(object_pairs_hook=_collect, parse_int=_read_whole)
