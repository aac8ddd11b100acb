"""What a hospital's system says in headers of who sits at the screen, and what for."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from backend.records.models import Purpose
from backend.records.sharing_models import Asked


def read_asked(headers: Mapping[str, str]) -> Asked:
    """X-Practitioner, X-Purpose, X-Encounter and X-Reason. Raises ValueError for a purpose that is none."""
    return Asked(
        purpose=Purpose(headers.get("X-Purpose", Purpose.TREAT).strip().upper()),
        practitioner=unquote(headers.get("X-Practitioner", "")).strip()[:100],
        encounter=unquote(headers.get("X-Encounter", "")).strip()[:100],
        reason=unquote(headers.get("X-Reason", "")).strip()[:500],
    )
