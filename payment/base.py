"""What every gateway stands on: the deadline of a call, its metric, its log line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from payment.ports import (
    DuplicateRequestError,
    PaymentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)

log = logging.getLogger(__name__)

# Told of every call: gateway, operation, outcome, seconds. The composition root makes it a metric.
Observer = Callable[[str, str, str, float], None]


def unobserved(_gateway: str, _operation: str, _outcome: str, _seconds: float) -> None:
    """The observer of who has no metrics."""


_OUTCOMES: tuple[tuple[type[PaymentError], str], ...] = (
    (ThrottledError, "throttled"),
    (RetryableError, "retryable"),
    (RejectedError, "rejected"),
    (DuplicateRequestError, "duplicate"),
    (UnknownResultError, "unknown"),
)


def outcome_of(error: PaymentError) -> str:
    """The metric label of an error."""
    return next((label for kind, label in _OUTCOMES if isinstance(error, kind)), "error")


@asynccontextmanager
async def observed_call(
    gateway: str, operation: str, number: str, *, deadline_s: float, read: bool, observe: Observer
) -> AsyncIterator[None]:
    """Time, bound and log one call. Past the deadline a read may simply be repeated; a write is unknown."""
    started = time.perf_counter()
    outcome, code = "ok", ""
    try:
        async with asyncio.timeout(deadline_s):
            yield
    except TimeoutError as error:
        outcome = "retryable" if read else "unknown"
        raise (RetryableError if read else UnknownResultError)("TIMEOUT", f"over {deadline_s} s") from error
    except PaymentError as error:
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
        observe(gateway, operation, outcome, seconds)
        log.info(
            "payment_call",
            extra={
                "gateway": gateway,
                "operation": operation,
                "number": number,
                "outcome": outcome,
                "code": code,
                "duration_ms": round(seconds * 1000),
            },
        )
