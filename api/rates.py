"""How often somebody may call: counted in memory, a minute at a time, by key or by address."""

from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter


class Standing(NamedTuple):
    """How somebody stands against their limit."""

    allowed: bool
    most: int
    """Requests in a minute."""
    left: int
    reset: float
    """When the minute ends, in seconds since 1970."""


class Rates:
    """Counts the requests of each key and each address."""

    def __init__(self, per_address: int, per_key: int) -> None:
        """Limits in requests a minute; 0 sets none."""
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._limits = {
            kind: RateLimitItemPerMinute(most, namespace=kind)
            for kind, most in (("address", per_address), ("key", per_key))
            if most
        }

    def count(self, kind: str, name: str) -> Standing | None:
        """Count a request of a key or an address; none where there is no limit."""
        limit = self._limits.get(kind)
        if limit is None:
            return None
        allowed = self._limiter.hit(limit, name)
        stats = self._limiter.get_window_stats(limit, name)
        return Standing(allowed, limit.amount, stats.remaining, stats.reset_time)


def name_address(client: tuple[str, int] | None) -> str:
    """An address as it is counted: of IPv6 the network of a household (/64), since that has them in plenty."""
    if client is None:
        return "unknown"
    try:
        address = ip_address(client[0])
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
