"""Measure what limits cost: POST /assess without any, counted in memory, and counted together in Redis.

Each server has a core to itself; the client and Redis have the other one. Rounds alternate between
the servers, and the medians of the ratios within rounds are what to quote.
"""

import os
import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from itertools import cycle
from statistics import median, quantiles
from typing import Any, NamedTuple

from bench.assess import (
    CLIENT_CORE,
    REQUESTS,
    ROUNDS,
    Connection,
    cpu_seconds,
    make_strangers,
    measure,
    put_request,
    send_all,
    serving,
)

counting: Any = import_module(
    "tests.counting"
)  # tests are files, not a package, to the type checker
MANY = str(10**9)
"""A limit that nobody reaches."""
UNLIMITED, MEMORY, REDIS = "no limits", "limits counted in memory", "limits counted in Redis"
Server = tuple[int, int]


class Round(NamedTuple):
    """One round of one server."""

    cpu_microseconds: float
    milliseconds: float
    """From a request to its answer, one at a time, at the median."""
    slow_milliseconds: float
    """The same at the 99th percentile."""


def time_each(port: int, requests: Iterator[bytes]) -> list[float]:
    """Milliseconds from request to answer of a round of requests, one after the other."""
    selector, connection, times = selectors.DefaultSelector(), Connection(port), []
    selector.register(connection.socket, selectors.EVENT_READ)
    for _ in range(REQUESTS):
        start = time.perf_counter()
        connection.socket.sendall(next(requests))
        while not (selector.select() and connection.receive()):
            pass
        times.append((time.perf_counter() - start) * 1000)
    connection.socket.close()
    return times


def run_round(server: Server, requests: Iterator[bytes]) -> Round:
    """One round of one server: many at a time for the processor time, then one by one."""
    cpu = measure(server, requests).cpu_microseconds
    times = time_each(server[0], requests)
    return Round(cpu, median(times), quantiles(times, n=100)[98])


def tell(name: str, rounds: list[dict[str, Round]]) -> None:
    """Print how a server did beside the one without limits."""
    own = [result[name] for result in rounds]
    cpu = [result[name].cpu_microseconds / result[UNLIMITED].cpu_microseconds for result in rounds]
    waits = [result[name].milliseconds / result[UNLIMITED].milliseconds for result in rounds]
    print(
        f"{name:26} {median(r.cpu_microseconds for r in own):5.0f} µs CPU each, {median(cpu):.2f} "
        f"({min(cpu):.2f} to {max(cpu):.2f}) times that without; answered in "
        f"{median(r.milliseconds for r in own):.2f} ms, {median(waits):.2f} times that without; "
        f"99th percentile {median(r.slow_milliseconds for r in own):.2f} ms"
    )


def main() -> None:
    """Measure and print."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    requests = cycle([put_request(person) for person in make_strangers()])
    with ExitStack() as stack:
        redis = stack.enter_context(counting.counting())
        limited = {"PSOAS_RATE_PER_ADDRESS": MANY}
        environments = {
            UNLIMITED: {"PSOAS_RATE_PER_ADDRESS": "0"},
            MEMORY: limited,
            REDIS: {**limited, "PSOAS_RATE_STORE": redis.address},
        }
        servers: dict[str, Server] = {
            name: stack.enter_context(serving("psoas", PSOAS_JOBS="False", **environment))
            for name, environment in environments.items()
        }
        for port, _ in servers.values():
            send_all(port, requests, REQUESTS)
        before = cpu_seconds(redis.pid)
        rounds = [
            {name: run_round(server, requests) for name, server in servers.items()}
            for _ in range(ROUNDS)
        ]
        spent = (cpu_seconds(redis.pid) - before) / (2 * REQUESTS * ROUNDS) * 1e6
        assert len(redis.read_all()) == 1  # everything was counted there
    print(f"medians of {ROUNDS} alternating rounds of {REQUESTS} requests")
    for name in servers:
        tell(name, rounds)
    print(f"Redis itself: {spent:.0f} µs CPU a request")


if __name__ == "__main__":
    main()
