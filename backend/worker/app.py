"""The Celery shell: tasks carry ids, and hand over to the same async services the web uses.

One event loop and one database client per worker process, opened when the worker starts. The pool is threads
that wait on that loop, so one process runs many jobs at once; more processes are more workers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_shutdown

from backend import logs
from backend.bootstrap import PERIODIC_JOBS, City, open_city
from backend.settings import Settings, load_settings

log = logging.getLogger(__name__)

QUEUE_URGENT = "urgent"
QUEUE_DEFAULT = "default"
CHUNK = 10  # jobs per task: the broker's cost is shared, and they run side by side


def make_celery(settings: Settings) -> Celery:
    """The Celery application for a broker."""
    app = Celery("healthycity", broker=settings.broker_url.get_secret_value() or "memory://")
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=4,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"visibility_timeout": 120, "unacked_restore_throttle": 1},
        task_default_queue=QUEUE_DEFAULT,
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        beat_schedule=_beat_schedule(),
        beat_scheduler="celery.beat:Scheduler",  # In memory: what must happen is in the database.
    )
    return app


def _beat_schedule() -> dict[str, Any]:
    sweep = {"task": "outbox.sweep", "schedule": 1.0, "options": {"expires": 5, "queue": QUEUE_URGENT}}
    return {"outbox.sweep": sweep} | {
        job.name: {
            "task": "periodic.run",
            "schedule": job.every_s,
            "args": (job.name,),
            "options": {"expires": max(job.every_s, 2.0), "queue": QUEUE_DEFAULT},
        }
        for job in PERIODIC_JOBS
    }


class Loop:
    """The worker's event loop in a thread of its own, with the city opened in it."""

    def __init__(self, settings: Settings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="city", daemon=True)
        self._thread.start()
        self.city: City = self.call(open_city(settings, process="worker", publish=publish_sweep))

    def call(self, work: Awaitable[Any]) -> Any:
        """Run a coroutine in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(_as_coroutine(work), self._loop).result()

    def close(self) -> None:
        """Close the city and stop the loop."""
        self.call(self.city.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)


async def _as_coroutine(work: Awaitable[Any]) -> Any:
    return await work


celery = make_celery(load_settings())
_loop: Loop | None = None


def publish_sweep() -> None:
    """Ask for a sweep now. Expires quickly: the beat asks every second anyway."""
    celery.send_task("outbox.sweep", queue=QUEUE_URGENT, expires=5, retry=False)


def check_broker() -> None:
    """Raise when the broker does not answer."""
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=2)


def _city_loop() -> Loop:
    if _loop is None:
        raise RuntimeError("the worker has not been initialised")
    return _loop


@setup_logging.connect
def _set_up_logging(**_: object) -> None:
    logs.configure_logging("worker", load_settings().log_level)


@worker_init.connect
def _open(**_: object) -> None:
    global _loop
    _loop = Loop(load_settings())


@worker_shutdown.connect
def _close(**_: object) -> None:
    if _loop is not None:
        _loop.close()


@celery.task(name="outbox.sweep")
def sweep_outbox() -> None:
    """Relay events and hand due jobs to the workers, until none is due."""
    loop = _city_loop()
    outbox = loop.city.services.outbox
    relayed, ids = loop.call(_sweep_once(outbox))
    for start in range(0, len(ids), CHUNK):
        run_outbox_jobs.apply_async((ids[start : start + CHUNK],))
    if relayed or ids:
        publish_sweep()


async def _sweep_once(outbox: Any) -> tuple[int, list[str]]:
    return await outbox.relay(), await outbox.take_due()


@celery.task(name="outbox.run")
def run_outbox_jobs(job_ids: list[str]) -> None:
    """Run queued jobs by id; a job that somebody else runs is left alone."""
    loop = _city_loop()
    loop.call(loop.city.services.outbox.run_many(job_ids))


@celery.task(name="periodic.run")
def run_periodic(name: str) -> None:
    """Run one periodic job by name."""
    loop = _city_loop()
    job = next((job for job in PERIODIC_JOBS if job.name == name), None)
    if job is None:
        log.warning("unknown_periodic_job", extra={"job": name})
        return
    loop.call(job.run(loop.city.services))
