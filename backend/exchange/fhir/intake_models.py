"""What is to be written as it was asked for, and what has become of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from backend import exact_json
from backend.records.models import Outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to be written, as it was asked for.

    `id` is the id in the address; `criteria` the search of a conditional create or update; `local` that an id
    of the sender's own is taken as its name for the resource (in Bundles and files).
    """

    method: str
    type: str
    body: dict[str, Any]
    id: str = ""
    criteria: str = ""
    if_version: int | None = None
    full_url: str = ""
    where: str = ""
    local: bool = False
    # A name for a resource that comes without one, the same when the same is sent again.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """Where it lies now."""

    type: str
    id: str
    version: int
    outcome: Outcome


def content_key(body: dict[str, Any]) -> str:
    """A name for a resource without one: what it says."""
    return "content/" + hashlib.sha256(exact_json.dumps(body)).hexdigest()
