"""Billing on the test database, with a payment channel in memory."""

import pytest

from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.billing.service import BillingService
from backend.db.client import Database
from backend.security.fields import BlindIndex
from backend.security.keys import Keyring
from tests.backend.billing.till import Till
from tests.payment.memory import MemoryGateway


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture
def till(db: Database, keyring: Keyring) -> Till:
    gateway = MemoryGateway()
    chain = Chain(keyring)
    audit = AuditService(AuditStore(db, chain), chain)
    return Till(BillingService(db, [gateway], BlindIndex(keyring), audit), gateway, db)
