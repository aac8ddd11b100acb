"""Endpoints about the process itself: alive, ready, metrics, API description, public configuration."""

from __future__ import annotations

import asyncio

import orjson

from backend import metrics
from backend.db import migrate
from backend.http.base import BaseHandler


class HealthHandler(BaseHandler):
    """The process answers: that is all it says."""

    def get(self) -> None:
        """200 as long as the event loop turns."""
        self.finish({"status": "ok"})


class ReadyHandler(BaseHandler):
    """Whether every part this process needs is there."""

    async def get(self) -> None:
        """200 when ready, else 503 with the parts that are missing."""
        missing = await missing_parts(self)
        self.set_status(503 if missing else 200)
        self.finish({"status": "missing" if missing else "ok", "missing": missing})


async def missing_parts(handler: BaseHandler) -> list[str]:
    """Names of the parts that do not answer: `database`, `migrations`, `broker`, `closing`."""
    missing = ["closing"] if handler.city.closing else []
    try:
        async with asyncio.timeout(3):
            await handler.city.db.ping()
            if await migrate.pending(handler.city.db):
                missing.append("migrations")
    except Exception:
        missing.append("database")
    try:
        async with asyncio.timeout(3):
            await asyncio.to_thread(handler.city.check_broker)
    except Exception:
        missing.append("broker")
    return missing


class MetricsHandler(BaseHandler):
    """Prometheus text. The reverse proxy keeps it from the outside (docs/going-live.md)."""

    def get(self) -> None:
        """Every metric of this machine's processes."""
        content_type, body = metrics.exposition()
        self.set_header("Content-Type", content_type)
        self.finish(body)


class OpenAPIHandler(BaseHandler):
    """The API description."""

    def get(self) -> None:
        """OpenAPI 3.1 as JSON."""
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "max-age=60")
        self.finish(orjson.dumps(self.application.settings["openapi"]))
