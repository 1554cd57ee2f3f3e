"""Responses assessed in a process of their own: nothing could interrupt that here, and requests would have to wait."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock

from api.batch.responses import AssessedLine
from api.envelope import describe_failure
from api.fhir.lines import make_line_assessor, name_columns
from rules.definitions import Model

PATIENT = 10
"""How nice the process is."""
IDLE = 60.0
"""Seconds without work after which the process ends; it is started again when there is some."""
PATIENCE = 120.0
"""Seconds that lines may take, of which some hundred come at a time; then the process hangs and is ended."""
Lines = Sequence[tuple[int, bytes]]


class AsideFailed(Exception):
    """The process could not assess some lines; where, and what kind of failure, without their content."""


class AsideAssessor:
    """Has responses assessed by a process of its own, one after the other, whoever asks."""

    def __init__(self, model: Model) -> None:
        """Nothing is started before there is something to do."""
        self.header: Sequence[str] = name_columns(model)
        self._model = model
        self._lock = Lock()
        self._begun: tuple[SpawnProcess, Connection] | None = None
        self._is_closed = False

    def assess_all(self, lines: Lines) -> Sequence[AssessedLine]:
        """What comes of lines, each with its number.

        Raises:
            AsideFailed: when the process fails at them, or ends.
        """
        with self._lock:
            for is_last in (False, True):
                try:
                    answer = self._ask(lines)
                    break
                except (EOFError, OSError):  # it ended for want of work just now, or was ended
                    self._end()
                    if is_last:
                        raise AsideFailed("the process ended") from None
        if isinstance(answer, dict):
            raise AsideFailed(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        self._is_closed = True
        self._end()  # without the lock: somebody may be waiting for an answer that does not come

    def _ask(self, lines: Lines) -> Sequence[AssessedLine] | dict[str, object]:
        if self._is_closed:
            raise EOFError
        if self._begun is None:
            self._begun = self._begin()
        _, connection = self._begun
        connection.send(lines)
        if not connection.poll(PATIENCE):
            self._end()
            raise AsideFailed("the process hung")
        answer: Sequence[AssessedLine] | dict[str, object] = connection.recv()
        return answer

    def _begin(self) -> tuple[SpawnProcess, Connection]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        with theirs:
            process = context.Process(target=answer_all, args=(theirs, self._model), daemon=True)
            process.start()
        return process, ours

    def _end(self) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            process, connection = begun
            process.kill()  # it keeps nothing
            process.join()
            connection.close()


def answer_all(connection: Connection, model: Model) -> None:
    """Assess what comes until nothing does, or whoever asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks ends this one
    os.nice(PATIENT)
    assessor = make_line_assessor(model)
    with suppress(EOFError, OSError), connection:
        while connection.poll(IDLE):
            lines = connection.recv()
            try:
                answer: object = assessor.assess_all(lines)
            except Exception as failure:  # noqa: BLE001  # what it says may hold an answer
                answer = describe_failure(failure)
            connection.send(answer)
