"""Keyed hashes: by them persons, subjects and bodies are told apart without being known."""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from api.settings import SHORTEST_SECRET
from api.storage.failures import StorageUnavailable
from api.storage.migrating import make_private_folder


class Pseudonyms:
    """Keyed hashes under one secret, which is only fetched when the first is needed."""

    def __init__(self, fetch_secret: Callable[[], bytes]) -> None:
        self._fetch = fetch_secret

    @cached_property
    def _secret(self) -> bytes:
        try:
            return self._fetch()
        except OSError as error:
            raise StorageUnavailable(
                f"the secret in the data folder cannot be used ({type(error).__name__})"
            ) from None

    @cached_property
    def check(self) -> bytes:
        """A hash of the secret alone: tells whether two processes have the same."""
        return self._hash("check")

    def name_person(self, tenant: str, person: str) -> str:
        """A tenant's person, as the audit trail names them."""
        return self._hash("person", tenant, person).hex()[:32]

    def name_subject(self, issuer: str, subject: str) -> str:
        """Whoever a token was given to, as the audit trail names them."""
        return self._hash("subject", issuer, subject).hex()[:32]

    def name_body(self, tenant: str, body: bytes) -> bytes:
        """What was sent; the same only for the same."""
        return self._hash("body", tenant, body)

    def name_counted(self, kind: str, name: str) -> str:
        """A key or an address whose requests are counted."""
        return self._hash("counted", kind, name).hex()[:32]

    def make_key(self, *purpose: str) -> bytes:
        """A key for one purpose: always the same, known to nobody who does not have the secret, and kept nowhere."""
        return self._hash("key", *purpose)

    def _hash(self, *parts: str | bytes) -> bytes:
        found = hmac.new(self._secret, digestmod=hashlib.sha256)
        for part in parts:
            encoded = part if isinstance(part, bytes) else part.encode()
            found.update(len(encoded).to_bytes(8, "big") + encoded)
        return found.digest()


def keep_secret(path: Path) -> bytes:
    """The secret in a file, made when there is none yet; of several processes only one makes it.

    Raises:
        OSError: when it can be neither read nor made, or is too short to be one.
    """
    if not path.exists():
        make_private_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32) + "\n")
                file.flush()
                os.fsync(handle)  # after a crash there must be a whole secret or none
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            Path(name).unlink()
    secret = path.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET:
        raise OSError("the secret is too short")
    return secret
