"""The Celery shell: tasks carry ids, and hand over to the same async services the web uses.

One event loop and one database client per worker process, opened when the worker starts. The pool is threads
that wait on that loop, so one process runs many jobs at once; more processes are more workers.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import setup_logging, worker_init, worker_shutdown
from kombu.exceptions import OperationalError

from backend.bootstrap import PERIODIC_JOBS, City, Services, open_city
from backend.db.failures import is_away
from backend.settings import Settings, load_settings
from backend.worker.broker import use_patient_redis
from backend.worker.outbox import CHUNK

log = logging.getLogger(__name__)

QUEUE_URGENT = "urgent"
QUEUE_DEFAULT = "default"
# Said at every loss of the broker, about the choice made in `make_celery`.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)


def make_celery(settings: Settings) -> Celery:
    """The Celery application for a broker."""
    use_patient_redis()
    app = Celery("healthycity", broker=settings.broker_url.get_secret_value() or "memory://")
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=4,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        # For ever: by default a worker gives up, and ends, when a broker is away for an hour.
        broker_connection_max_retries=None,
        broker_transport_options={"visibility_timeout": 120, "unacked_restore_throttle": 1},
        task_default_queue=QUEUE_DEFAULT,
        task_serializer="json",
        accept_content=["json"],
        timezone="UTC",
        beat_schedule=_beat_schedule(),
        beat_scheduler="backend.worker.beat:CalmScheduler",  # In memory: the truth is in the database.
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


def check_broker(app: Celery | None = None) -> None:
    """Raise when the broker does not answer: this process's, unless another application is given."""
    with (app or celery).connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=2)


def _city_loop() -> Loop:
    if _loop is None:
        raise RuntimeError("the worker has not been initialised")
    return _loop


@setup_logging.connect
def _leave_logging_alone(**_: object) -> None:
    """Whoever starts us has set it up; that somebody listens here keeps Celery from doing it its own way."""


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
    relayed, ids = _call("outbox.sweep", lambda services: _sweep_once(services.outbox)) or (0, [])
    try:
        for start in range(0, len(ids), CHUNK):
            run_outbox_jobs.apply_async((ids[start : start + CHUNK],))
        if relayed or ids:
            publish_sweep()
    except OperationalError as error:
        # What was not handed out is handed out again when its lease has ended.
        log.warning("broker_away", extra={"job": "outbox.sweep", "error": type(error.__cause__).__name__})


async def _sweep_once(outbox: Any) -> tuple[int, list[str]]:
    return await outbox.relay(), await outbox.take_due()


@celery.task(name="outbox.run")
def run_outbox_jobs(job_ids: list[str]) -> None:
    """Run queued jobs by id; a job that somebody else runs is left alone."""
    _call("outbox.run", lambda services: services.outbox.run_many(job_ids))


@celery.task(name="periodic.run")
def run_periodic(name: str) -> None:
    """Run one periodic job by name."""
    job = next((job for job in PERIODIC_JOBS if job.name == name), None)
    if job is None:
        log.warning("unknown_periodic_job", extra={"job": name})
        return
    _call(name, job.run)


def _call(name: str, work: Callable[[Services], Awaitable[Any]]) -> Any:
    """Do a task's work in the city's loop. While the database is away a line will do: the beat asks again."""
    loop = _city_loop()
    try:
        return loop.call(work(loop.city.services))
    except Exception as error:
        if not is_away(error):
            raise
        log.warning("database_away", extra={"job": name, "error": type(error).__name__})
        return None
