"""The health code as residents have it: shown, carried offline, printed, revoked, and the log of its uses."""

from __future__ import annotations

import asyncio
import io
import os
from collections import OrderedDict
from datetime import timedelta

import segno

from backend import clock
from backend.clock import city_instant
from backend.errors import AppError, ErrorCode, not_found
from backend.healthcodes.cards import Cards
from backend.healthcodes.code_keys import CodeKeys
from backend.healthcodes.codes import (
    PHONE_SECRET_BYTES,
    PSEUDO_ID_BYTES,
    DynamicCode,
    HealthCodes,
    make_static_code,
)
from backend.healthcodes.forgetting import Forgetting
from backend.healthcodes.models import MOST_STATIC_CODES, PhoneDevice, SeenUse, StaticCode
from backend.healthcodes.ports import Audit, Clients, Identity, Organizations, Patients, Residents
from backend.healthcodes.reindexing import CardIndexes
from backend.healthcodes.store import HealthCodeStore
from backend.healthcodes.uploads import OfflineUploads
from backend.healthcodes.verification import Verification
from backend.ids import new_id
from backend.permissions import Actor, Role
from backend.worker.events import Event

# How many patients' cards a process remembers to have stored.
_KNOWN_CARDS = 50_000
_UNKNOWN_TERMINAL = "已停用的终端"


