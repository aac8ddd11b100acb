"""The directory's service on a real database."""

import pytest

from backend.db.client import Database
from backend.directory.service import DirectoryService
from backend.directory.store import DirectoryStore


@pytest.fixture
def directory(db: Database) -> DirectoryService:
    return DirectoryService(DirectoryStore(db))
