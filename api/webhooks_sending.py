"""One attempt to tell a webhook something: signed after the rules of Standard Webhooks, and sent to a checked address."""

import asyncio
import base64
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from math import floor
from typing import Any, NamedTuple
from uuid import UUID

import httpcore
import httpx
from standardwebhooks.webhooks import Webhook

from api.pseudonyms import Pseudonyms
from api.storage.deliveries import DeliveryFault, Errand
from api.webhooks_addresses import (
    Addresses,
    AddressRefused,
    Ip,
    Place,
    PortRefused,
    PrivateAddress,
    Unencrypted,
    UnknownName,
)

PATIENCE = 15.0
"""Seconds that an attempt may take from its beginning to its answer."""
CONNECTS = 5.0
"""Seconds of them that a connection to one address may take."""
TIMEOUTS = {"connect": CONNECTS, "read": PATIENCE, "write": PATIENCE, "pool": PATIENCE}
MOST_ADDRESSES = 3
"""Addresses of a name that are tried one after the other."""
MOST_READ = 16 * 1024
"""Bytes of an answer that are read until its status has come; beyond, it is none but interim ones without end."""
REFUSALS: Mapping[type[AddressRefused], DeliveryFault] = {
    PrivateAddress: "private_address",
    PortRefused: "refused_port",
    Unencrypted: "insecure",
}
"""What is told of an address that was stored and cannot be sent to; of any other, that its name is not known."""
PREFIX = "whsec_"
SENDER = "psoas-risk-webhooks"


class Attempt(NamedTuple):
    """What came of an attempt: a status, or why there was none."""

    status: int | None
    fault: DeliveryFault | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it was taken."""
        return self.status is not None and 200 <= self.status < 300


def make_secret(pseudonyms: Pseudonyms, tenant: str, webhook: UUID, number: int) -> str:
    """A webhook's secret of a number, as its owner gets it; it follows from the service's own and is kept nowhere."""
    key = pseudonyms.make_key("webhook", tenant, str(webhook), str(number))
    return PREFIX + base64.b64encode(key).decode()


def sign(errand: Errand, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
    """The headers that go with a message at a moment: its name, the moment, and a signature by each secret."""
    body = errand.body.decode()
    signatures = (Webhook(secret).sign(errand.message, at, body) for secret in secrets)
    return {
        "webhook-id": errand.message,
        "webhook-timestamp": str(floor(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


class Sending:
    """Makes attempts. It uses no proxy, follows nowhere, and looks at nothing of an answer but its status."""

    def __init__(self, addresses: Addresses, pseudonyms: Pseudonyms) -> None:
        self._addresses, self._pseudonyms = addresses, pseudonyms

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    async def send(self, errand: Errand, at: datetime) -> Attempt:
        """Send a message; whatever goes wrong on the way is told, and not raised."""
        secrets = [
            make_secret(self._pseudonyms, errand.tenant, errand.webhook, number)
            for number in errand.secrets
        ]
        headers = sign(errand, secrets, at)
        try:
            async with asyncio.timeout(PATIENCE):
                place = self._addresses.read(errand.url)
                found = await self._addresses.find(place)
                return await self._try_each(place, found[:MOST_ADDRESSES], headers, errand.body)
        except (TimeoutError, httpcore.TimeoutException):
            return Attempt(None, "timeout")
        except AddressRefused as refused:
            return Attempt(None, REFUSALS.get(type(refused), "unknown_name"))
        except UnknownName:
            return Attempt(None, "unknown_name")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as failure:
            is_tls = any(isinstance(cause, ssl.SSLError) for cause in _causes(failure))
            return Attempt(None, "insecure" if is_tls else "no_connection")

    async def _try_each(
        self, place: Place, addresses: Sequence[Ip], headers: Mapping[str, str], body: bytes
    ) -> Attempt:
        """Send to the first address that a connection can be made to."""
        *others, last = addresses
        for address in others:
            try:
                return await self._post(place, address, headers, body)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._post(place, last, headers, body)

    async def _post(
        self, place: Place, address: Ip, headers: Mapping[str, str], body: bytes
    ) -> Attempt:
        """Send to an address, under the name of the place; a connection of its own is kept for nothing else."""
        async with (
            httpcore.AsyncConnectionPool(self._tls, network_backend=Dialling(address)) as pool,
            pool.stream(
                "POST",
                httpcore.URL(
                    scheme=place.url.raw_scheme,
                    host=place.host,
                    port=place.port,
                    target=place.url.raw_path,
                ),
                content=body,
                headers=[
                    ("Host", name_host(place)),
                    ("Content-Type", "application/json"),
                    ("User-Agent", SENDER),
                    ("Connection", "close"),
                    *headers.items(),
                ],
                extensions={"timeout": TIMEOUTS},
            ) as response,
        ):
            return Attempt(response.status)


class Dialling(httpcore.AsyncNetworkBackend):
    """Connects to one address, whatever name is asked for."""

    def __init__(self, address: Ip) -> None:
        self._address, self._network = address, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's own name
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the address."""
        return Line(
            await self._network.connect_tcp(
                str(self._address), port, timeout, local_address, socket_options
            )
        )


class Line(httpcore.AsyncNetworkStream):
    """A connection from which only so much is read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream, self._left = stream, MOST_READ

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What came.

        Raises:
            ReadError: when too much did.
        """
        if not self._left:
            raise httpcore.ReadError("too much before a status")
        came = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(came)
        return came

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Hang up."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # the library's own name
    ) -> httpcore.AsyncNetworkStream:
        """The same connection, encrypted."""
        return Line(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """What is known of the connection."""
        return self._stream.get_extra_info(info)


def name_host(place: Place) -> str:
    """A place as the header Host names it."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return host if place.url.port is None else f"{host}:{place.port}"


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    while failure is not None:
        yield failure
        failure = failure.__cause__ or failure.__context__
