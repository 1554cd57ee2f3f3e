"""A receiver of webhooks in tests, written after the rules of Standard Webhooks alone: it shares no code with the sender."""

import base64
import hashlib
import hmac
import io
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import waiting
from clinic import Clinic

from api.logs import open_log
from api.settings import Settings
from api.storing import chance, make_courier, open_database, open_pseudonyms
from api.webhooks_addresses import Addresses, Lookups, Resolve
from api.webhooks_delivery import DeliveryPace

LOOPBACK = "127.0.0.0/8"
TOLERANCE = 5 * 60
"""Seconds by which a message may be older or newer than its receiver's clock."""
QUICK = DeliveryPace(look=0.02, lease=60.0, leave=1.0)
SOON = 15.0
"""Seconds after which what should have happened has not."""


class NotGenuine(Exception):
    """A message that does not come from whom it should, or not at the time at which it should."""


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> None:
    """See that one of the signatures is by one of the secrets, and made a moment ago.

    Raises:
        NotGenuine: when not.
    """
    name, moment = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(now - int(moment)) > TOLERANCE:
        raise NotGenuine("too old or too new")
    signed = b".".join((name.encode(), moment.encode(), body))
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        for signature in headers["webhook-signature"].split(" "):
            if hmac.compare_digest(signature, expected):
                return
    raise NotGenuine("no signature fits")


class Received(NamedTuple):
    """A request that came."""

    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def name(self) -> str:
        """The message's."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        """What it says."""
        return json.loads(self.body)

    @property
    def signatures(self) -> list[str]:
        """Each by itself."""
        return self.headers["webhook-signature"].split(" ")


Answer = Callable[[BaseHTTPRequestHandler], None]


def answer_with(status: int, **headers: str) -> Answer:
    """An answer without a body."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


class Receiver:
    """What came to an address of this machine, and how it is answered."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answer: Answer = answer_with(204)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append(Received(self.path, headers, body))
                receiver.answer(self)

            def do_GET(self) -> None:
                receiver.received.append(Received(self.path, {"webhook-id": "GET"}, b""))
                receiver.answer(self)

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", port), Handler)
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        scheme = "https" if tls else "http"
        self.address = f"{scheme}://127.0.0.1:{self.port}/psoas"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.02))
        self._thread.start()

    def wait(self, count: int) -> list[Received]:
        """What came, once it is so much."""
        wait_for(lambda: len(self.received) >= count)
        return self.received

    def close(self) -> None:
        """Let go of the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


wait_for = partial(waiting.wait_until, seconds=SOON)
"""Waits until something is so."""


@contextmanager
def delivering(
    clinic: Clinic,
    *,
    resolve: Resolve | None = None,
    pace: DeliveryPace = QUICK,
    clock: Callable[[], datetime] | None = None,
) -> Iterator[io.BytesIO]:
    """A courier of its own, as each process has one, for as long as it is needed; gives its log."""
    log, settings = io.BytesIO(), Settings(**clinic.storage)
    addresses = Addresses(settings.webhook_networks, resolve or Lookups())
    pseudonyms = open_pseudonyms(settings)
    with closing(open_database(settings)) as database:
        courier = make_courier(
            database, pseudonyms, addresses, clock or clinic.clock, chance, open_log("debug", log)
        )
        courier.pace = pace
        courier.start()
        try:
            yield log
        finally:
            courier.stop()


def store(clinic: Clinic, url: str, **more: Any) -> Any:
    """A webhook just stored."""
    answer = clinic.call("POST", "/webhooks", json={"url": url, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def look(clinic: Clinic, id: str) -> Any:
    """How a webhook stands."""
    return clinic.call("GET", f"/webhooks/{id}").json()
