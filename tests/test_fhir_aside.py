"""Responses assessed in a process of their own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from people import MODEL
from responses import put_response
from sending import wait_until
from test_fhir_response import CANARY, DESK, RESPONSES

from api.fhir.aside import AsideAssessor, AsideFailed
from api.fhir.lines import LineAssessor

LINES = [
    (1, json.dumps(put_response(DESK, id="r-1")).encode()),
    (2, b"nonsense"),
    (3, json.dumps({**put_response(DESK), "status": CANARY}).encode()),
]


@pytest.fixture(scope="module")
def aside() -> Iterator[AsideAssessor]:
    with closing(AsideAssessor(MODEL)) as aside:
        yield aside


def test_they_are_assessed_as_here(aside: AsideAssessor) -> None:
    here = LineAssessor(MODEL, RESPONSES)
    assert aside.header == here.header
    assert aside.assess_all(LINES) == here.assess_all(LINES)


def test_a_process_that_was_ended_is_started_again(aside: AsideAssessor) -> None:
    before = aside.assess_all(LINES)
    assert aside._begun is not None
    process, _ = aside._begun
    process.kill()
    process.join()
    assert aside.assess_all(LINES) == before


def test_a_failure_is_told_without_what_was_in_the_lines(aside: AsideAssessor) -> None:
    with pytest.raises(AsideFailed, match="AttributeError") as failed:
        aside.assess_all([(1, CANARY)])  # type: ignore[list-item]
    assert CANARY not in str(failed.value)
    assert len(aside.assess_all(LINES)) == 3  # it goes on


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.fhir.aside.PATIENCE", 0.5)
    with closing(AsideAssessor(MODEL)) as aside:
        aside._begun = aside._begin()
        process, _ = aside._begun
        assert process.pid
        os.kill(process.pid, signal.SIGSTOP)
        with pytest.raises(AsideFailed, match="hung"):
            aside.assess_all(LINES)
        assert not process.is_alive()


def test_it_can_be_closed_while_somebody_waits_for_an_answer() -> None:
    aside = AsideAssessor(MODEL)
    aside._begun = aside._begin()
    process, _ = aside._begun
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    failed: list[Exception] = []

    def ask() -> None:
        try:
            aside.assess_all(LINES)
        except AsideFailed as failure:
            failed.append(failure)

    asking = Thread(target=ask)
    asking.start()
    wait_until(aside._lock.locked)
    aside.close()
    asking.join(10)
    assert not asking.is_alive()
    assert failed


def test_nothing_is_started_before_there_is_something_to_do() -> None:
    with closing(AsideAssessor(MODEL)) as aside:
        assert aside._begun is None


ASKS = """
from api.fhir.aside import AsideAssessor
from rules.loading import load_model
if __name__ == "__main__":
    aside = AsideAssessor(load_model())
    aside.assess_all([])
    print("ready", flush=True)
    input()
"""


def test_it_ends_with_whoever_asks_even_by_force(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(ASKS)
    with subprocess.Popen(
        [sys.executable, tmp_path / "asks.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == b"ready\n"
        begun = Path(f"/proc/{asking.pid}/task/{asking.pid}/children").read_text().split()
        assert begun
        asking.kill()
    wait_until(lambda: not any(Path(f"/proc/{one}").exists() for one in begun))
