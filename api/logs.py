"""Logs as JSON lines on standard output: ours, and those of the server underneath."""

import logging
import sys
from typing import Any, BinaryIO

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

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
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "formatter": "json",
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
