"""Links between residents and the patients they act for. A place among the six is claimed by insert."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum, auto

from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.residents.models import LinkBasis, LinkState, PatientLink, Relation
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, embedded, pushed

LINKS = "patient_links"
declare_sealed(LINKS, "consent_until")


class Placing(Enum):
    """What became of an attempt to take a place."""

    DONE = auto()
    PLACE_TAKEN = auto()
    PATIENT_LINKED = auto()


class PatientLinkStore:
    """Reads and writes `patient_links`. Ended links stay, without the date, as a record of who acted when."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._links = db.collection(LINKS)
        self._cipher = cipher

    async def place(self, link: PatientLink, event: Event) -> Placing:
        """Insert the link at its position; the unique indexes decide."""
        consent = link.consent_until
        at = clock.now()
        doc: Document = {
            "_id": link.id,
            "guardian_id": link.guardian_id,
            "patient_id": link.patient_id,
            "position": link.position,
            "relation": link.relation,
            "state": link.state,
            "basis": link.basis,
            "live": True,
            # The eighteenth birthday is a date of birth: sealed like one.
            "consent_until": self._seal(link.id, consent) if consent else None,
            "created_at": at,
            "updated_at": at,
        }
        try:
            await self._links.insert_one(doc | embedded(event))
        except DuplicateKeyError as error:
            taken = (error.details or {}).get("keyPattern", {})
            return Placing.PLACE_TAKEN if "position" in taken else Placing.PATIENT_LINKED
        return Placing.DONE

    async def find_link(self, guardian_id: str, patient_id: str) -> PatientLink | None:
        """The live link between two people."""
        doc = await self._links.find_one({"guardian_id": guardian_id, "patient_id": patient_id, "live": True})
        return self._link(doc) if doc else None

    async def list_of_guardian(self, guardian_id: str) -> list[PatientLink]:
        """Whom somebody acts for, in order of their places."""
        docs = self._links.find({"guardian_id": guardian_id, "live": True}).sort("position", 1)
        return [self._link(doc) async for doc in docs]

    async def list_of_patient(self, patient_id: str) -> list[PatientLink]:
        """Who acts, or asks to act, for somebody, newest first."""
        docs = self._links.find({"patient_id": patient_id, "live": True}).sort("_id", -1)
        return [self._link(doc) async for doc in docs]

    async def last_ended_at(self, patient_id: str) -> datetime | None:
        """When the last of somebody's links ended."""
        query = {"patient_id": patient_id, "live": False}
        doc = await self._links.find_one(query, {"ended_at": 1}, sort=[("ended_at", -1)])
        return doc.get("ended_at") if doc else None

    async def find_of_patient(self, link_id: str, patient_id: str) -> PatientLink | None:
        """A live link, if it is this patient's."""
        doc = await self._links.find_one({"_id": link_id, "patient_id": patient_id, "live": True})
        return self._link(doc) if doc else None

    async def accept(self, link: PatientLink, event: Event, basis: LinkBasis = LinkBasis.ACCEPTED) -> bool:
        """The patient agrees: from now on there is no day on which consent runs out."""
        change = pushed(event)
        change["$set"] |= {
            "state": LinkState.ACTIVE,
            "basis": basis,
            "consent_until": None,
            "updated_at": clock.now(),
        }
        result = await self._links.update_one(_live(link), change)
        return result.matched_count == 1

    async def lapse(self, link: PatientLink, event: Event) -> None:
        """The child has come of age: the link waits for his own consent, unless he has just given it."""
        change = pushed(event)
        change["$set"] |= {
            "state": LinkState.PENDING,
            "basis": LinkBasis.NONE,
            "consent_until": None,
            "updated_at": clock.now(),
        }
        stale = {"state": LinkState.ACTIVE, "basis": link.basis}
        await self._links.update_one(_live(link) | stale, change)

    async def end(self, link: PatientLink, ended_by: str, event: Event) -> bool:
        """End a link with its event; false when it has ended already."""
        at = clock.now()
        change = pushed(event)
        change["$set"] |= {
            "live": False,
            "state": LinkState.REVOKED,
            "consent_until": None,
            "ended_by": ended_by,
            "ended_at": at,
            "updated_at": at,
        }
        result = await self._links.update_one(_live(link), change)
        return result.matched_count == 1

    def _seal(self, link_id: str, on: date) -> Document:
        return self._cipher.seal(LINKS, "consent_until", link_id, on.isoformat())

    def _link(self, doc: Document) -> PatientLink:
        sealed = doc.get("consent_until")
        consent = self._cipher.open(LINKS, "consent_until", doc["_id"], sealed) if sealed else None
        return PatientLink(
            id=doc["_id"],
            guardian_id=doc["guardian_id"],
            patient_id=doc["patient_id"],
            position=doc["position"],
            relation=Relation(doc["relation"]),
            state=LinkState(doc["state"]),
            basis=LinkBasis(doc["basis"]),
            created_at=doc["created_at"],
            consent_until=date.fromisoformat(consent) if consent else None,
        )


def _live(link: PatientLink) -> Document:
    return {"_id": link.id, "guardian_id": link.guardian_id, "live": True}
