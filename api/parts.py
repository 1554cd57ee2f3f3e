"""What endpoints are given to work with."""

from collections.abc import Mapping
from typing import NamedTuple

from api.batch.scoring import Rules
from api.batches import Batches
from api.fhir.assessor import ResponseAssessor
from api.languages import Languages
from api.looks import Looks
from api.mappings import Mappings
from api.metrics import Metrics
from api.payloads import AssessPayload, StorePayload, WhatIfPayload
from api.records import Records
from api.storage.database import Database
from api.webhooks import Webhooks
from rules.assessment import Assessor
from rules.definitions import Model
from rules.folder import ENGLISH


class Parts(NamedTuple):
    """The parts of one running service, put together in `app.py`."""

    languages: Languages
    assessors: Mapping[str, Assessor]
    """The rules made ready to assess, by language."""
    responses: Mapping[str, ResponseAssessor]
    """The same for answers that come as FHIR has them."""
    assess_payload: type[AssessPayload]
    what_if_payload: type[WhatIfPayload]
    store_payload: type[StorePayload]
    rules: Rules
    records: Records
    mappings: Mappings
    batches: Batches
    webhooks: Webhooks
    looks: Looks
    database: Database
    metrics: Metrics | None
    """What is counted; none where nobody may ask for it."""
    most_people: int
    """How many people may be scored in one request without a key."""
    batch_bytes: int
    """Bytes that a batch may have as it is sent."""
    upload_seconds: float
    """Seconds in which something of it must come."""

    @property
    def model(self) -> Model:
        """The rules, in English."""
        return self.languages.models[ENGLISH]

    @property
    def assessor(self) -> Assessor:
        """The rules made ready to assess, in English."""
        return self.assessors[ENGLISH]
