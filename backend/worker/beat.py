"""The beat's scheduler: Celery's own, which says in one line that the broker is away."""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import Scheduler, SchedulingError

log = logging.getLogger(__name__)


class CalmScheduler(Scheduler):
    """Celery writes two tracebacks for each entry that the broker does not take: several every second."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Ask for an entry's job; one that is not taken is asked for again when it is due the next time."""
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            reason = type(error.__context__ or error).__name__
            log.warning("broker_away", extra={"job": entry.name, "error": reason})
