"""What every gateway stands on: the deadline of a call, its metric, its log line."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Histogram

from payment.ports import (
    DuplicateRequestError,
    PaymentError,
    RejectedError,
    RetryableError,
    ThrottledError,
    UnknownResultError,
)

logger = logging.getLogger(__name__)

CALL_SECONDS = Histogram(
    "payment_call_seconds",
    "Calls to payment channels by outcome.",
    ("gateway", "operation", "outcome"),
)

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
    gateway: str, operation: str, number: str, *, deadline_s: float, read: bool
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
        CALL_SECONDS.labels(gateway, operation, outcome).observe(seconds)
        logger.info(
            "payment call",
            extra={
                "gateway": gateway,
                "operation": operation,
                "number": number,
                "outcome": outcome,
                "code": code,
                "duration_ms": round(seconds * 1000),
            },
        )
