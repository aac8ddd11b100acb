"""What a hospital says of a birth over HTTP, and what it is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from backend.births.models import Birth, BirthFacts, Parent
from backend.http.schema import Answer, Instant, Schema

_Name = Annotated[str, Field(min_length=1, max_length=50)]
_IDNumber = Annotated[str, Field(min_length=15, max_length=18)]


def _as_read(value: object) -> object:
    """Strict models read no text as an instant."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


class ParentIn(Schema):
    """A parent as the hospital has it."""

    name: _Name
    id_number: _IDNumber
    phone: str = Field("", max_length=20)


class BirthNotice(Schema):
    """What a hospital tells of a birth."""

    born_at: Annotated[AwareDatetime, BeforeValidator(_as_read)]
    sex: Literal["male", "female", "unknown"]
    weight_g: int = Field(ge=200, le=8000)
    length_cm: int | None = Field(None, ge=15, le=70)
    gestation_weeks: int | None = Field(None, ge=18, le=45)
    order: int = Field(1, ge=1, le=8)
    of: int = Field(1, ge=1, le=8)
    place: str = Field("", max_length=100)
    attendant: str = Field("", max_length=50)
    mother: ParentIn
    father: ParentIn | None = None


class VoidIn(Schema):
    """Why a notice is taken back."""

    reason: str = Field(min_length=1, max_length=200)


class NotedOut(Answer):
    """A notice as it is kept. `state` doubtful: it looks like another, and the city's staff will say."""

    id: str
    external_id: str
    state: Literal["noted", "doubtful", "duplicate", "void"]
    born_at: Instant
    updated_at: Instant


def facts_of(body: BirthNotice) -> BirthFacts:
    """A notice's facts."""
    return BirthFacts(
        born_at=body.born_at,
        sex=body.sex,
        weight_g=body.weight_g,
        length_cm=body.length_cm,
        gestation_weeks=body.gestation_weeks,
        order=body.order,
        of=body.of,
        place=body.place.strip(),
        attendant=body.attendant.strip(),
    )


def parent_of(given: ParentIn) -> Parent:
    """A parent as we keep him."""
    return Parent(given.name.strip(), given.id_number.strip().upper(), given.phone.strip())


def noted_out(birth: Birth) -> NotedOut:
    """To the hospital that noted it."""
    return NotedOut(
        id=birth.id,
        external_id=birth.external_id,
        state=birth.state.value,
        born_at=birth.facts.born_at,
        updated_at=birth.updated_at,
    )
