"""What tests of webhooks share: a receiver on this machine, and a clinic whose webhooks may lead there."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from clinic import Clinic
from receiving import LOOPBACK, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def clinic(storage: dict[str, Any]) -> Clinic:
    return Clinic({**storage, "webhook_networks": (LOOPBACK,)})
