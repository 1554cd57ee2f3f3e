"""The command `psoas`, run as its users run it."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT
from people import MODEL, read_cases

PSOAS = Path(sys.executable).with_name("psoas")


def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command and give what it said."""
    return subprocess.run(
        [PSOAS, *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.mark.parametrize("case", read_cases("worked_examples"), ids=lambda case: case["name"])
def test_worked_examples_by_command(tmp_path: Path, case: dict[str, Any]) -> None:
    file = tmp_path / "person.json"
    file.write_text(json.dumps({"answers": case["answers"]}))
    done = run("assess", str(file))
    assert done.returncode == 0, done.stderr
    assessment = json.loads(done.stdout)
    assert [h["score"] for h in assessment["habits"]] == [
        None if values[0] == "none" else values[0] for values in case["scores"].values()
    ]
    low, high = case["index"][1:3]
    assert (assessment["index"]["low"], assessment["index"]["high"]) == (low, high)


def test_what_safety_calls_for_is_told_first() -> None:
    body = {"answers": {}, "red_flags": {"saddle_numbness": True}}
    done = run("assess", "-", input=json.dumps(body))
    assert done.returncode == 0
    text = MODEL.safety.actions["emergency"].text
    assert done.stderr.strip() == text
    assessment = json.loads(done.stdout)
    assert next(iter(assessment)) == "safety"
    assert assessment["safety"]["text"] == text
    assert assessment["plan"]["kind"] == "withheld"


def test_bad_answers_are_all_named_and_never_repeated() -> None:
    body = {"answers": {"sitting_hours_per_day": 4711, "runs": "canary"}, "more": 1}
    done = run("assess", "-", input=json.dumps(body))
    assert done.returncode == 2
    assert done.stdout == ""
    for place in ("/answers/sitting_hours_per_day", "/answers/runs", "/more"):
        assert place in done.stderr
    assert "4711" not in done.stderr
    assert "canary" not in done.stderr


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"answers": {"runs": true, "runs": false}}'])
def test_a_file_that_cannot_be_used_is_told_without_a_traceback(content: str) -> None:
    done = run("assess", "-", input=content)
    assert done.returncode == 2
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run("assess", str(tmp_path / "nobody.json"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "No such file" in done.stderr


def test_the_model_is_named_and_checked(tmp_path: Path) -> None:
    done = run("model")
    assert done.returncode == 0
    assert f"{MODEL.version}; digest={MODEL.digest}" in done.stdout
    assert all(habit.id in done.stdout for habit in MODEL.habits)
    broken = run("model", env={**os.environ, "PSOAS_MODEL_DIR": str(tmp_path)})
    assert broken.returncode == 2
    assert "model.toml: is missing" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_the_document_is_printed() -> None:
    assert run("openapi").stdout == (ROOT / "openapi" / "openapi.json").read_text("utf-8")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_says_where_to_look_and_answers(workers: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PSOAS_WORKERS": workers, "PSOAS_LOG_LEVEL": "debug"}
    server = subprocess.Popen(
        [PSOAS, "serve", "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        response = wait_for(f"{address}/readyz")
        assert response.json()["status"] == "ready"
        assessed = httpx.post(
            f"{address}/assess", json={"answers": {"sitting_hours_per_day": 13.37}}
        )
        assert assessed.status_code == 200
        assert "server" not in assessed.headers
        assert httpx.get(f"{address}/nowhere").headers["content-type"] == "application/problem+json"
        assert httpx.head(f"{address}/model").status_code == 200
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        httpx.get(f"{address}/assess?weight=canary", headers={**upgrade, "X-Answer": "canary"})
    finally:
        server.terminate()
        said, told = server.communicate(timeout=30)
    assert f"{address}/openapi.json" in told
    lines = [json.loads(line) for line in said.splitlines()]
    assert any(line["event"] == "request" and line.get("route") == "/assess" for line in lines)
    assert "13.37" not in said + told
    assert "canary" not in said + told


@pytest.mark.parametrize(
    ("words", "environment"),
    [(["--port", "99999"], {}), ([], {"PSOAS_PORT": "99999"}), ([], {"PSOAS_LOG_LEVEL": "loud"})],
)
def test_serve_refuses_settings_that_cannot_work(
    words: list[str], environment: dict[str, str]
) -> None:
    done = run("serve", *words, env={**os.environ, **environment})
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "port" in done.stderr or "PSOAS_" in done.stderr


def wait_for(address: str) -> httpx.Response:
    """The first answer of a server that is still starting."""
    for _ in range(200):
        try:
            return httpx.get(address)
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError(address)
