"""Ids of resources: the owner's id, a dash, its own. The same business key always makes the same id."""

from __future__ import annotations

from backend.ids import ID_LENGTH, is_id, named_id, new_id


def resource_id(owner: str, type: str, business_key: str) -> str:
    """The id that a resource of this owner has, by the name its sender gives it."""
    return f"{owner}-{named_id(owner, type, business_key)}"


def fresh_resource_id(owner: str) -> str:
    """The id of a resource that its sender has no name for."""
    return f"{owner}-{new_id()}"


def owner_of(id: str) -> str:
    """Whose resource it is, by its id alone: also what the store would be sharded by."""
    return id[:ID_LENGTH]


def is_resource_id(text: str) -> bool:
    """Whether `text` has the form of a resource's id. A Patient is called like its chart."""
    if is_id(text):
        return True
    owner, _, own = text.partition("-")
    return is_id(owner) and is_id(own)
