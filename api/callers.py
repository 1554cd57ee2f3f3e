"""Who calls: a tenant's key or token, and what it may do."""

from typing import Any, Literal, NamedTuple, get_args

from starlette.types import Scope as AsgiScope

from api.problems import Refusal

Right = Literal["assess", "records", "batch", "admin"]
"""What a key or token may be allowed to do; called a scope where keys are made."""
RIGHTS: tuple[Right, ...] = get_args(Right)
TENANT = r"[a-z0-9][a-z0-9-]{0,63}"
"""What a tenant may be called."""
CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Caller(NamedTuple):
    """Somebody who showed a key or a token that holds."""

    tenant: str
    rights: frozenset[str]
    actor: str
    """How the audit trail names the caller: `key:` and its id, or `token:` and a keyed hash of the subject."""


def service_of(tenant: str) -> Caller:
    """The service itself, where it does something to what a tenant has."""
    return Caller(tenant, frozenset(), "service")


def needs(right: Right) -> dict[str, Any]:
    """What an operation says in the document, and the app reads, that only callers with this right may use it."""
    return {"security": [{"bearer": [right]}]}


def right_needed(extra: dict[str, Any] | None) -> str | None:
    """The right that an operation needs by what it says; none where everybody may use it."""
    security = (extra or {}).get("security") or []
    return next((right for way in security for right in way["bearer"]), None)


def caller_in(scope: AsgiScope) -> Caller | None:
    """Who sent a request; none where it came without a key or token."""
    caller: Caller | None = scope.get("caller")
    return caller


def known_caller(scope: AsgiScope) -> Caller:
    """Who sent a request to an operation that needs a right."""
    caller = caller_in(scope)
    if caller is None:
        raise Refusal(401, headers=CHALLENGE)
    return caller


def check_right(scope: AsgiScope, right: str) -> None:
    """See that a request may use an operation.

    Raises:
        Refusal: 401 without a key or token, 403 where it lacks the right.
    """
    if right not in known_caller(scope).rights:
        raise Refusal(403, f"This key or token does not have the scope {right}.")
