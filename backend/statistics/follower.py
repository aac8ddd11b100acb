"""Counts what the audit log says: readings of records, and among them look-ups of reports."""

from __future__ import annotations

from collections.abc import Iterable

from backend import clock
from backend.audit.models import AuditEntry
from backend.statistics.models import NOWHERE, Fact, Measure
from backend.statistics.ports import Journal
from backend.statistics.store import StatisticsStore

READ = "records.read"
# A report is opened by reading it; lists and what hangs on it are searched for.
_OPENED = "read"
_REPORT, _REPORT_KINDS = "DiagnosticReport", {"lab", "imaging"}
BATCH = 500


class AuditFollower:
    """Goes on in each stream from where it was: the place and the counters change together."""

    def __init__(self, store: StatisticsStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def run(self, batches: int = 40) -> int:
        """Periodic: count what has been written since; returns how many entries were gone through."""
        done = 0
        for stream in await self._journal.streams():
            while batches:
                batches -= 1
                gone = await self._step(stream)
                done += gone
                if gone < BATCH:
                    break
        return done

    async def _step(self, stream: str) -> int:
        cursor = f"audit:{stream}"
        reached = await self._store.reached(cursor)
        entries = await self._journal.after(stream, reached, BATCH)
        if not entries:
            return 0
        counted = await self._store.follow(cursor, reached, entries[-1].number, of_entries(entries))
        return len(entries) if counted else 0


def of_entries(entries: Iterable[AuditEntry]) -> list[Fact]:
    """What entries of the log add. Pure."""
    return [fact for entry in entries if entry.action == READ for fact in _of_reading(entry)]


def _of_reading(entry: AuditEntry) -> list[Fact]:
    on, place = clock.civil_date(entry.at), entry.organization_id or NOWHERE
    basis = str(entry.data.get("basis") or "")
    found = [Fact(on, place, Measure.RECORD_ACCESS, extra=basis)]
    if entry.data.get("way") == _OPENED and _is_report(entry):
        found.append(Fact(on, place, Measure.REPORT_LOOKUP, extra=basis))
    return found


def _is_report(entry: AuditEntry) -> bool:
    """What was read; entries of before said of which kind it was, and not of which type."""
    if "types" in entry.data:
        return _REPORT in entry.data["types"]
    kinds = set(entry.data.get("found") or ())
    return bool(kinds) and kinds <= _REPORT_KINDS
