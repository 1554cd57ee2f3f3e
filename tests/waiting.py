"""Waiting until something is so, but not for ever."""

import time
from collections.abc import Callable

LOOKS = 0.01
"""Seconds from one look to the next."""


def wait_until(is_so: Callable[[], object], seconds: float) -> None:
    """Wait until something is so, at most so many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not become so in time"
        time.sleep(LOOKS)
