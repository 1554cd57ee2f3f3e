"""Measure files of responses: responses a second of a worker beside $assess, and /assess beside one in its process.

Each response is of another person, and complete but for a tenth. Those for $assess are sent one
after the other over one connection, while the worker has nothing to do.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from api.fhir.names import CODES, QUESTIONNAIRE, name_version
from api.fhir.response import VALUES, Asked
from api.payloads import parts_of
from bench.assess import Connection
from bench.jobs import Service, assess_steadily, make_requests, percentile, serving
from bench.people import make_request
from rules.definitions import Model
from rules.loading import load_model

RESPONSES, ROUNDS = 20_000, 3
IDLE_SECONDS = 10
ALONE = 1_000
"""Responses that are sent one by one."""
NDJSON = {"Content-Type": "application/fhir+ndjson"}


class Round(NamedTuple):
    """What was measured in one round."""

    bulk: float
    alone: float
    """Responses a second."""
    idle: list[float]
    busy: list[float]
    """Seconds that requests to /assess took."""
    size: float
    """Bytes of results a response."""


def make_responses(model: Model, count: int) -> list[bytes]:
    """Responses of so many people."""
    rng = random.Random(1)  # noqa: S311  # the same people every time
    asked = {
        question.id: Asked(name, question)
        for name, part in parts_of(model).items()
        for question in part.questions
    }
    return [put_response(model, asked, make_request(model, rng), n) for n in range(count)]


def put_response(
    model: Model, asked: Mapping[str, Asked], person: Mapping[str, Any], number: int
) -> bytes:
    """A person's answers as a response."""
    items = [
        {"linkId": name, "answer": list(put_answers(asked[name].kind, answer))}
        for part in person.values()
        for name, answer in part.items()
    ]
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": f"r-{number}",
        "questionnaire": name_version(QUESTIONNAIRE, model.version),
        "status": "completed",
        "subject": {"reference": f"Patient/{number}"},
        "item": items,
    }
    return json.dumps(response).encode()


def put_answers(kind: str, answer: Any) -> Iterator[dict[str, Any]]:
    """An answer, or each of several."""
    (name, *_) = VALUES[kind]
    for one in answer if isinstance(answer, list) else [answer]:
        yield {name: {"system": CODES, "code": one} if name == "valueCoding" else one}


def measure_round(folder: Path, responses: list[bytes], requests: Iterator[bytes]) -> Round:
    """One round of everything, on services of its own."""
    with serving(folder, worker=True) as service:
        alone = assess_alone(service, responses[:ALONE])
        bulk, size = assess_file(service, responses)
    with serving(folder, worker=False) as service:
        until = time.monotonic() + IDLE_SECONDS
        idle = assess_steadily(service, requests, lambda: time.monotonic() < until)
        place = send(service, responses)
        service.wait(place, "running")
        looked = [time.monotonic(), True]

        def is_running() -> bool:
            if time.monotonic() - looked[0] > 1:
                looked[:] = time.monotonic(), service.look(place)["state"] == "running"
            return bool(looked[1])

        busy = assess_steadily(service, requests, is_running)
        service.client.delete(place)
    return Round(bulk, alone, idle, busy, size)


def send(service: Service, responses: list[bytes]) -> str:
    """Send a file; gives the batch's address."""
    content = b"\n".join(responses)
    sent = service.client.post("/fhir/$bulk-assess", content=content, headers=NDJSON)
    return f"/batches/{sent.raise_for_status().json()['id']}"


def assess_file(service: Service, responses: list[bytes]) -> tuple[float, float]:
    """Responses a second of a job, and bytes of results a response."""
    place = send(service, responses)
    done = service.wait(place, "done")
    assert done["rows_rejected"] == 0, done
    begun, ended = (datetime.fromisoformat(done[name]) for name in ("started_at", "finished_at"))
    status = service.client.get(f"/fhir/bulk-status/{done['id']}").json()
    size = sum(
        int(service.client.head(one["url"]).headers["content-length"])
        for one in (*status["output"], *status["error"])
    )
    service.client.delete(place)
    return len(responses) / (ended - begun).total_seconds(), size / len(responses)


def assess_alone(service: Service, responses: list[bytes]) -> float:
    """Responses a second, each in a request of its own."""
    connection = Connection(service.port)
    head = "POST /fhir/QuestionnaireResponse/$assess HTTP/1.1\r\nHost: bench\r\nContent-Type: application/fhir+json"
    started = time.perf_counter()
    for one in responses:
        connection.socket.sendall(f"{head}\r\nContent-Length: {len(one)}\r\n\r\n".encode() + one)
        while not connection.receive():
            pass
    connection.socket.close()
    return len(responses) / (time.perf_counter() - started)


def main() -> None:
    """Measure, and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=RESPONSES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    wanted = parser.parse_args()
    responses, requests = make_responses(load_model(), wanted.responses), make_requests()
    with tempfile.TemporaryDirectory(prefix="psoas-bench-") as name:
        rounds = [
            measure_round(Path(name) / str(n), responses, requests) for n in range(wanted.rounds)
        ]
    ratios = [one.bulk / one.alone for one in rounds]
    print(
        f"{wanted.responses:,} responses: {median(one.bulk for one in rounds):.0f} a second in a file, "
        f"{median(one.alone for one in rounds):.0f} alone; {median(ratios):.2f} times "
        f"({min(ratios):.2f} to {max(ratios):.2f}); {rounds[0].size / 1000:.1f} kB of results a response"
    )
    for at in (50, 99):
        beside = [percentile(one.busy, at) / percentile(one.idle, at) for one in rounds]
        busy = median(percentile(one.busy, at) for one in rounds)
        print(
            f"  p{at} of /assess beside it: {busy:.1f} ms, {median(beside):.2f} times that without"
        )


if __name__ == "__main__":
    main()
