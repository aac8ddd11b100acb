"""A staff service on the test database.

staff     the service, with its sign-in
audit     the audit log it writes to
wait      moves the service's clock on, instead of sleeping
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from backend import clock
from backend.audit.chain import Chain
from backend.audit.service import AuditService
from backend.audit.store import AuditStore
from backend.db.client import Database
from backend.security.fields import FieldCipher
from backend.security.keys import Keyring
from backend.security.limits import RateLimiter
from backend.staff.service import StaffService
from backend.staff.sign_in import SignIn
from backend.staff.store import StaffStore

Wait = Callable[[timedelta], None]


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring.generate()


@pytest.fixture
def audit(db: Database, keyring: Keyring) -> AuditService:
    chain = Chain(keyring)
    return AuditService(AuditStore(db, chain), chain)


@pytest.fixture
def staff(db: Database, keyring: Keyring, audit: AuditService) -> StaffService:
    store = StaffStore(db, FieldCipher(keyring), keyring)
    return StaffService(store, audit, SignIn(store, audit, RateLimiter(keyring)), "健康城市")


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    real = clock.now
    moved = timedelta()

    def now() -> datetime:
        return real() + moved

    def forward(by: timedelta) -> None:
        nonlocal moved
        moved += by

    monkeypatch.setattr(clock, "now", now)
    return forward
