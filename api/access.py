"""Who may come in: recognises keys and tokens, and keeps to the limits, before anything else is done."""

import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.callers import CHALLENGE, Caller
from api.keys import KeyRing, hash_secret
from api.problems import put_problem
from api.rates import Rates, Standing, name_address
from api.storage.failures import StorageUnavailable
from api.tokens import Tokens

UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Addresses that are watched from near and never limited."""
TRY_AGAIN = 5
"""Seconds after which a service that is briefly unavailable may be asked again."""
MOST_KNOWN = 10_000


class Access:
    """ASGI middleware; who calls stands in the request's scope as `caller`."""

    def __init__(self, app: ASGIApp, keys: KeyRing, tokens: Tokens | None, rates: Rates) -> None:
        self.app, self._keys, self._tokens, self._rates = app, keys, tokens, rates
        self._actors: dict[bytes, str] = {}
        """Whose keys and tokens worked when they last came, by the hashes of these."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNCOUNTED:
            await self.app(scope, receive, send)
            return
        sent = _authorization(scope["headers"])
        actor = self._actors.get(hash_secret(sent)) if sent else None
        # Whoever did not come before is counted by address, so that keys cannot be guessed without
        # end; the others' keys work whatever their neighbours at that address do.
        standing = (
            await self._rates.count("key", actor)
            if actor
            else await self._rates.count("address", name_address(scope.get("client")))
        )
        caller: Caller | None = None
        if sent is not None and (standing is None or standing.allowed):
            caller = self._keys.recall(sent)
            caller = caller or await self._recognise(sent, scope, receive, send, standing)
            if caller is None:
                return
            if caller.actor != actor:
                standing = await self._rates.count("key", caller.actor)
                self._get_to_know(sent, caller)
        if standing is not None and not standing.allowed:
            seconds = max(1, _seconds_left(standing))
            problem = put_problem(
                scope["request_id"],
                429,
                f"More than {standing.most} requests in a minute; please try again in {seconds} seconds.",
                headers={"Retry-After": str(seconds)},
            )
            await problem(scope, receive, _telling(send, standing))
            return
        if caller is not None:
            scope["caller"] = caller
        await self.app(scope, receive, _telling(send, standing) if standing else send)

    async def _recognise(
        self, sent: str, scope: Scope, receive: Receive, send: Send, standing: Standing | None
    ) -> Caller | None:
        """Who sent this; a refusal is answered at once."""
        try:
            caller = await self._keys.find(sent)
            if caller is None and self._tokens:
                caller = await self._tokens.find(sent)
        except StorageUnavailable as unavailable:
            problem = put_problem(
                scope["request_id"],
                503,
                f"It cannot be checked who is calling: {unavailable}.",
                headers={"Retry-After": str(TRY_AGAIN)},
            )
            await problem(scope, receive, send)
            return None
        if caller is None:
            self._actors.pop(hash_secret(sent), None)
            detail = "The key or token is not known here, or no longer works."
            problem = put_problem(scope["request_id"], 401, detail, headers=CHALLENGE)
            await problem(scope, receive, _telling(send, standing) if standing else send)
        return caller

    def _get_to_know(self, sent: str, caller: Caller) -> None:
        if len(self._actors) >= MOST_KNOWN:
            self._actors.clear()
        self._actors[hash_secret(sent)] = caller.actor


def _authorization(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key or token that was sent; what cannot be one is empty, and none where there is nothing."""
    for name, value in headers:
        if name == b"authorization":
            way, _, sent = value.decode("latin-1").partition(" ")
            return sent.strip() if way.lower() == "bearer" else ""
    return None


def _seconds_left(standing: Standing) -> int:
    return max(0, round(standing.reset - time.time() + 0.5))


def _telling(send: Send, standing: Standing) -> Send:
    """Tell how the caller stands (RateLimit header fields for HTTP, an IETF draft)."""
    policy = f'"minute";q={standing.most};w=60'.encode()
    left = f'"minute";r={standing.left};t={_seconds_left(standing)}'.encode()

    async def send_with_standing(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = ((b"ratelimit-policy", policy), (b"ratelimit", left))
            message["headers"] = [*message["headers"], *extra]
        await send(message)

    return send_with_standing
