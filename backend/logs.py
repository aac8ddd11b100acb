"""Structured logs: one JSON object a line, with the request id, redacted in one place."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import orjson

from backend import clock, context
from backend.security.redaction import redact

# What a LogRecord has anyway; everything else came in by `extra`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """Event name, fields and request id as JSON; personal data and secrets never pass."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": clock.now(),
            "level": record.levelname,
            "process": self._process,
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        current = context.request_id()
        if current:
            line["request_id"] = current
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = redact(value) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            line["traceback"] = redact("".join(traceback.format_exception(*record.exc_info)))
        return orjson.dumps(line, default=str).decode()


def configure_logging(process: str, level: str = "INFO") -> None:
    """Send everything to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These two speak of every connection and every URL.
    for noisy in ("httpx", "httpcore", "pymongo", "urllib3"):
        logging.getLogger(noisy).setLevel("WARNING")
