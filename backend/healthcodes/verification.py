"""Verification for terminals: whose code it is, whether it may serve this step, what the step is told."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from backend import clock
from backend.errors import AppError, ErrorCode
from backend.healthcodes.cards import Cards
from backend.healthcodes.codes import HealthCodes, ReadCode, ReadDynamic, ReadPhone, ReadStatic
from backend.healthcodes.identity_reader import IdentityReader
from backend.healthcodes.models import (
    LASTING_KINDS,
    UNPROVEN_KINDS,
    CodeKind,
    Presented,
    SecondFactor,
    Terminal,
    Told,
    Use,
    Verified,
)
from backend.healthcodes.national import ID_CARD, NationalCode, NationalKind, read_expiry
from backend.healthcodes.ports import Clients, Identity, Limiter, Residents, Sessions
from backend.healthcodes.steps import STEPS, Step, Tell
from backend.healthcodes.store import HealthCodeStore
from backend.ids import new_id
from backend.permissions import Actor
from backend.residents.id_numbers import age_on
from backend.security.keys import Keyring
from backend.security.lasting import declare_lapse
from backend.security.masking import mask_id_number, mask_name
from backend.worker.events import Event, EventKind

# The operator of one terminal may scan twice.
SAME_TERMINAL_S = 30
# National codes are good for minutes; one that claims to be good for longer is not believed.
_LONGEST_NATIONAL = timedelta(hours=24)
declare_lapse("national_protection", "national dynamic codes", _LONGEST_NATIONAL)


class Verification:
    """Verifies codes that terminals scan while they are online."""

    def __init__(
        self,
        store: HealthCodeStore,
        codes: HealthCodes,
        *,
        keyring: Keyring,
        cards: Cards,
        residents: Residents,
        clients: Clients,
        sessions: Sessions,
        limiter: Limiter,
    ) -> None:
        self._store = store
        self._codes = codes
        self._keyring = keyring
        self._cards = cards
        self._identities = IdentityReader(residents)
        self._clients = clients
        self._sessions = sessions
        self._limiter = limiter

    async def verify(
        self, actor: Actor, text: str, step_code: str, factor: SecondFactor | None = None
    ) -> Verified:
        """Use a code up for one step at one terminal, and tell that step what it needs to know.

        Raises one of the CODE_* errors; FORBIDDEN when the terminal has no business with the step.
        """
        at = clock.now()
        step = get_step(step_code)
        terminal = await self.access_terminal(actor, step)
        code = self._codes.read(text, at)
        if _kind(code) in LASTING_KINDS and not step.low_risk:
            raise AppError(ErrorCode.CODE_NOT_ALLOWED_FOR_STEP, f"step {step.code}")
        presented = await self._recognise(code, terminal, step, at)
        identity = await self.get_identity(presented.patient_id)
        if presented.kind in UNPROVEN_KINDS:
            await self._check_second_factor(identity, factor)
        use = new_use(presented, terminal, step, at)
        earlier = await self._store.claim(use, used_event(use))
        if earlier is not None:
            await self._check_repeated(earlier, use)
        return Verified(earlier or use, step, tell(step, identity), repeated=earlier is not None)

    async def access_terminal(self, actor: Actor, step: Step) -> Terminal:
        """The terminal that asks, if it may ask for this step. Hospitals' own systems may for every step."""
        organization_id = next(iter(actor.organization_ids or ()), None)
        if organization_id is None:
            raise AppError(ErrorCode.FORBIDDEN, "a terminal without an institution")
        if actor.kind == "client":
            return Terminal(actor.id, organization_id, None)
        client = await self._clients.find_client(actor.id)
        if client is None or not client.active or client.terminal_kind is None:
            raise AppError(ErrorCode.FORBIDDEN, f"no terminal {actor.id}")
        if client.terminal_kind not in step.terminals:
            raise AppError(ErrorCode.FORBIDDEN, f"step {step.code} at a {client.terminal_kind} terminal")
        return Terminal(actor.id, organization_id, client.terminal_kind)

    async def get_identity(self, patient_id: str) -> Identity:
        """Who the patient of a code is. Raises CODE_REVOKED when the account is gone."""
        return await self._identities.get(patient_id)

    # -- whose code it is ------------------------------------------------------------------------------

    async def _recognise(self, code: ReadCode, terminal: Terminal, step: Step, at: datetime) -> Presented:
        if isinstance(code, ReadDynamic):
            return Presented(CodeKind.DYNAMIC, code.patient_id, code.claim_key)
        if isinstance(code, ReadPhone):
            return await self._recognise_phone(code, at)
        # A lasting code is used anew each time; only the same terminal's second scan counts as the same use.
        occasion = f"{terminal.id}:{step.code}:{int(at.timestamp()) // SAME_TERMINAL_S}"
        if isinstance(code, ReadStatic):
            return await self._recognise_static(code, occasion)
        return await self._recognise_national(code, occasion, at)

    async def _recognise_phone(self, code: ReadPhone, at: datetime) -> Presented:
        device = await self._store.find_device(code.pseudo_id)
        if device is None or not code.made_with(device.secret):
            raise AppError(ErrorCode.CODE_FORGED)
        if device.expires_at <= at:
            raise AppError(ErrorCode.CODE_EXPIRED, "the phone has not been online for too long")
        if device.revoked_at is not None or not await self._sessions.is_open(device.session_id):
            raise AppError(ErrorCode.CODE_REVOKED, "the phone is signed out or its patient was taken away")
        return Presented(CodeKind.PHONE, device.patient_id, code.claim_key)

    async def _recognise_static(self, code: ReadStatic, occasion: str) -> Presented:
        printed = await self._store.find_static(code.code_hash)
        if printed is None:
            raise AppError(ErrorCode.CODE_FORGED, "no such printed code")
        if printed.revoked_at is not None:
            raise AppError(ErrorCode.CODE_REVOKED, f"printed code {printed.id}")
        return Presented(CodeKind.STATIC, printed.patient_id, f"s:{printed.id}:{occasion}")

    async def _recognise_national(self, code: NationalCode, occasion: str, at: datetime) -> Presented:
        if code.expiry_field is not None:
            self._check_national_expiry(code.expiry_field, at)
        patient_id = await self._store.find_patient_by_card(self._cards.candidates(code.card_id))
        if patient_id is None:
            raise AppError(ErrorCode.CODE_WRONG_CITY, "a national card that is not ours")
        if code.expiry_field is None:
            return Presented(CodeKind.NATIONAL_STATIC, patient_id, f"ns:{patient_id}:{occasion}")
        digest = hashlib.sha256(f"{code.card_id}:{code.expiry_field}".encode()).hexdigest()[:32]
        return Presented(CodeKind.NATIONAL_DYNAMIC, patient_id, f"nd:{digest}")

    def _check_national_expiry(self, field: str, at: datetime) -> None:
        tried = (read_expiry(key.secret, field) for key in self._keyring.all("national_protection"))
        expires_at = next((found for found in tried if found is not None), None)
        if expires_at is None or expires_at > at + _LONGEST_NATIONAL:
            raise AppError(ErrorCode.CODE_FORGED, "the expiry is not encrypted with our key")
        if expires_at <= at:
            raise AppError(ErrorCode.CODE_EXPIRED)

    # -- whether it may be used ------------------------------------------------------------------------

    async def _check_second_factor(self, identity: Identity, factor: SecondFactor | None) -> None:
        if factor is None or (factor.id_last4 is None and factor.birth_year is None):
            raise AppError(ErrorCode.CODE_SECOND_FACTOR, data={"needs": ["id_last4", "birth_year"]})
        # Four digits can be guessed by trying: so few tries, for the patient, whatever the terminal.
        await self._limiter.take("second_factor", identity.id)
        right = True
        if factor.id_last4 is not None:
            given, known = factor.id_last4.upper().encode(), identity.id_number[-4:].upper().encode()
            right = hmac.compare_digest(given, known)
        if factor.birth_year is not None:
            right = right and factor.birth_year == identity.birth_on.year
        if not right:
            raise AppError(ErrorCode.CODE_SECOND_FACTOR, "wrong", data={"needs": ["id_last4", "birth_year"]})

    async def _check_repeated(self, earlier: Use, use: Use) -> None:
        """The same terminal's second scan is the same use; anything else is a replay."""
        same_terminal = earlier.terminal_id == use.terminal_id
        recent = abs(use.at - earlier.at) <= timedelta(seconds=SAME_TERMINAL_S)
        if same_terminal and recent and earlier.step == use.step:
            return
        if not same_terminal:
            await self._store.flag(earlier, use, replayed_event(earlier, use))
        raise AppError(ErrorCode.CODE_REPLAYED, f"use {earlier.id}")


