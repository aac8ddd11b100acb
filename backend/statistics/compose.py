"""How the figures' parts are put together; the composition root calls this."""

from __future__ import annotations

from backend.db.client import Database
from backend.statistics.backfill import Backfill
from backend.statistics.board import BoardReading, Places
from backend.statistics.edition_store import EditionStore
from backend.statistics.facts import Facts
from backend.statistics.follower import AuditFollower
from backend.statistics.gauges import Gauges
from backend.statistics.kpi import KPIService
from backend.statistics.kpi_store import KPIStore
from backend.statistics.models import Claims, Orders
from backend.statistics.open_data import OpenData
from backend.statistics.ports import Above, AuditLog
from backend.statistics.raw_store import RawStore
from backend.statistics.recount import Recount
from backend.statistics.service import Parts, StatisticsService
from backend.statistics.store import StatisticsStore
from backend.statistics.subjects import Subjects


def make_statistics(
    db: Database, *, claims: Claims, orders: Orders, places: Places, audit: AuditLog
) -> StatisticsService:
    """The service. What the areas above know is put into `above` once they exist."""
    store, above = StatisticsStore(db), Above()
    raw, board = RawStore(db), BoardReading(store, places, above)
    recount = Recount(store, raw, above)
    parts = Parts(
        above,
        Subjects(store, above),
        AuditFollower(store, audit),
        Gauges(store, above),
        recount,
        Backfill(store, raw, recount, above),
        OpenData(board, places, EditionStore(db), store, raw),
        KPIService(KPIStore(db), board, places, audit),
    )
    return StatisticsService(store, Facts(claims, orders), board, parts)