class HealthCodeService:
    """Makes codes for residents. What terminals do is `verification` and `uploads`."""

    def __init__(
        self,
        store: HealthCodeStore,
        codes: HealthCodes,
        keys: CodeKeys,
        *,
        city_code: str,
        cards: Cards,
        residents: Residents,
        patients: Patients,
        clients: Clients,
        organizations: Organizations,
        audit: Audit,
        verification: Verification,
        forgetting: Forgetting,
    ) -> None:
        self.verification = verification
        self.forgetting = forgetting
        self.card_indexes = CardIndexes(store, cards, residents)
        self.uploads = OfflineUploads(store, codes, verification)
        self._store = store
        self._codes = codes
        self._keys = keys
        self._city_code = city_code
        self._cards = cards
        self._residents = residents
        self._patients = patients
        self._clients = clients
        self._organizations = organizations
        self._audit = audit
        self._with_card: OrderedDict[str, None] = OrderedDict()

    # -- codes -----------------------------------------------------------------------------------------

    async def make_dynamic(self, actor: Actor, patient_id: str) -> DynamicCode:
        """Make the code that is shown on the screen for a minute."""
        await self._residents.access_patient(actor, patient_id)
        await self._ensure_card(patient_id)
        return self._codes.make_dynamic(patient_id, clock.now())

    async def get_phone_device(self, actor: Actor, patient_id: str) -> PhoneDevice:
        """What a phone needs to make codes by itself: anew every day, good until the end of the next one."""
        await self._residents.access_patient(actor, patient_id)
        today = clock.today()
        device = await self._store.find_device_of(actor.session_id, patient_id, today)
        if device is not None:
            return device
        await self._ensure_card(patient_id)
        device = PhoneDevice(
            pseudo_id=os.urandom(PSEUDO_ID_BYTES).hex(),
            patient_id=patient_id,
            resident_id=actor.id,
            session_id=actor.session_id,
            on=today,
            secret=os.urandom(PHONE_SECRET_BYTES),
            created_at=clock.now(),
            expires_at=city_instant(today + timedelta(days=2), 0),
        )
        await self._store.add_device(device)
        return device

    async def revoke_phone_devices(self, actor: Actor, patient_id: str) -> None:
        """Put every phone on which the actor carries this patient's offline code out of force."""
        await self._residents.access_patient(actor, patient_id)
        await self._store.revoke_devices(patient_id, actor.id, clock.now())

    async def make_static(self, actor: Actor, patient_id: str, request_key: str | None = None) -> StaticCode:
        """Make a code to be printed; the same `request_key` gets the same one. CONFLICT at the limit."""
        await self._residents.access_patient(actor, patient_id)
        scoped_key = f"{actor.id}:{request_key}" if request_key else None
        in_force = await self._store.list_static([patient_id])
        earlier = next((c for c in in_force if scoped_key is not None and c.request_key == scoped_key), None)
        if earlier is not None:
            return earlier
        if len(in_force) >= MOST_STATIC_CODES:
            raise AppError(ErrorCode.CONFLICT, text=f"每人最多{MOST_STATIC_CODES}张打印码，请先停用一张。")
        await self._ensure_card(patient_id)
        text, code_hash = make_static_code()
        code = await self._store.add_static(
            StaticCode(
                id=new_id(),
                patient_id=patient_id,
                resident_id=actor.id,
                code_hash=code_hash,
                text=text,
                created_at=clock.now(),
                request_key=scoped_key,
            )
        )
        await self._record(actor, "health_code.print", code)
        return code

    async def list_static(self, actor: Actor) -> list[StaticCode]:
        """The printed codes in force of everybody the actor acts for."""
        return await self._store.list_static(await self._patient_ids(actor))

    async def revoke_static(self, actor: Actor, code_id: str) -> None:
        """Put a printed code out of force; a second time changes nothing. Another's code is NOT_FOUND."""
        code = await self._store.find_static_by_id(code_id, await self._patient_ids(actor))
        if code is None:
            raise not_found("printed code")
        await self._store.revoke_static(code, clock.now())
        await self._audit.record(
            actor,
            "health_code.revoke",
            f"patient/{code.patient_id}",
            "own request",
            None,
            {"code_id": code.id},
        )

    # -- what became of them ---------------------------------------------------------------------------

    async def list_uses(
        self, actor: Actor, limit: int, cursor: str | None
    ) -> tuple[list[SeenUse], str | None]:
        """Every use of the codes of whom the actor acts for, newest first, and the next page's cursor."""
        uses = await self._store.list_uses(await self._patient_ids(actor), limit + 1, cursor)
        page = uses[:limit]
        organizations = await self._organizations.organizations_by_id({use.organization_id for use in page})
        terminals = await self._terminal_names({use.terminal_id for use in page})
        seen = [
            SeenUse(
                use,
                organizations[use.organization_id].name if use.organization_id in organizations else "",
                terminals[use.terminal_id],
            )
            for use in page
        ]
        return seen, page[-1].id if len(uses) > limit else None

    def key_list(self) -> dict[str, object]:
        """The signed list of public keys that terminals download for offline verification."""
        return self._keys.key_list(self._city_code, clock.now())

    # -- events ----------------------------------------------------------------------------------------

    async def on_code_used(self, event: Event) -> None:
        """Keep in the audit log who was told about whom, and why."""
        data = event.data
        terminal = Actor("terminal", data["terminal_id"], Role.TERMINAL, frozenset({data["organization_id"]}))
        await self._audit.record(
            terminal,
            "health_code.replay" if data["flagged"] == "yes" else "health_code.verify",
            f"patient/{data['patient_id']}",
            f"care step {data['step']}",
            data["organization_id"],
            {"use_id": data["use_id"], "kind": data["kind"], "offline": data["offline"]},
        )

    async def on_resident_verified(self, event: Event) -> None:
        """From now on the person is recognised by the national code as well."""
        await self._save_card(event.data["resident_id"])

    async def on_patient_linked(self, event: Event) -> None:
        """So is a patient whose name and number the register has confirmed."""
        await self._save_card(event.data["patient_id"])

    async def on_patient_unlinked(self, event: Event) -> None:
        """A guardian who no longer acts for a patient carries none of his codes any more."""
        await self._store.revoke_of_guardian(event.data["patient_id"], event.data["guardian_id"], clock.now())

    async def on_resident_deleted(self, event: Event) -> None:
        """Nothing of a deleted person opens any door."""
        await self._store.revoke_of_patient(event.data["resident_id"], clock.now())
        await self._store.delete_card(event.data["resident_id"])
        self._with_card.pop(event.data["resident_id"], None)

    async def drained(self) -> None:
        """Return when nothing is waiting to be written; for shutdown."""
        await self._store.drained()

    # -- within ----------------------------------------------------------------------------------------

    async def _record(self, actor: Actor, action: str, code: StaticCode) -> None:
        subject = f"patient/{code.patient_id}"
        await self._audit.record(actor, action, subject, "own request", None, {"code_id": code.id})

    async def _patient_ids(self, actor: Actor) -> list[str]:
        patients = await self._patients.list_patients(actor)
        return [patient.id for patient in patients if patient.state == "active"]

    async def _terminal_names(self, terminal_ids: set[str]) -> dict[str, str]:
        ids = sorted(terminal_ids)
        clients = await asyncio.gather(*(self._clients.find_client(terminal_id) for terminal_id in ids))
        return {
            terminal_id: client.name if client else _UNKNOWN_TERMINAL
            for terminal_id, client in zip(ids, clients, strict=True)
        }

    async def _ensure_card(self, patient_id: str) -> None:
        """See to it that the patient is recognised when he shows the national code instead of ours."""
        if patient_id in self._with_card:
            return
        await self._keep_card(patient_id, await self._residents.get_identity(patient_id))
        if len(self._with_card) >= _KNOWN_CARDS:
            self._with_card.popitem(last=False)
        self._with_card[patient_id] = None

    async def _save_card(self, patient_id: str) -> None:
        """Nothing for a person who is gone meanwhile."""
        person = (await self._residents.identities([patient_id])).get(patient_id)
        if person is not None:
            await self._keep_card(patient_id, person)

    async def _keep_card(self, patient_id: str, person: Identity) -> None:
        """Nothing for a person whose papers fit no national card."""
        index = self._cards.index_of(person)
        if index is not None:
            await self._store.save_card(patient_id, index, clock.now())


def svg_of(text: str) -> str:
    """A code as an SVG for print, with the quiet zone that scanners need."""
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="svg", scale=8, border=4, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()
