"""How often somebody may call, a minute at a time, by key or by address: counted in memory, and together with other processes in Redis."""

import asyncio
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from structlog.typing import FilteringBoundLogger

PATIENCE = 0.2
"""Seconds that a request waits for Redis at most, all in all."""
ASKED_AGAIN = 2.0
"""Seconds after which a Redis that did not answer is asked again."""
CONNECTIONS = 16
"""Connections to Redis that a process has at most."""
MOST_KNOWN = 10_000


class Standing(NamedTuple):
    """How somebody stands against their limit."""

    allowed: bool
    most: int
    """Requests in a minute."""
    left: int
    reset: float
    """When the minute ends, in seconds since 1970."""


class Together:
    """Counts what all processes get, in one Redis; while that does not answer, whoever asks is told so at once."""

    def __init__(
        self, address: str, hide: Callable[[str, str], str], log: FilteringBoundLogger
    ) -> None:
        """`hide` names a key or an address so that nobody who looks into Redis learns whose it is."""
        self._pool = BlockingConnectionPool.from_url(address, max_connections=CONNECTIONS)
        self._storage = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="psoas",
            connection_pool=self._pool,  # type: ignore[arg-type]  # it is taken as it is
        )
        self._hide, self._log = hide, log
        self._is_away = False
        self._next_try = 0.0
        self._ends: dict[str, float] = {}
        """When minutes end, by their names in Redis: to ask each time would double the cost."""

    async def count(self, limit: RateLimitItem, name: str) -> Standing | None:
        """Count a request; none where Redis is away, slow or full."""
        is_trying = self._is_away
        if is_trying:
            if time.monotonic() < self._next_try:
                return None
            self._put_off()  # the others need not wait with this one
        try:
            async with asyncio.timeout(PATIENCE):
                standing = await self._hit(limit, name)
        except Exception as failure:  # noqa: BLE001  # whatever it is, people must be answered
            self._give_up(failure)
            return None
        if is_trying and self._is_away:
            self._is_away = False
            self._log.info("limits are counted together again")
        return standing

    @property
    def is_away(self) -> bool:
        """Whether Redis did not answer when it was last asked."""
        return self._is_away

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._pool.aclose()

    async def _hit(self, limit: RateLimitItem, name: str) -> Standing:
        key = limit.key_for(self._hide(limit.namespace, name))
        count = await self._storage.incr(key, limit.get_expiry())
        now = time.time()
        if count == 1:
            self._remember(key, now + limit.get_expiry())
        elif self._ends.get(key, 0.0) <= now:  # the minute began in another process
            self._remember(key, await self._storage.get_expiry(key))
        left = max(0, limit.amount - count)
        return Standing(count <= limit.amount, limit.amount, left, self._ends[key])

    def _remember(self, key: str, end: float) -> None:
        if len(self._ends) >= MOST_KNOWN:
            self._ends.clear()
        self._ends[key] = end

    def _give_up(self, failure: Exception) -> None:
        """Leave Redis alone for a while. What it said is not logged: its address may hold a password."""
        self._put_off()
        if not self._is_away:
            self._is_away = True
            self._log.warning(
                "limits are counted by each process for itself", error=type(failure).__name__
            )

    def _put_off(self) -> None:
        self._next_try = time.monotonic() + ASKED_AGAIN


class Rates:
    """Counts the requests of each key and each address."""

    def __init__(self, per_address: int, per_key: int, together: Together | None = None) -> None:
        """Limits in requests a minute; 0 sets none."""
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._together = together
        self._limits = {
            kind: RateLimitItemPerMinute(most, namespace=kind)
            for kind, most in (("address", per_address), ("key", per_key))
            if most
        }

    async def count(self, kind: str, name: str) -> Standing | None:
        """Count a request of a key or an address; none where there is no limit."""
        limit = self._limits.get(kind)
        if limit is None:
            return None
        # Here in any case: when Redis goes, nobody who was over a limit begins anew.
        alone = self._count_alone(limit, name)
        if self._together is None:
            return alone
        return await self._together.count(limit, name) or alone

    @property
    def counts_together(self) -> bool | None:
        """Whether all processes count together just now; none where they are not meant to."""
        return None if self._together is None else not self._together.is_away

    async def aclose(self) -> None:
        """Let go of what is held open."""
        if self._together:
            await self._together.aclose()

    def _count_alone(self, limit: RateLimitItem, name: str) -> Standing:
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
