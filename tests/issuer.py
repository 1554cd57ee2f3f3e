"""An issuer of tokens in tests: its keys, the document that tells them, and tokens good and forged."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
ISSUER = "https://issuer.example"
RSA, OTHER_RSA, WEAK_RSA = (rsa.generate_private_key(65537, bits) for bits in (2048, 2048, 1024))
P256, OTHER_P256 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
P384, P521 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())


def put_jwk(kid: str | None, key: Private, **more: Any) -> dict[str, Any]:
    """A key as a document of keys holds it."""
    public: Any = key.public_key()
    kind: Any = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    named = {} if kid is None else {"kid": kid}
    return {**kind.to_jwk(public, as_dict=True), **named, **more}


KEYS = [
    put_jwk("rsa", RSA, use="sig"),
    put_jwk("p256", P256, alg="ES256"),
    put_jwk("p384", P384),
    put_jwk("p521", P521),
    put_jwk("weak", WEAK_RSA),
    put_jwk("enc", RSA, use="enc"),
    put_jwk("rs384-only", RSA, alg="RS384"),
    put_jwk(None, OTHER_RSA),
]


def put_keys(keys: Sequence[Any]) -> bytes:
    """A document of keys."""
    return json.dumps({"keys": keys}).encode()


def make_claims(**changed: Any) -> dict[str, Any]:
    """What a good token says; a change to none leaves a claim out."""
    claims = {
        "iss": ISSUER,
        "aud": "psoas",
        "sub": "nurse-canary",
        "scope": "psoas.records",
        "exp": int(time.time()) + 300,
        "org": "clinic",
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def make_token(
    key: Private = RSA, way: str = "RS256", kid: str | None = "rsa", **changed: Any
) -> str:
    """A token signed with a key."""
    return sign(make_claims(**changed), key, way, {"kid": kid} if kid else {})


def sign(claims: Any, key: Private, way: str, header: dict[str, Any]) -> str:
    """A token that says this."""
    return jwt.encode(claims, key, way, header)


def forge(header: Any, claims: Any, secret: bytes = b"") -> str:
    """A token with any header, signed with a secret (HS256) or not at all."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    ]
    signed = b".".join(_encode(part) for part in parts)
    signature = hmac.digest(secret, signed, hashlib.sha256) if secret else b""
    return b".".join((signed, _encode(signature))).decode()


def _encode(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


def put_pem(key: Private) -> bytes:
    """The public key, as it is often published."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def write_issuers(folder: Path, jwks: str, **changed: Any) -> Path:
    """A file that names the issuer; a change to none leaves a line out."""
    entry = {"issuer": ISSUER, "audience": "psoas", "jwks": jwks, "tenant": "clinic", **changed}
    lines = [f"{name} = {json.dumps(value)}" for name, value in entry.items() if value is not None]
    scopes = '[issuers.scopes]\n"psoas.records" = ["records"]\n"psoas.all" = ["records", "admin"]'
    file = folder / "issuers.toml"
    file.write_text("\n".join(["[[issuers]]", *lines, scopes]), "utf-8")
    return file


class KeyServer:
    """Tells keys over HTTP, counts how often it is asked, and can be out of order."""

    def __init__(self) -> None:
        self.document, self.status, self.asked, self.address = put_keys(KEYS), 200, 0, ""


@contextmanager
def telling_keys() -> Iterator[KeyServer]:
    """A server of keys on 127.0.0.1, for as long as it is needed."""
    told = KeyServer()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked += 1
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.document)))
            self.send_header("Location", f"{told.address}/moved")
            self.end_headers()
            self.wfile.write(told.document)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        told.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
