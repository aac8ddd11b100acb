"""How the patient index's parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Callable

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.patient_index.comparing import Comparing
from backend.patient_index.desk import IndexDesk
from backend.patient_index.indexes import Indexes
from backend.patient_index.linking import Linking
from backend.patient_index.numbers import Numbers
from backend.patient_index.ports import Residents
from backend.patient_index.reindexing import ChartIndexes
from backend.patient_index.review_store import ReviewStore
from backend.patient_index.service import PatientIndex
from backend.patient_index.store import ChartStore
from backend.security.fields import BlindIndex, FieldCipher

EVENT_SOURCES = ("charts",)


def make_patient_index(
    db: Database,
    *,
    cipher: FieldCipher,
    blind: BlindIndex,
    residents: Residents,
    audit: AuditService,
    nudge: Callable[[], None],
) -> PatientIndex:
    """The service and its parts."""
    indexes = Indexes(blind)
    store, reviews = ChartStore(db, cipher, indexes), ReviewStore(db, cipher)
    linking = Linking(store, nudge)
    return PatientIndex(
        store,
        Numbers(residents),
        linking,
        Comparing(store, reviews),
        reviews,
        IndexDesk(store, reviews, linking, residents, audit),
        ChartIndexes(store, indexes),
        residents,
        nudge,
    )
