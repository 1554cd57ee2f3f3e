"""Logs as JSON lines on standard output: ours, and those of the server underneath."""

import logging
import sys
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

CUT_OFF = "ASGI callable returned without completing response."
"""What the server says of an answer whose end never came."""
_SHARED: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _render(_: object, __: str, event: Any) -> bytes:
    return orjson.dumps(event)


def open_log(level: str, file: BinaryIO | None = None) -> FilteringBoundLogger:
    """A logger that writes JSON lines of at least this level, by default to standard output."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(file or sys.stdout.buffer),
        processors=[*_SHARED, _render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=True,
    ).bind()
    return log


class New(logging.Filter):
    """Leaves out what our own lines have told: that an answer was cut off, and why."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line of the server's says more than ours."""
        return record.msg != CUT_OFF


def server_log_config(level: str) -> dict[str, Any]:
    """The logging configuration that makes the server's own lines look like ours."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ],
            }
        },
        "filters": {"new": {"()": New}},
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["new"],
                "stream": "ext://sys.stdout",
            }
        },
        # At debug the server would log addresses and headers as they come, so it stays at info.
        "loggers": {
            "uvicorn": {
                "handlers": ["stdout"],
                "level": "INFO" if level == "debug" else level.upper(),
                "propagate": False,
            }
        },
    }
