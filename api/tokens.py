"""Bearer tokens (JWT, RFC 7519) of issuers that the operator names, checked against the issuers' keys."""

import asyncio
import json
import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from starlette.concurrency import run_in_threadpool

from api.callers import TENANT, Caller, Right
from api.pseudonyms import Pseudonyms
from api.storage.failures import StorageUnavailable
from rules.errors import Unusable

ALGORITHMS: Mapping[tuple[str, str | None], Sequence[str]] = {
    ("RSA", None): ("RS256", "RS384"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
}
"""What a key of a kind and curve may sign with; no other way of signing is ever looked at."""
LEEWAY = timedelta(seconds=30)
"""How far clocks may be apart."""
KEPT = timedelta(minutes=10)
"""How long an issuer's keys are kept."""
ASKED_AGAIN = timedelta(seconds=30)
"""How long after asking an issuer is not asked again, whatever tokens come in."""
PATIENCE = 5
"""Seconds to wait for an issuer."""
LARGEST_TOKEN = 8192
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NO_KEYS = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What comes of reading as keys what is none."""
Fetch = Callable[[str], Awaitable[bytes]]


class KeysUnavailable(StorageUnavailable):
    """An issuer's keys cannot be fetched now."""


class IssuersError(Unusable):
    """The file of issuers cannot be used."""


class Issuer(BaseModel):
    """One issuer of tokens, and what its tokens are worth here."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    issuer: str = Field(min_length=1)
    """The claim `iss`, letter by letter."""
    audience: str = Field(min_length=1)
    """What the claim `aud` must be or hold."""
    jwks: str = Field(min_length=1)
    """Where its keys are (JWKS, RFC 7517): an https address, or a file."""
    tenant: str | None = Field(None, pattern=f"^{TENANT}$")
    """The tenant of all its tokens …"""
    tenant_claim: str | None = None
    """… or the claim that names it."""
    scopes_claim: str = "scope"
    scopes: Mapping[str, list[Right]]
    """What the issuer's words for scopes mean here; other words mean nothing."""

    @field_validator("jwks")
    @classmethod
    def check_place(cls, value: str) -> str:
        """See that keys do not travel in the open."""
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if is_address(value) and not (is_safe and parts.hostname):
            raise ValueError("must be an https address or a file")
        return value

    @model_validator(mode="after")
    def check_tenant(self) -> Self:
        """See that the tenant is told in one way."""
        if (self.tenant is None) == (self.tenant_claim is None):
            raise ValueError("give either tenant or tenant_claim")
        return self


def read_issuers(path: Path) -> list[Issuer]:
    """The issuers in a TOML file of `[[issuers]]`.

    Raises:
        IssuersError: naming each fault.
    """
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise IssuersError([f"{path.name}: {error.strerror}"]) from None
    except ValueError as error:
        raise IssuersError([f"{path.name}: {error}"]) from None
    listed = document.pop("issuers", None)
    if not isinstance(listed, list) or not listed:
        raise IssuersError([f"{path.name}: has no [[issuers]]"])
    issuers = []
    problems = [f"{path.name}: {name}: is not known beside [[issuers]]" for name in document]
    for number, entry in enumerate(listed, 1):
        try:
            issuers.append(Issuer.model_validate(entry))
        except ValidationError as error:
            for fault in error.errors():
                place = ".".join(map(str, fault["loc"])) or "entry"
                problems.append(f"{path.name}: issuer {number}: {place}: {fault['msg']}")
    if len({issuer.issuer for issuer in issuers}) < len(issuers):
        problems.append(f"{path.name}: an issuer is given twice")
    if problems:
        raise IssuersError(problems)
    return issuers


def is_address(place: str) -> bool:
    """Whether keys are at an address and not in a file."""
    return "://" in place


async def fetch_keys(place: str) -> bytes:
    """An issuer's keys, from an address or a file."""
    if not is_address(place):
        return await run_in_threadpool(Path(place).read_bytes)
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(follow_redirects=False) as client:
        return (await client.get(place)).raise_for_status().content


class SigningKey(NamedTuple):
    """A public key of an issuer, and the ways in which it may have signed."""

    key: Any
    ways: Sequence[str]


class _Keys:
    """One issuer's keys, asked for when needed and kept for a while."""

    def __init__(self, place: str, fetch: Fetch, clock: Callable[[], datetime]) -> None:
        self._place, self._fetch, self._clock = place, fetch, clock
        self._keys: Mapping[str | None, SigningKey] | None = None
        self._asked: datetime | None = None
        self._asking = asyncio.Lock()

    async def find(self, kid: str | None) -> SigningKey | None:
        """The key of this id. An unknown one may be new, so the issuer is asked again, but not at every call.

        Raises:
            KeysUnavailable: when no keys could be fetched yet.
        """
        if not (self._knows(kid) and self._asking.locked()):
            async with self._asking:  # whoever comes meanwhile waits for the same answer
                if self._is_time_to_ask(kid):
                    await self._ask()
        if self._keys is None:
            raise KeysUnavailable("the keys of the token's issuer cannot be fetched")
        return self._keys.get(kid)

    def _knows(self, kid: str | None) -> bool:
        return self._keys is not None and kid in self._keys

    def _is_time_to_ask(self, kid: str | None) -> bool:
        if self._asked is None:
            return True
        age = self._clock() - self._asked
        return age >= (KEPT if self._knows(kid) else ASKED_AGAIN)

    async def _ask(self) -> None:
        """Fetch the keys; if that fails, those that are known may still be right."""
        try:
            self._keys = _read_keys(await self._fetch(self._place))
        except (OSError, *NO_KEYS, httpx.HTTPError, httpx.InvalidURL):
            return
        finally:
            self._asked = self._clock()


def _read_keys(document: bytes) -> Mapping[str | None, SigningKey]:
    """The keys for signing, by their ids; one without an id stands for tokens that name none."""
    found: dict[str | None, SigningKey] = {}
    for entry in json.loads(document)["keys"]:
        # One that cannot be used must not be in the way of the others.
        with suppress(jwt.PyJWTError, *NO_KEYS):
            known = ALGORITHMS.get((entry.get("kty"), entry.get("crv")), ())
            ways = [way for way in known if entry.get("alg", way) == way]
            if ways and entry.get("use", "sig") == "sig":
                found[entry.get("kid")] = SigningKey(jwt.PyJWK(entry, ways[0]).key, ways)
    return found


class Tokens:
    """Recognises tokens of the issuers."""

    def __init__(
        self,
        issuers: Sequence[Issuer],
        pseudonyms: Pseudonyms,
        clock: Callable[[], datetime],
        fetch: Fetch = fetch_keys,
    ) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._keys = {issuer.issuer: _Keys(issuer.jwks, fetch, clock) for issuer in issuers}
        self._pseudonyms = pseudonyms

    async def find(self, token: str) -> Caller | None:
        """Whose token this is; none where it does not hold.

        Raises:
            KeysUnavailable: when that cannot be told now.
        """
        try:
            head, claims = _look_into(token)
            issuer = self._issuers.get(claims.get("iss", ""))
            key = await self._keys[issuer.issuer].find(head.get("kid")) if issuer else None
            if issuer is None or key is None:
                return None
            checked = jwt.decode(
                token,
                key.key,
                algorithms=key.ways,
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=LEEWAY,
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "enforce_minimum_key_length": True,
                },
            )
            return self._make_caller(issuer, checked)
        except (jwt.PyJWTError, TypeError, ValueError):
            return None

    def _make_caller(self, issuer: Issuer, claims: Mapping[str, Any]) -> Caller | None:
        tenant = issuer.tenant or claims.get(issuer.tenant_claim or "")
        if not isinstance(tenant, str) or not re.fullmatch(TENANT, tenant):
            return None
        words = claims.get(issuer.scopes_claim, "")
        listed = words.split() if isinstance(words, str) else words
        if not isinstance(listed, list):
            listed = []
        rights = {
            right
            for word in listed
            if isinstance(word, str)
            for right in issuer.scopes.get(word, [])
        }
        subject = self._pseudonyms.name_subject(issuer.issuer, str(claims["sub"]))
        return Caller(tenant, frozenset(rights), f"token:{subject}")


def _look_into(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a token says of itself, unchecked: only to find out by whose key to check it."""
    if len(token) > LARGEST_TOKEN:
        raise ValueError("too long for a token")
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.get_unverified_header(token), claims
