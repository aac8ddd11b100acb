"""What lets anybody check a printout: a secret that stands on it as a QR, and what it said. Pure.

The secret is random, kept sealed with the filing, and means nothing without it: nobody can make one, and no
key has to be kept for as long as a paper lasts.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import orjson

_TOKEN = re.compile(r"([0-9A-Z]{26})([0-9a-f]{32})")
# Of one step; whoever prints the same again gets the same.
MOST = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one printout: its secret, and the mark of what stood on it."""

    secret: str = field(repr=False)
    digest: str
    made_at: datetime


def digest_of(child_name: str, results: Mapping[str, str]) -> str:
    """The mark of what a printout says: another name or another number, another mark."""
    return hashlib.sha256(orjson.dumps([child_name, sorted(results.items())])).hexdigest()


def new_proof(digest: str, now: datetime) -> Proof:
    """A proof that nobody can guess."""
    return Proof(secrets.token_hex(16), digest, now)


def token_of(filing_id: str, proof: Proof) -> str:
    """What stands in the QR's address."""
    return filing_id + proof.secret


def read_token(token: str) -> tuple[str, str] | None:
    """The filing's id and the secret; None for what could not be a token."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def is_of(proof: Proof, secret: str) -> bool:
    """Whether it is this proof's secret."""
    return hmac.compare_digest(proof.secret.encode(), secret.encode())
