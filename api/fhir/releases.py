"""The release of FHIR that a caller asks for."""

import re

from api.fhir.names import MEDIA_TYPE, R4, R5, Release

WANTS_R5 = re.compile(r"""fhirversion\s*=\s*"?5(\.0)?\b""", re.IGNORECASE)


def find_release(accept: str) -> Release:
    """The release that an Accept header names; R4 unless it is R5."""
    return R5 if WANTS_R5.search(accept) else R4


def name_media_type(release: Release) -> str:
    """The media type of JSON in a release."""
    return f"{MEDIA_TYPE}; fhirVersion={release}"