def get_step(code: str) -> Step:
    """The step of a code. Raises BAD_REQUEST."""
    step = STEPS.get(code)
    if step is None:
        raise AppError(ErrorCode.BAD_REQUEST, data={"fields": [{"field": "step", "problem": "unknown"}]})
    return step


def new_use(
    presented: Presented,
    terminal: Terminal,
    step: Step,
    at: datetime,
    *,
    uploaded_at: datetime | None = None,
) -> Use:
    """A use of a code that has been understood, not yet claimed."""
    return Use(
        claim_key=presented.claim_key,
        id=new_id(),
        patient_id=presented.patient_id,
        terminal_id=terminal.id,
        organization_id=terminal.organization_id,
        step=step.code,
        kind=presented.kind,
        at=at,
        offline=uploaded_at is not None,
        uploaded_at=uploaded_at,
    )


def used_event(use: Use) -> Event:
    """What the resident is told and the audit keeps: a code was used."""
    return Event(EventKind.CODE_USED, _event_data(use, use.id, flagged="no"))


def replayed_event(earlier: Use, use: Use) -> Event:
    """A code that had been used was shown again at another terminal; the event names that terminal."""
    return Event(EventKind.CODE_USED, _event_data(use, earlier.id, flagged="yes"))


def _event_data(use: Use, use_id: str, *, flagged: str) -> dict[str, str]:
    return {
        "use_id": use_id,
        "patient_id": use.patient_id,
        "terminal_id": use.terminal_id,
        "organization_id": use.organization_id,
        "step": use.step,
        "kind": str(use.kind),
        "offline": "yes" if use.offline else "no",
        "flagged": flagged,
    }


