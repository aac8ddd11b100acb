"""How the patient index's parts are put together; the composition root calls this."""

from __future__ import annotations

from collections.abc import Callable

from backend.audit.service import AuditService
from backend.db.client import Database
from backend.patient_index.indexes import Indexes
from backend.patient_index.linking import Linking
from backend.patient_index.numbers import Numbers
from backend.patient_index.ports import Residents
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
    store = ChartStore(db, cipher, Indexes(blind))
    return PatientIndex(store, Numbers(residents), Linking(store, nudge), residents, audit, nudge)
