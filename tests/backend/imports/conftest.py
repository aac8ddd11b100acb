"""The import's service on a real database."""

from dataclasses import dataclass

import pytest

from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore
from backend.imports.bulk_publish import ImportService
from backend.imports.store import FeedStore
from backend.security.fields import FieldCipher
from backend.security.keys import Keyring
from backend.slotpool.claims_store import ClaimStore
from backend.slotpool.schedules import ScheduleService
from backend.slotpool.schedules_store import ScheduleStore
from backend.slotpool.withdrawals import Withdrawals


@dataclass
class Importing:
    """What an import works with."""

    imports: ImportService
    directory: DirectoryService
    schedules: ScheduleService


@pytest.fixture
def importing(db: Database) -> Importing:
    directory = DirectoryService(DirectoryStore(db))
    claims = ClaimStore(db, FieldCipher(Keyring.generate()))
    chain = Chain(Keyring.generate())
    audit = AuditService(AuditStore(db, chain), chain)
    schedules = ScheduleService(ScheduleStore(db), directory, Withdrawals(claims), audit)
    return Importing(ImportService(directory, schedules, FeedStore(db)), directory, schedules)
