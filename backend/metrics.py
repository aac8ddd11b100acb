"""Every Prometheus metric of the house, named in one place; labels come from small fixed sets."""

from __future__ import annotations

import functools
import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)

LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

HTTP_REQUESTS = Histogram(
    "healthycity_http_request_seconds", "Time to answer.", ["route", "method", "status"], buckets=LATENCIES
)
ERRORS_TOTAL = Counter("healthycity_errors_total", "Errors answered, by code.", ["code"])
CLAIMS_TOTAL = Counter("healthycity_claims_total", "Attempts to claim a slot.", ["outcome"])
# Finding a child by its labels costs more than counting on it: on the hot path the found ones are kept.
http_requests = functools.lru_cache(maxsize=2048)(HTTP_REQUESTS.labels)
claims_total = functools.lru_cache(maxsize=64)(CLAIMS_TOTAL.labels)
OUTBOX_RUNS = Counter("healthycity_outbox_runs_total", "Outbox jobs run.", ["subscriber", "outcome"])
OUTBOX_DUE = Gauge("healthycity_outbox_due", "Outbox jobs waiting.", multiprocess_mode="mostrecent")
OUTBOX_FAILED = Gauge("healthycity_outbox_failed", "Outbox jobs given up.", multiprocess_mode="mostrecent")
OUTSIDE_CALLS = Histogram(
    "healthycity_outside_call_seconds", "Calls to other systems.", ["system", "call", "outcome"]
)
MESSAGES_REFUSED = Counter(
    "healthycity_messages_refused_total", "Messages whose facts were not of their type.", ["kind"]
)
RATE_LIMITED = Counter("healthycity_rate_limited_total", "Requests refused by a limit.", ["bucket"])


def exposition() -> tuple[str, bytes]:
    """Content type and body of `/metrics`, over all processes of this machine when there are several."""
    return CONTENT_TYPE_LATEST, generate_latest(_registry())


def serve(host: str, port: int) -> None:
    """Answer `/metrics` in a thread until the process ends: for those that are no web server.

    Raises OSError when somebody else has the port.
    """
    start_http_server(port, addr=host, registry=_registry())


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return registry
