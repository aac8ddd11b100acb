"""The long-running processes: web, worker, beat; mllp is in listening.py."""

import logging
import os
from collections.abc import Callable

from backend import logs, metrics
from backend.commands.city import plain_failures, read_settings
from backend.commands.material import app_problems, key_problems
from backend.commands.terminal import CommandError
from backend.security.key_source import open_city_keyring
from backend.security.keys import KeyringError
from backend.settings import Settings
from backend.settings_checks import production_problems

log = logging.getLogger(__name__)


def serve(port: int | None, processes: int) -> None:
    """Run the web server until it is asked to stop."""
    from backend.app import open_app
    from backend.http.server import serve as serve_http

    settings = checked(read_settings(), app_problems)
    logs.configure_logging("web", settings.log_level)
    with plain_failures():
        serve_http(
            lambda: open_app(settings),
            host=settings.web_host,
            port=port or settings.web_port,
            processes=processes,
            grace_s=settings.shutdown_grace_s,
            max_body_bytes=settings.max_body_bytes,
        )


def work(concurrency: int, queues: str, metrics_port: int | None) -> None:
    """Run a worker until it is asked to stop."""
    settings = checked(read_settings())
    serve_metrics(settings, metrics_port)
    logs.configure_logging("worker", settings.log_level)
    from backend.worker.app import celery

    celery.worker_main(
        [
            *(
                "--quiet",
                "worker",
                "--pool",
                "threads",
                "--concurrency",
                str(concurrency),
                "--queues",
                queues,
            ),
            *("--hostname", f"worker-{os.getpid()}@%h", "--loglevel", settings.log_level),
            *("--without-gossip", "--without-mingle"),
        ]
    )


def beat(metrics_port: int | None) -> None:
    """Run the clock of the periodic jobs until it is asked to stop."""
    settings = checked(read_settings())
    serve_metrics(settings, metrics_port)
    logs.configure_logging("beat", settings.log_level)
    from backend.worker.app import celery

    log.info("ticking", extra={"jobs": len(celery.conf.beat_schedule)})
    celery.start(["--quiet", "beat", "--loglevel", settings.log_level, "--pidfile", ""])


def serve_metrics(settings: Settings, given: int | None) -> None:
    """Answer `/metrics` on the port given, or on that of the settings."""
    port = settings.metrics_port if given is None else given
    if not port:
        return
    try:
        metrics.serve(settings.metrics_host, port)
    except OSError as error:
        raise CommandError(
            f"METRICS_HOST and METRICS_PORT: {settings.metrics_host}:{port} cannot be listened on "
            f"({error.strerror}): give each worker and beat of a machine a port of its own by --metrics-port."
        ) from None


def checked(settings: Settings, more: Callable[[Settings], list[str]] = lambda _: []) -> Settings:
    """Stop here, with all problems at once, rather than half-way into serving."""
    problems = production_problems(settings) + key_problems(settings) if settings.is_production else []
    problems += more(settings) if settings.is_production else []
    for name in ("mongodb_uri", "broker_url"):
        if not settings.is_production and not getattr(settings, name).get_secret_value():
            problems.append(f"{name.upper()} is missing.")
    try:
        open_city_keyring(settings)
    except KeyringError as error:
        problems.append(f"The key ring cannot be used: {error}.")
    if problems:
        raise CommandError(*problems)
    return settings
