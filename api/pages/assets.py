"""What pages load: style, scripts, and libraries of others that are kept here as they came."""

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from api.fixed import FixedAnswer

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is sent to browsers, by the end of its name; licences and notes stay where they are."""
FOREVER = "public, max-age=31536000, immutable"
"""For what lies at an address that changes with it."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content security policy of every page: nothing from elsewhere, nothing to elsewhere, no inline script or style."""
GUARDED = {
    "Content_Security_Policy": POLICY,
    "X_Content_Type_Options": "nosniff",
    "Referrer_Policy": "no-referrer",
    "Cross_Origin_Opener_Policy": "same-origin",
}
"""Headers of everything that a browser shows or runs."""


class Assets(NamedTuple):
    """Every asset, under an address that holds a digest of all of them, so that it may be kept for ever."""

    digest: str
    answers: dict[str, FixedAnswer]

    @property
    def address(self) -> str:
        """Where they lie."""
        return f"/assets/{self.digest}"


def read_assets() -> Assets:
    """The assets of the package."""
    bodies = dict(_walk(files("api.pages").joinpath("assets"), ""))
    digest = hashlib.sha256()
    for name, body in bodies.items():
        digest.update(name.encode() + hashlib.sha256(body).digest())
    answers = {
        name: FixedAnswer(body, _media_type(name), cache=FOREVER, **GUARDED)
        for name, body in bodies.items()
    }
    return Assets(digest.hexdigest()[:16], answers)


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif _media_type(entry.name):
            yield f"{prefix}{entry.name}", entry.read_bytes()


def _media_type(name: str) -> str:
    return next((kind for end, kind in MEDIA_TYPES.items() if name.endswith(end)), "")