def tell(step: Step, identity: Identity) -> Told:
    """What a step is told about a patient: what its table says, and nothing else."""
    tells = step.tells
    whole_number, masked_number = Tell.ID_NUMBER in tells, Tell.MASKED_ID_NUMBER in tells
    number = identity.id_number if whole_number else mask_id_number(identity.id_number)
    name = identity.name if Tell.NAME in tells else mask_name(identity.name)
    return Told(
        patient_id=identity.id,
        name=name if tells & {Tell.NAME, Tell.MASKED_NAME} else None,
        id_type=ID_CARD if whole_number else None,
        id_number=number if whole_number or masked_number else None,
        sex=identity.sex if Tell.SEX in tells else None,
        birth_on=identity.birth_on if Tell.BIRTH_ON in tells else None,
        age=age_on(identity.birth_on, clock.today()) if Tell.AGE in tells else None,
        phone=identity.phone if Tell.PHONE in tells else None,
    )


def _kind(code: ReadCode) -> CodeKind:
    if isinstance(code, ReadDynamic):
        return CodeKind.DYNAMIC
    if isinstance(code, ReadPhone):
        return CodeKind.PHONE
    if isinstance(code, ReadStatic):
        return CodeKind.STATIC
    return CodeKind.NATIONAL_STATIC if code.kind is NationalKind.STATIC else CodeKind.NATIONAL_DYNAMIC
