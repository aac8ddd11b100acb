"""How the health code area is put together; `backend/bootstrap.py` calls this."""

from __future__ import annotations

from backend.db.client import Database
from backend.healthcodes.cards import Cards
from backend.healthcodes.code_keys import CodeKeys
from backend.healthcodes.codes import HealthCodes
from backend.healthcodes.forgetting import Forgetting, Retention
from backend.healthcodes.ports import Audit, Clients, Limiter, Organizations, Patients, Residents, Sessions
from backend.healthcodes.service import HealthCodeService
from backend.healthcodes.store import HealthCodeStore
from backend.healthcodes.verification import Verification
from backend.security.fields import BlindIndex, FieldCipher
from backend.security.keys import Keyring

# The collections whose documents embed events.
EVENT_SOURCES = ("code_uses",)


def make_health_codes(
    db: Database,
    *,
    city_code: str,
    keyring: Keyring,
    cipher: FieldCipher,
    blind: BlindIndex,
    residents: Residents,
    patients: Patients,
    clients: Clients,
    organizations: Organizations,
    sessions: Sessions,
    limiter: Limiter,
    audit: Audit,
    retention: Retention,
) -> HealthCodeService:
    """Put the area together."""
    store = HealthCodeStore(db, cipher)
    keys = CodeKeys(keyring)
    codes = HealthCodes(keys, city_code)
    cards = Cards(keyring, blind)
    verification = Verification(
        store,
        codes,
        keyring=keyring,
        cards=cards,
        residents=residents,
        clients=clients,
        sessions=sessions,
        limiter=limiter,
    )
    return HealthCodeService(
        store,
        codes,
        keys,
        city_code=city_code,
        cards=cards,
        residents=residents,
        patients=patients,
        clients=clients,
        organizations=organizations,
        audit=audit,
        verification=verification,
        forgetting=Forgetting(store, retention),
    )
