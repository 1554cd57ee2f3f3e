"""The release of FHIR that a caller asks for, of those that there are."""

from collections.abc import Mapping
from functools import lru_cache

from api.fhir.names import MEDIA_TYPE, R4, R5, Release
from api.preferences import read_preferences
from api.problems import Refusal

TAKEN = frozenset(
    ("*/*", "application/*", MEDIA_TYPE, "application/json", "application/json+fhir", "text/json")
)
"""What an Accept header may name for JSON of FHIR, with the older names that clients still send."""
RELEASES: Mapping[str, Release] = {
    **dict.fromkeys(("", "4", "4.0", "4.0.1"), R4),
    **dict.fromkeys(("5", "5.0", "5.0.0"), R5),
}
"""The releases by what `fhirVersion` may say; R4 where it says nothing."""
NOT_SPOKEN = f"Only {MEDIA_TYPE} is spoken here, with fhirVersion={R4} or fhirVersion={R5}."


def find_release(accept: str) -> Release:
    """The release that an Accept header prefers; R4 where it names none that there is."""
    return choose_release(accept) or R4


def check_release(accept: str) -> Release:
    """The release that an Accept header prefers.

    Raises:
        Refusal: 406 where it takes nothing that there is.
    """
    if release := choose_release(accept):
        return release
    raise Refusal(406, NOT_SPOKEN)


@lru_cache(256)
def choose_release(accept: str) -> Release | None:
    """The release that an Accept header prefers, the first of those it likes alike; none where it takes neither."""
    if "/" not in accept:
        return R4
    versions = (
        one.parameters.get("fhirversion", "")
        for one in read_preferences(accept)
        if one.name in TAKEN
    )
    return next((RELEASES[version] for version in versions if version in RELEASES), None)


def name_media_type(release: Release) -> str:
    """The media type of JSON in a release."""
    return f"{MEDIA_TYPE}; fhirVersion={release}"
