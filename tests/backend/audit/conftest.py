"""An audit service on the test database."""

import pytest

from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.security.keys import Keyring


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture
def audit(db: Database, keyring: Keyring) -> AuditService:
    chain = Chain(keyring)
    return AuditService(AuditStore(db, chain), chain)
