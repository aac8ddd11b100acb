"""What the keys of the ring have left in the database, declared beside each store: a rotation follows it.

A store that seals fields says where they are; one that hashes with a key of the ring and keeps the key's id
says where that stands; what is not kept for long says for how long. `healthycity keys drop` asks all three
before it forgets a key, and the re-sealing job (resealing.py) goes through the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from backend.security.key_file import Use


@dataclass(frozen=True)
class SealedFields:
    """A collection's sealed fields: where each stands in a document, and the name it was sealed under."""

    collection: str
    names: Mapping[str, str]


class KeptKid(NamedTuple):
    """Documents of this collection carry, at this path, the id of the key they were made with."""

    use: Use
    collection: str
    path: str
    what: str


class Lapse(NamedTuple):
    """What a key of this use has made is of no use any more so long after the key was replaced."""

    use: Use
    what: str
    after: timedelta


# Filled where the stores are written, when they are imported.
SEALED: dict[str, SealedFields] = {}
KEPT_KIDS: list[KeptKid] = []
LAPSES: list[Lapse] = []


def declare_sealed(collection: str, *plain: str, **named: str) -> SealedFields:
    """Say where a collection's sealed fields stand.

    `plain` ones are sealed under the name of their path; `named` give a path, its dots as double underscores,
    and the name that it is sealed under.
    """
    deeper = {path.replace("__", "."): name for path, name in named.items()}
    SEALED[collection] = declared = SealedFields(collection, {field: field for field in plain} | deeper)
    return declared


def declare_kid(use: Use, collection: str, path: str, what: str) -> None:
    """Say where the id of a key stands beside something that cannot be made anew with another."""
    KEPT_KIDS.append(KeptKid(use, collection, path, what))


def declare_lapse(use: Use, what: str, after: timedelta) -> None:
    """Say how long something made with a key is still asked for."""
    LAPSES.append(Lapse(use, what, after))


def longest_lapse(use: Use) -> Lapse:
    """What lives longest of all that a key of this use makes."""
    return max(
        (lapse for lapse in LAPSES if lapse.use == use),
        key=lambda lapse: lapse.after,
        default=Lapse(use, "nothing", timedelta(0)),
    )


def is_declared(collection: str, field: str) -> bool:
    """Whether a collection has said that it seals a field of this name."""
    declared = SEALED.get(collection)
    return declared is not None and field in declared.names.values()
