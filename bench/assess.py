"""Measure POST /assess: requests per second and CPU per request, beside a bare server and an ordinary endpoint.

Each server has a core to itself and a process of its own; the client has another core. Rounds
alternate between the servers, and the medians of the ratios within rounds are what to quote.
"""

import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.people import MISSING, make_request
from rules.loading import load_model

TITLES = {
    "bare": "(a) bare ASGI app, fixed body of the same size",
    "ordinary": "(b) ordinary FastAPI endpoint, no work, uvicorn's defaults",
    "quiet": "(c) the same without any request log",
    "psoas": "POST /assess, with its request log",
}
ROUNDS = 21
REQUESTS = 700
AT_A_TIME = 50
CONNECTIONS = 8
PEOPLE = (ROUNDS + 1) * REQUESTS
SERVER_CORE, CLIENT_CORE = 0, 1


Request = dict[str, Any]


class Measured(NamedTuple):
    """One round of one server."""

    per_second: float
    cpu_microseconds: float


def make_strangers(missing: float = MISSING) -> list[Request]:
    """Every request is of another person, who left out a question now and then."""
    model, rng = load_model(), random.Random(1)  # noqa: S311
    return [make_request(model, rng, missing) for _ in range(PEOPLE)]


def make_live_forms() -> list[Request]:
    """People fill in the form, fifty at a time, and each asks again after every answer."""
    people = make_strangers()
    turns: list[Request] = []
    for first in range(0, len(people), AT_A_TIME):
        forms = [list_answers(person) for person in people[first : first + AT_A_TIME]]
        for answered in range(1, max(map(len, forms)) + 1):
            turns += [put_together(form[:answered]) for form in forms if answered <= len(form)]
        if len(turns) >= PEOPLE:
            break
    return turns[:PEOPLE]


def list_answers(request: Request) -> list[tuple[str, str, Any]]:
    """A request's answers one by one in the order of the questionnaire: part, question and answer."""
    order = ("red_flags", "conditions", "symptoms", "answers", "plan")
    return [(part, name, answer) for part in order for name, answer in request[part].items()]


def put_together(answered: list[tuple[str, str, Any]]) -> Request:
    """A request from its answers."""
    request: Request = {"answers": {}}
    for part, name, answer in answered:
        request.setdefault(part, {})[name] = answer
    return request


def put_request(person: Request, path: str = "/assess", *headers: str) -> bytes:
    """A request, ready to send."""
    body = json.dumps(person).encode()
    head = [f"POST {path} HTTP/1.1", "Host: bench", "Content-Type: application/json", *headers]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


class Connection:
    """A kept-alive connection that sends one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def receive(self) -> bool:
        """Read what is there; True when it completes a response, which must be a 200 or a 201."""
        self._received += self.socket.recv(1 << 18)
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return False
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return False
        assert head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), self._received
        self._received = b""
        return True


def send_all(port: int, requests: Iterator[bytes], count: int, at_once: int = CONNECTIONS) -> None:
    """Send so many requests over all connections, each as soon as its last response is there."""
    selector, due, done = selectors.DefaultSelector(), islice(requests, count), 0
    connections = [Connection(port) for _ in range(at_once)]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.socket.sendall(next(due))
    while done < count:
        for key, _ in selector.select():
            if key.data.receive():
                done += 1
                key.data.socket.sendall(next(due, b""))
    for connection in connections:
        connection.socket.close()


@contextmanager
def serving(name: str, **environment: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; gives its port and process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "bench.servers", name, str(port), str(SERVER_CORE)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time that all threads of a process have used."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def measure(server: tuple[int, int], requests: Iterator[bytes]) -> Measured:
    """One round of one server."""
    port, pid = server
    cpu, start = cpu_seconds(pid), time.perf_counter()
    send_all(port, requests, REQUESTS)
    seconds = time.perf_counter() - start
    return Measured(REQUESTS / seconds, (cpu_seconds(pid) - cpu) / REQUESTS * 1e6)


def compare(title: str, people: list[Request]) -> None:
    """Measure all servers with the same requests, and print."""
    prepared = [put_request(person) for person in people]
    requests = {name: cycle(prepared) for name in TITLES}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(name)) for name in TITLES}
        for name, (port, _) in servers.items():
            send_all(port, requests[name], REQUESTS)
        rounds = [
            {name: measure(servers[name], requests[name]) for name in TITLES} for _ in range(ROUNDS)
        ]
    print(f"\n{title}; medians of {ROUNDS} alternating rounds of {REQUESTS} requests")
    for name, words in TITLES.items():
        rate = median(result[name].per_second for result in rounds)
        cpu = median(result[name].cpu_microseconds for result in rounds)
        ratios = [r[name].cpu_microseconds / r["psoas"].cpu_microseconds for r in rounds]
        print(
            f"{words:58} {rate:6.0f} requests/s {cpu:5.0f} µs CPU each; /assess does "
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) of its requests per CPU second"
        )


def main() -> None:
    """Measure and print."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    compare("Forms filled in live, asked again after every answer", make_live_forms())
    compare("Finished forms, every request of another person", make_strangers(missing=0.0))
    compare("Forms with gaps, every request of another person", make_strangers())


if __name__ == "__main__":
    main()
