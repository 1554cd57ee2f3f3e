"""Where webhooks may lead: addresses in the open internet, by https, and nothing that lies behind the service.

What a name resolves to is looked at anew at every attempt, and the connection is made to the very
address that was looked at, so a name that changes its mind meanwhile gains nothing. When a webhook is
stored its name is not looked up: whoever stores it would learn which names are known within, and a name
that is slow to be looked up would hold the service.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Thread
from typing import Any, NamedTuple

import httpx

LONGEST_URL = 1000
LONGEST_NAME = 253
LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
"""What may stand between two dots; longer ones cannot be resolved."""
NAME = re.compile(rf"{LABEL}(\.{LABEL})*")
NUMBER = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
"""Names that end in a number: other spellings of addresses, which are told in one way only."""
HTTPS_PORT, HTTP_PORT, LAST_PORT = 443, 80, 0xFFFF
FIRST_FREE_PORT = 1024
"""Ports below it, but for that of https, belong to other services, such as mail."""
LOOKUPS = 100
"""Names that are looked up at a time; a lookup cannot be called off, so there are more than attempts."""
OPEN_V6 = IPv6Network("2000::/3")
"""All that is given out so far."""
CLOSED: tuple[IPv4Network | IPv6Network, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network(
        "168.63.129.16/32"
    ),  # given out openly, but within Azure it is the host of the machine
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)
"""Parts of the open internet that lead elsewhere: protocol assignments, relays, tunnels, documentation, hosts."""
NAT64 = IPv6Network("64:ff9b::/96")
Ip = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a name, for a port.

Raises:
    OSError: when there are none.
"""


class AddressRefused(Exception):
    """A webhook may not lead there; its words say why, and name nothing that was given."""


class PrivateAddress(AddressRefused):
    """It lies behind the service."""


class PortRefused(AddressRefused):
    """A port of other services, or none at all."""


class Unencrypted(AddressRefused):
    """What is sent there could be read on the way."""


class UnknownName(Exception):
    """A name that cannot be resolved at the moment."""


class Place(NamedTuple):
    """Where a webhook leads, before anything was looked up."""

    url: httpx.URL
    host: str
    """Its name or address, as certificates have it."""
    port: int

    @property
    def is_secret(self) -> bool:
        """Whether what is sent there is encrypted on the way."""
        return self.url.scheme == "https"


class Lookups:
    """Looks up names beside everything else; one that takes long holds no other, and no process that ends."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(LOOKUPS)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a name.

        Raises:
            OSError: when there are none.
        """
        await self._free.acquire()
        loop, found = asyncio.get_running_loop(), Future[list[Any]]()

        def release(_: object) -> None:
            with suppress(RuntimeError):  # whoever asked has ended meanwhile
                loop.call_soon_threadsafe(self._free.release)

        def look_up() -> None:
            try:
                found.set_result(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
            except Exception as failure:  # noqa: BLE001  # whatever it is, it is for the one who asked
                found.set_exception(failure)

        found.set_running_or_notify_cancel()  # from now on it cannot be called off
        found.add_done_callback(release)
        Thread(target=look_up, name="psoas-lookup", daemon=True).start()
        listed = await asyncio.wrap_future(found)
        return list(dict.fromkeys(str(address[0]) for *_, address in listed))


class Addresses:
    """Reads and checks addresses; networks of one's own may be let in."""

    def __init__(self, networks: Sequence[str], resolve: Resolve) -> None:
        self._own = [ip_network(network) for network in networks]
        self._resolve = resolve

    def read(self, text: str) -> Place:
        """Where an address leads; its name is not looked up.

        Raises:
            AddressRefused: when no webhook may lead there, whatever its name resolves to.
        """
        place = _read_place(text, ("https", "http") if self._own else ("https",))
        if not 0 < place.port <= LAST_PORT:
            raise PortRefused(f"must have a port from 1 to {LAST_PORT}")
        if not self._own:
            _check_port(place)
            if place.host == "localhost" or place.host.endswith(".localhost"):
                raise PrivateAddress("must not lead to the service's own machine")
        literal = _find_ip(place.host)
        if literal:
            self._check(literal, place)
        return place

    async def find(self, place: Place) -> Sequence[Ip]:
        """The addresses of a place, every one of them checked.

        Raises:
            AddressRefused: when any of them is one that no webhook may lead to.
            UnknownName: when there are none at the moment.
        """
        literal = _find_ip(place.host)
        found = [literal] if literal else await self._look_up(place)
        for one in found:
            self._check(one, place)
        return found

    async def _look_up(self, place: Place) -> Sequence[Ip]:
        try:
            found = await self._resolve(place.host, place.port)
            return [ip_address(one) for one in found]
        except (OSError, ValueError):
            raise UnknownName from None

    def _check(self, address: Ip, place: Place) -> None:
        if any(address in network for network in self._own):
            return
        if not is_open(address):
            raise PrivateAddress("must not lead to a private address")
        if not place.is_secret:
            raise Unencrypted("must begin with https:// but for networks of your own")
        _check_port(place)


def _read_place(text: str, schemes: Sequence[str]) -> Place:
    if len(text) > LONGEST_URL:
        raise AddressRefused(f"may have at most {LONGEST_URL} characters")
    try:
        url = httpx.URL(text)
        host = url.raw_host.decode().lower().removesuffix(".")
    except (httpx.InvalidURL, ValueError):
        raise AddressRefused("must be an address such as https://clinic.example/psoas") from None
    if url.scheme not in schemes:
        raise Unencrypted("must begin with https://")
    if url.userinfo or url.fragment or "#" in text:
        raise AddressRefused("must have neither a user, nor a password, nor a part behind #")
    if not _find_ip(host) and (
        len(host) > LONGEST_NAME or not NAME.fullmatch(host) or NUMBER.fullmatch(host)
    ):
        raise AddressRefused("must name a host, by its name or plain address")
    usual = HTTPS_PORT if url.scheme == "https" else HTTP_PORT
    return Place(url, host, usual if url.port is None else url.port)


def _check_port(place: Place) -> None:
    if place.port != HTTPS_PORT and place.port < FIRST_FREE_PORT:
        raise PortRefused(f"must have the port {HTTPS_PORT}, or one from {FIRST_FREE_PORT}")


def is_open(address: Ip) -> bool:
    """Whether an address is one of the open internet, in whatever form it is written."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in NAT64:
            inner = IPv4Address(address.packed[-4:])
        if inner is not None:
            return is_open(inner)
        if address not in OPEN_V6 or address.scope_id is not None:
            return False
    if any(address in network for network in CLOSED):
        return False
    return address.is_global and not address.is_multicast


def _find_ip(host: str) -> Ip | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
