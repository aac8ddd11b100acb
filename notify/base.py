"""What every provider's adapter stands on: the deadline of a call, its metric, its log line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from notify.ports import (
    DuplicateRequestError,
    NotifyError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)

log = logging.getLogger(__name__)

# Told of every call: provider, operation, outcome, seconds. The composition root makes it a metric.
Observer = Callable[[str, str, str, float], None]


def unobserved(_provider: str, _operation: str, _outcome: str, _seconds: float) -> None:
    """The observer of who has no metrics."""


_OUTCOMES: tuple[tuple[type[NotifyError], str], ...] = (
    (ThrottledError, "throttled"),
    (RetryableError, "retryable"),
    (RejectedError, "rejected"),
    (DuplicateRequestError, "duplicate"),
    (UnknownResultError, "unknown"),
)


def outcome_of(error: NotifyError) -> str:
    """The metric label of an error."""
    return next((label for kind, label in _OUTCOMES if isinstance(error, kind)), "error")


def doubt(*, read: bool) -> type[NotifyError]:
    """What a broken conversation means: a read may be repeated, a write may have happened."""
    return RetryableError if read else UnknownResultError


@asynccontextmanager
async def observed_call(
    provider: str, operation: str, *, deadline_s: float, read: bool, observe: Observer
) -> AsyncIterator[None]:
    """Time, bound and log one call. Neither recipient nor text is logged."""
    started = time.perf_counter()
    outcome, code = "ok", ""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError as error:
        outcome = "retryable" if read else "unknown"
        raise doubt(read=read)("TIMEOUT", f"over {deadline_s} s") from error
    except NotifyError as error:
        outcome, code = outcome_of(error), error.code
        raise
    except asyncio.CancelledError:
        outcome = "cancelled"
        raise
    except Exception:
        outcome = "error"
        raise
    finally:
        seconds = time.perf_counter() - started
        observe(provider, operation, outcome, seconds)
        log.info(
            "notify_call",
            extra={
                "provider": provider,
                "operation": operation,
                "outcome": outcome,
                "code": code,
                "duration_ms": round(seconds * 1000),
            },
        )
