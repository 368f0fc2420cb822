"""Logs: to standard error, for people on a terminal and as lines of JSON elsewhere.

Tracebacks never show the values of variables, among which secrets are (P8).
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger


def configure(process: str) -> None:
    """Set up the logs of this process; `process` is what its lines say they come from."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[*_common(process), *_renderers()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)


def _common(process: str) -> list[Processor]:
    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
    ]


def _renderers() -> list[Processor]:
    if sys.stderr.isatty():
        return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=repr)]


class _ToStructlog(logging.Handler):
    """Hands on what libraries say through the standard library's logging."""

    def emit(self, record: logging.LogRecord) -> None:
        logger: Any = structlog.get_logger()
        logger.log(record.levelno, "library", logger=record.name, message=record.getMessage(), exc_info=record.exc_info)
