"""Bearer tokens: only what a named issuer signed, for this service and now, opens anything."""

import asyncio
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import issuer
import pytest
from clinic import Clock
from conftest import Call, caller, make_app
from issuer import ISSUER, KEYS, KeyServer, forge, make_claims, make_token, put_keys, write_issuers

from api.callers import Caller
from api.pseudonyms import Pseudonyms
from api.tokens import Issuer, KeysUnavailable, Tokens

PSEUDONYMS = Pseudonyms(lambda: b"s" * 32)
GOOD: list[tuple[Any, str, str | None]] = [
    (issuer.RSA, "RS256", "rsa"),
    (issuer.RSA, "RS384", "rsa"),
    (issuer.RSA, "RS384", "rs384-only"),
    (issuer.P256, "ES256", "p256"),
    (issuer.P384, "ES384", "p384"),
    (issuer.OTHER_RSA, "RS256", None),
]


@pytest.fixture(scope="module")
def said() -> io.BytesIO:
    """What the app below logs."""
    return io.BytesIO()


@pytest.fixture(scope="module")
def call(said: io.BytesIO, tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Ways to an app whose issuer's keys are in a file."""
    folder = tmp_path_factory.mktemp("issuers")
    (folder / "keys.json").write_bytes(put_keys(KEYS))
    return caller(make_app(said, issuers=write_issuers(folder, str(folder / "keys.json"))))


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with issuer.telling_keys() as told:
        yield told


def ask(call: Call, token: str, path: str = "/assessments") -> httpx.Response:
    """Use a token."""
    return call("GET", path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(("key", "way", "kid"), GOOD)
def test_good_tokens_open_what_they_may(call: Call, key: Any, way: str, kid: str | None) -> None:
    token = make_token(key, way, kid)
    assert ask(call, token).status_code == 200
    assert ask(call, token, "/audit").status_code == 403


@pytest.mark.parametrize(("key", "way", "kid"), GOOD[:1] + GOOD[3:4])
def test_keys_come_from_an_address(
    server: KeyServer, tmp_path: Path, key: Any, way: str, kid: str
) -> None:
    call = caller(make_app(issuers=write_issuers(tmp_path, server.address)))
    for _ in range(3):
        assert ask(call, make_token(key, way, kid)).status_code == 200
    assert server.asked == 1


def test_clocks_may_be_a_little_apart(call: Call) -> None:
    at = moment()
    assert ask(call, make_token(exp=at - 10)).status_code == 200
    assert ask(call, make_token(nbf=at + 10, iat=at + 10)).status_code == 200


def _change(token: str) -> str:
    head, _, signature = token.split(".")
    return ".".join((head, make_token(sub="somebody").split(".")[1], signature))


def _sign_weakly() -> str:
    with pytest.warns(UserWarning, match="key"):
        return make_token(issuer.WEAK_RSA, kid="weak")


def _bring_key() -> str:
    brought = {"jwk": issuer.put_jwk("rsa", issuer.OTHER_RSA), "jku": "http://127.0.0.1:9/"}
    return issuer.sign(make_claims(), issuer.OTHER_RSA, "RS256", {"kid": "rsa", **brought})


def moment() -> int:
    """The present second."""
    return int(time.time())


HEADER = {"alg": "HS256", "typ": "JWT", "kid": "rsa"}
REFUSED: dict[str, Callable[[], str]] = {
    "another key signed": lambda: make_token(issuer.OTHER_RSA),
    "another EC key signed": lambda: make_token(issuer.OTHER_P256, "ES256", "p256"),
    "changed afterwards": lambda: _change(make_token()),
    "no signature": lambda: make_token().rpartition(".")[0] + ".",
    "alg none": lambda: forge({**HEADER, "alg": "none"}, make_claims()),
    "alg None, signed": lambda: forge({**HEADER, "alg": "None"}, make_claims(), b"x"),
    "no alg": lambda: forge({"kid": "rsa"}, make_claims(), b"x"),
    "HMAC with the public key": lambda: forge(HEADER, make_claims(), issuer.put_pem(issuer.RSA)),
    "HMAC with the modulus": lambda: forge(HEADER, make_claims(), KEYS[0]["n"].encode()),
    "HMAC, said to be RS256": lambda: forge(
        {**HEADER, "alg": "RS256"}, make_claims(), issuer.put_pem(issuer.RSA)
    ),
    "expired": lambda: make_token(exp=moment() - 60),
    "not yet valid": lambda: make_token(nbf=moment() + 120),
    "issued in the future": lambda: make_token(iat=moment() + 120),
    "endless": lambda: make_token(exp=float("inf")),
    "for somebody else": lambda: make_token(aud="elsewhere"),
    "for nobody": lambda: make_token(aud=[]),
    "of another issuer": lambda: make_token(iss="https://elsewhere.example"),
    "issuer with a slash": lambda: make_token(iss=f"{ISSUER}/"),
    "issuer is a list": lambda: forge({**HEADER, "alg": "RS256"}, make_claims(iss=[ISSUER]), b"x"),
    "kid is a list": lambda: forge({"alg": "RS256", "kid": ["rsa"]}, make_claims(), b"x"),
    "unknown kid": lambda: make_token(kid="canary"),
    "no kid": lambda: make_token(kid=None),
    "no exp": lambda: make_token(exp=None),
    "no aud": lambda: make_token(aud=None),
    "no sub": lambda: make_token(sub=None),
    "no iss": lambda: make_token(iss=None),
    "sub is a number": lambda: make_token(sub=7),
    "sub is no text": lambda: make_token(sub="\ud800"),
    "a key for encryption": lambda: make_token(kid="enc"),
    "a key of 1024 bits": _sign_weakly,
    "not the way of that key": lambda: make_token(kid="rs384-only"),
    "RS512": lambda: make_token(way="RS512"),
    "PS256": lambda: make_token(way="PS256"),
    "ES512": lambda: make_token(issuer.P521, "ES512", "p521"),
    "RS256 by the name of an EC key": lambda: make_token(kid="p256"),
    "ES256 by the name of an RSA key": lambda: make_token(issuer.P256, "ES256", "rsa"),
    "the key brought along": _bring_key,
    "too long": lambda: make_token(more="x" * 8192),
    "garbage": lambda: "canary",
    "three dots": lambda: make_token() + ".canary",
    "dots only": lambda: "...",
    "a deep header": lambda: forge(b"[" * 2900, b"[" * 2900),
    "claims that are a list": lambda: forge({**HEADER, "alg": "RS256"}, [make_claims()], b"x"),
    "no JSON": lambda: forge(b"\xff", b"\xff", b"x"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_does_not_hold_is_refused_without_a_word_of_it(
    call: Call, said: io.BytesIO, reason: str
) -> None:
    token = REFUSED[reason]()
    response = ask(call, token)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"
    told = response.text + said.getvalue().decode()
    assert "canary" not in told
    assert all(part not in told for part in token.split(".") if len(part) > 8)
    assert "failed" not in said.getvalue().decode()


# What a token is worth


def find(token: str, document: bytes = put_keys(KEYS), **changed: Any) -> Caller | None:
    """Whose token this is, for an issuer with these settings."""
    given = {"issuer": ISSUER, "audience": "psoas", "jwks": "keys", "tenant": "clinic", **changed}
    given.setdefault("scopes", {"read": ["records"], "all": ["records", "admin"]})

    async def fetch(_: str) -> bytes:
        return document

    return asyncio.run(Tokens([Issuer(**given)], PSEUDONYMS, Clock(), fetch).find(token))


@pytest.mark.parametrize(
    ("claims", "rights"),
    [
        ({"scope": "read"}, {"records"}),
        ({"scope": "all unknown"}, {"records", "admin"}),
        ({"scope": "records admin"}, set()),  # our words are not the issuer's
        ({"scope": ["read", 7, None, {"all": 1}]}, {"records"}),
        ({"scope": {"all": True}}, set()),
        ({"scope": 7}, set()),
        ({"scope": ""}, set()),
        ({"scope": None}, set()),
    ],
)
def test_scopes_are_what_the_issuers_words_mean_here(claims: Any, rights: set[str]) -> None:
    found = find(make_token(**claims))
    assert found is not None
    assert found.rights == rights


def test_scopes_may_stand_in_another_claim() -> None:
    found = find(
        make_token(roles=["all"], scope="read"), scopes_claim="roles", scopes={"all": ["batch"]}
    )
    assert found is not None
    assert found.rights == {"batch"}


def test_the_tenant_is_fixed_or_the_tokens() -> None:
    fixed = find(make_token(org="other"))
    claimed = find(make_token(org="other"), tenant=None, tenant_claim="org")
    assert fixed is not None
    assert claimed is not None
    assert (fixed.tenant, claimed.tenant) == ("clinic", "other")
    assert (
        fixed.actor == claimed.actor == f"token:{PSEUDONYMS.name_subject(ISSUER, 'nurse-canary')}"
    )
    assert "canary" not in fixed.actor


@pytest.mark.parametrize("tenant", [None, "", "Clinic", "a b", "clinic\n", "x" * 65, 7, ["clinic"]])
def test_a_tenant_that_cannot_be_one_opens_nothing(tenant: Any) -> None:
    assert find(make_token(org=tenant), tenant=None, tenant_claim="org") is None


# Where the keys are


def test_one_bad_key_is_not_in_the_way_of_the_others() -> None:
    bad = [
        {"kty": "RSA", "kid": "rsa-2", "n": "!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "ec-2", "x": "AA", "y": "AA"},
        *({"kty": "RSA"}, {"kty": ["RSA"]}, {}, "canary", None, {**KEYS[0], "kid": ["rsa"]}),
    ]
    assert find(make_token(), put_keys([*bad, *KEYS, *bad]))


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"7", b"{}", b'{"keys": 7}', b"\xff", b"[" * 9999]
)
def test_what_holds_no_keys_is_as_if_nothing_came(document: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        find(make_token(), document)


class Place:
    """Tells keys and counts how often it is asked."""

    def __init__(self) -> None:
        self.clock, self.keys, self.asked, self.works = Clock(), KEYS[:1], 0, True
        given: Any = {"issuer": ISSUER, "audience": "psoas", "jwks": "keys", "tenant": "clinic"}
        self.tokens = Tokens([Issuer(**given, scopes={})], PSEUDONYMS, self.clock, self.fetch)

    async def fetch(self, _: str) -> bytes:
        self.asked += 1
        await asyncio.sleep(0.01)
        if not self.works:
            raise httpx.ConnectError("away")
        return put_keys(self.keys)

    async def knows(self, *tokens: str) -> list[bool]:
        """Whether tokens that come all at once hold."""
        return [bool(one) for one in await asyncio.gather(*map(self.tokens.find, tokens))]


async def rotate(place: Place) -> None:
    new = make_token(issuer.P256, "ES256", "p256")
    assert await place.knows(make_token()) == [True]
    assert place.asked == 1
    for number in range(20):
        assert await place.knows(new, make_token(kid=f"k-{number}"), make_token()) == [
            False,
            False,
            True,
        ]
    assert place.asked == 1
    place.keys = KEYS[:2]
    place.clock.move(seconds=29.9)
    assert await place.knows(new) == [False]
    place.clock.move(seconds=0.1)
    assert await place.knows(*[new] * 5) == [True] * 5
    assert place.asked == 2
    for number in range(20):
        assert await place.knows(make_token(kid=f"k-{number}")) == [False]
    place.keys = KEYS[1:2]
    place.clock.move(minutes=9, seconds=59)
    assert await place.knows(make_token(), new) == [True, True]
    assert place.asked == 2
    place.clock.move(seconds=1)
    assert await place.knows(new) == [True]
    assert await place.knows(make_token()) == [False]  # withdrawn by the issuer
    assert place.asked == 3


def test_a_new_key_is_found_but_the_issuer_is_not_asked_without_end() -> None:
    asyncio.run(rotate(Place()))


def test_all_who_come_at_the_start_wait_for_the_keys() -> None:
    place = Place()
    assert asyncio.run(place.knows(*[make_token()] * 20)) == [True] * 20
    assert place.asked == 1


async def go_away(place: Place) -> None:
    place.works = False
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await place.knows(make_token())
    assert place.asked == 1
    place.works = True
    place.clock.move(seconds=30)
    assert await place.knows(make_token()) == [True]
    place.works = False
    for _ in range(3):
        place.clock.move(minutes=11)
        assert await place.knows(make_token(), make_token(kid="k")) == [True, False]


def test_known_keys_go_on_working_while_the_issuer_is_away() -> None:
    asyncio.run(go_away(Place()))


def test_keys_that_never_came_are_told_as_such(server: KeyServer, tmp_path: Path) -> None:
    clock = Clock()
    log = io.BytesIO()
    call = caller(make_app(log, clock=clock, issuers=write_issuers(tmp_path, server.address)))
    for status in (500, 302):  # an issuer that moved is not followed
        server.status = status
        response = ask(call, make_token())
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert "canary" not in response.text + log.getvalue().decode()
        clock.move(seconds=30)
    assert server.asked == 2
    assert ask(call, "canary").status_code == 401
    assert call("GET", "/model").status_code == 200
    server.status = 200
    assert ask(call, make_token()).status_code == 200
