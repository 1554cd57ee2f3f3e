"""What endpoints are given to work with."""

from typing import NamedTuple

from api.batch.scoring import Rules
from api.payloads import AssessPayload, WhatIfPayload
from rules.assessment import Assessor
from rules.definitions import Model


class Parts(NamedTuple):
    """The parts of one running service, put together in `app.py`."""

    model: Model
    assessor: Assessor
    assess_payload: type[AssessPayload]
    what_if_payload: type[WhatIfPayload]
    rules: Rules
    most_people: int
    """How many people may be scored in one request."""
