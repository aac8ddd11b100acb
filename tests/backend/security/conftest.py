"""The parts of signing in, on a real database."""

from dataclasses import dataclass

import pytest

from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.security.keys import Keyring
from backend.security.refresh import RefreshTokens
from backend.security.revocations import RevocationList
from backend.security.sessions import SessionService
from backend.security.store import SessionStore
from backend.security.tokens import TokenIssuer


@dataclass
class SigningIn:
    """Everything one process has for sessions and tokens."""

    keyring: Keyring
    store: SessionStore
    revocations: RevocationList
    issuer: TokenIssuer
    sessions: SessionService


def signing_in(db, keyring) -> SigningIn:
    store = SessionStore(db)
    revocations = RevocationList(store)
    issuer = TokenIssuer(keyring, revocations)
    sessions = SessionService(store, issuer, revocations, RefreshTokens(keyring))
    return SigningIn(keyring, store, revocations, issuer, sessions)


@pytest.fixture
def process(db) -> SigningIn:
    return signing_in(db, Keyring.generate())


@pytest.fixture
def resident() -> Actor:
    return Actor(kind="resident", id=new_id(), role=Role.RESIDENT, channel="h5", real_name=True)
