"""Structured logs: one JSON object a line, with the request id, redacted in one place."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

import orjson
from pydantic import ValidationError

from backend import clock, context
from backend.security.redaction import redact, redact_fields

log = logging.getLogger(__name__)

# What a LogRecord has anyway; everything else came in by `extra`.
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
# Our own log texts are English: Chinese in a log line is somebody's name, address or words.
_CHINESE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+(?:[·•][\u3400-\u9fff]+)*")
_LONGEST_MESSAGE = 2_000
# These speak of every connection and every URL.
NOISY = ("httpx", "httpcore", "pymongo", "urllib3")
# These speak of every task that comes, ends well or is asked for: several lines a second of nothing new.
ROUTINE = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


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
            "event": _plain(_message(record)),
        }
        current = context.request_id()
        if current:
            line["request_id"] = current
        given = {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        line |= {name: value for name, value in _safe(given).items() if name not in line}
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = redact(told(record.exc_info[1]))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _safe(given: dict[str, Any]) -> dict[str, Any]:
    safe: dict[str, Any] = _without_chinese(redact_fields(given))
    return safe


def told(error: BaseException, seen: frozenset[int] = frozenset()) -> str:
    """An exception with those it came from: where, of what kind, and what of its words may be written."""
    seen |= {id(error)}
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{told(earlier, seen)}\n" if earlier is not None and id(earlier) not in seen else ""
    where = "".join(traceback.format_tb(error.__traceback__))
    inner = "".join(f"\n  with {told(each, seen)}" for each in getattr(error, "exceptions", ()))
    return f"{before}{where}{type(error).__module__}.{type(error).__qualname__}: {_words(error)}{inner}"


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        # A wrong number of arguments: the logging module itself would print them all as they are.
        return str(record.msg)


def _words(error: BaseException) -> str:
    if isinstance(error, ValidationError):
        # pydantic repeats what it was given, which may be anything about anybody.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in problems)
    try:
        return _plain(str(error)[:_LONGEST_MESSAGE])
    except Exception:
        return "[no words]"


def _plain(text: str) -> str:
    return _CHINESE.sub("[text]", redact(text))


def _without_chinese(value: Any) -> Any:
    if isinstance(value, str):
        return _CHINESE.sub("[text]", value)
    if isinstance(value, dict):
        return {_without_chinese(name): _without_chinese(each) for name, each in value.items()}
    return [_without_chinese(each) for each in value] if isinstance(value, list) else value


def configure_logging(process: str, level: str = "INFO") -> None:
    """Send everything to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    # What nobody caught goes the same way: the interpreter itself would print it as it is.
    sys.excepthook = _crashed
    threading.excepthook = lambda crash: _crashed(crash.exc_type, crash.exc_value, crash.exc_traceback)
    for noisy in NOISY if level == "DEBUG" else NOISY + ROUTINE:
        logging.getLogger(noisy).setLevel("WARNING")


def _crashed(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("crashed", exc_info=error or kind())
