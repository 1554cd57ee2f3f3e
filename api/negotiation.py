"""What a file that is sent is, and as what kind of file one is wanted, by the headers of a request."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from api.batch.compression import COMPRESSIONS
from api.batch.formats import FORMATS, Format
from api.bodies import RawHeaders, read_media_type
from api.preferences import read_preferences
from api.problems import Refusal
from rules.errors import Fault

MEDIA_TYPES: Mapping[str, Format] = {
    media_type: kind for kind in FORMATS.values() for media_type in kind.media_types
}
"""The kinds of files by media type."""
ENCODINGS = frozenset({"identity", *(one.name for one in COMPRESSIONS.values())})
"""How text may be compressed that is sent; it is kept as it comes."""
DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")
"""A SHA-256 in a Content-Digest (RFC 9530)."""
DIGEST_BYTES = 32


def find_kind(headers: RawHeaders, known: Mapping[str, Format] = MEDIA_TYPES) -> Format:
    """The kind of a file that is sent, by its media type.

    Raises:
        Refusal: 415 where it is none of those that are taken.
    """
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
    kind = known.get(read_media_type(headers))
    if kind is None:
        raise Refusal(415, f"Send the file as one of {', '.join(known)}.")
    if encoding not in (ENCODINGS if kind.is_text else {"identity"}):
        raise Refusal(415, "Text may be compressed with gzip or zstd, other files not at all.")
    return kind


def find_accepted(accept: str) -> Format | None:
    """The kind of file that an Accept header prefers; none where it names none."""
    wanted = (one.name for one in read_preferences(accept))
    return next((MEDIA_TYPES[name] for name in wanted if name in MEDIA_TYPES), None)


def read_digest(headers: RawHeaders) -> str | None:
    """The SHA-256 that a body should have, in hexadecimal; none where it is not told.

    Raises:
        Refusal: 422 where it cannot be one.
    """
    sent = headers.get(b"content-digest", b"").decode("latin-1")
    if "sha-256" not in sent.lower():
        return None
    found = DIGEST.search(sent)
    try:
        digest = b64decode(found[1], validate=True) if found else b""
    except (NotBase64, ValueError):
        digest = b""
    if len(digest) != DIGEST_BYTES:
        fault = Fault("/header/Content-Digest", "malformed", "must be sha-256=:…: in base64")
        raise Refusal(422, faults=[fault])
    return digest.hex()


def tell_files() -> Mapping[str, Any]:
    """What a page must know to send a file: the kinds there are, and the ways to compress text, by the end of a name."""
    formats = [
        {
            "name": kind.name,
            "suffixes": kind.suffixes,
            "media_type": kind.media_types[0],
            "is_text": kind.is_text,
        }
        for kind in FORMATS.values()
    ]
    return {
        "formats": formats,
        "encodings": {suffix: one.name for suffix, one in COMPRESSIONS.items()},
    }
