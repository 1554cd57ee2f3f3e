"""How Schemathesis writes bodies that are no JSON document; it loads this module by its name."""

from typing import Any

import schemathesis

from api.batch.formats import RESPONSES
from api.negotiation import MEDIA_TYPES


@schemathesis.serializer(*MEDIA_TYPES, *RESPONSES.media_types, "application/toml")
def put_text(_: Any, value: Any) -> bytes:
    """Text as it is: what kind of rows it holds is not for a schema to say."""
    return value if isinstance(value, bytes) else str(value).encode()
