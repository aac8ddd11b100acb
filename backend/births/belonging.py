"""Whose a filing is. Pure."""

from __future__ import annotations

from backend.births.machine import FilingState
from backend.births.models import Birth, Filing

# While nothing has come of a filing, the hospital may still correct whose child it is.
UNFILED = (FilingState.DRAFT, FilingState.WITHDRAWN, FilingState.EXPIRED, FilingState.REJECTED)


def is_parents(filing: Filing, birth: Birth, person_id: str) -> bool:
    """Whether it is somebody's own: not of who was only taken for a parent when it was opened."""
    if person_id not in filing.parent_ids:
        return False
    if filing.state not in UNFILED or person_id in birth.parent_ids:
        return True
    # Whom the mother has named, where the hospital knows of nobody.
    named = filing.submitted_at is not None and birth.other is None
    return named and birth.mother.person_id in filing.parent_ids
