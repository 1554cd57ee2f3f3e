"""The servers that /assess is measured beside, each in a process of its own."""

import json
import os
import random
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import TypeAdapter

from api.cli import start_app
from api.payloads import assess_payload
from bench.people import make_request
from rules.assessment import Assessor, Sheet
from rules.loading import load_model
from rules.results import Assessment

ASSESSOR = Assessor(load_model())


def fixed_assessment() -> Assessment:
    """One ready assessment: of a hundred people's the one of middle length."""
    rng = random.Random(1)  # noqa: S311
    people = [make_request(ASSESSOR.model, rng) for _ in range(101)]
    assessments = [ASSESSOR.assess(Sheet(**person)) for person in people]
    return sorted(assessments, key=lambda assessment: len(json.dumps(assessment)))[50]


def bare_app() -> Any:
    """(a) The floor: an ASGI app that reads the body and sends fixed bytes of the same size."""
    body = TypeAdapter(Assessment).dump_json(fixed_assessment())
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def ordinary_app() -> Any:
    """(b) The peer: an ordinary endpoint with the same request and response models and no work."""
    app, payload, answer = FastAPI(), assess_payload(ASSESSOR), fixed_assessment()

    @app.post("/assess")
    async def assess(body: payload) -> Assessment:  # type: ignore[valid-type]  # noqa: ARG001
        return answer

    return app


APPS = {"bare": bare_app, "ordinary": ordinary_app, "quiet": ordinary_app, "psoas": start_app}

if __name__ == "__main__":
    name, port, core = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    os.sched_setaffinity(0, {core})
    access_log = name == "ordinary"
    log_level = "info" if access_log else "warning"
    uvicorn.run(APPS[name](), port=port, access_log=access_log, log_level=log_level)
