"""One person, one account: who owns a phone, an ID number or a WeChat account, whatever happens at once.

Every step here may be cut short by a crash or met by another request; the next one to come by finishes it.
"""

from __future__ import annotations

import asyncio
import secrets
from datetime import datetime, timedelta

from backend import clock
from backend.errors import AppError, ErrorCode, not_found
from backend.ids import new_id
from backend.permissions import Actor
from backend.residents.claim_ids import ClaimIds
from backend.residents.id_numbers import IDNumber
from backend.residents.models import (
    IDLE,
    Claim,
    Resident,
    ResidentState,
    Verifier,
    WeChatApp,
    WeChatBinding,
)
from backend.residents.store import ResidentStore
from backend.security.sessions import SessionService
from backend.worker.events import Event, EventKind

# Meeting another request in the middle of a step, we wait for it: steps are a few writes long.
_TRIES = 10
_STEP_S = 0.05
# A claim whose resident does not name it may be in the middle of a step for this long; then it is left over.
_LEFT_OVER_AFTER = timedelta(minutes=1)
_SEEN_EVERY = timedelta(days=1)
# A phone given for more people than this is a ward's or a village clinic's.
MOST_SHARING = 6


class Accounts:
    """Finds, makes, binds and moves accounts."""

    def __init__(self, store: ResidentStore, claim_ids: ClaimIds, sessions: SessionService) -> None:
        self._store = store
        self._ids = claim_ids
        self._sessions = sessions

    async def find(self, resident_id: str) -> Resident | None:
        """A person by id, in whatever state, at the end of every move."""
        found = await self._store.find(resident_id)
        return await self._settled(found) if found else None

    async def access_account(self, actor: Actor) -> Resident:
        """The actor's own account; UNAUTHENTICATED when it was deleted under a token that still lives."""
        resident = await self.find(actor.id) if actor.kind == "resident" else None
        if resident is None or resident.state is not ResidentState.ACCOUNT:
            raise AppError(ErrorCode.UNAUTHENTICATED, f"no account {actor.id}")
        return resident

    async def account_of_phone(self, phone: str) -> Resident:
        """The account of a proven phone, made at its first log-in."""
        keys = self._ids.of_phone(phone)
        for _ in range(_TRIES):
            claim = await self._claim(keys, new_id())
            made = await self._store.add_account(claim.resident_id, phone, claim.key)
            resident = await self._settled(made)
            if _holds(resident, claim) and resident.state is ResidentState.ACCOUNT:
                return resident
            await self._give_way(claim, resident)
        raise AppError(ErrorCode.UNAVAILABLE, "the phone's claim is being changed")

    async def find_account_of_phone(self, phone: str) -> Resident | None:
        """The account of a phone, if there is one; none is made."""
        claim = await self._store.find_claim(self._ids.of_phone(phone))
        resident = await self.find(claim.resident_id) if claim else None
        if resident is None or claim is None or not _holds(resident, claim):
            return None
        return resident if resident.state is ResidentState.ACCOUNT else None

    async def files_of_phone(self, phone: str) -> list[Resident]:
        """Those without an account who are told by this phone, the longest known first.

        Nobody when the phone was given too long ago, for it may be another's by now, or for so many people
        that it is a place's rather than a family's.
        """
        ids = await self._store.list_by_contact(self._ids.of_phone(phone), MOST_SHARING + 1)
        if len(ids) > MOST_SHARING:
            return []
        people = await self._store.find_many(ids)
        known = [people[each] for each in ids if each in people]
        return [each for each in known if each.contact_at and clock.now() - each.contact_at < IDLE]

    async def account_of_wechat(self, app_id: str, openid: str) -> Resident | None:
        """The account bound to a WeChat account, if any."""
        claim = await self._store.find_claim(self._ids.of_wechat(app_id, openid))
        if claim is None:
            return None
        resident = await self.find(claim.resident_id)
        if resident is not None and _holds(resident, claim):
            return resident
        await self._give_way(claim, resident)
        return None

    async def note_following(self, app_id: str, openid: str, *, follows: bool, at: datetime) -> None:
        """Somebody follows the official account, or has left it; nobody's openid changes nothing."""
        resident = await self.account_of_wechat(app_id, openid)
        bound = resident.wechat.get(WeChatApp.OA) if resident else None
        if resident is not None and bound is not None:
            await self._store.note_following(resident, bound.key, follows=follows, at=at)

    async def bind_wechat(self, resident: Resident, app: WeChatApp, app_id: str, openid: str) -> Resident:
        """Let a WeChat account sign in to an account whose phone its holder has just proved.

        The phone decides: another WeChat account that was bound before is let go, and its sessions end.
        """
        keys = self._ids.of_wechat(app_id, openid)
        for _ in range(_TRIES):
            claim = await self._claim(keys, resident.id)
            owner = resident if claim.resident_id == resident.id else await self.find(claim.resident_id)
            if owner is not None and owner.id != resident.id and _holds(owner, claim):
                # Bound to somebody else since this log-in began.
                raise AppError(ErrorCode.LOGIN_TICKET_INVALID, "openid bound meanwhile")
            if owner is None or owner.id != resident.id:
                await self._give_way(claim, owner)
                continue
            if _holds(resident, claim) or await self._rebind(resident, app, WeChatBinding(claim.key, openid)):
                return await self._reloaded(resident)
            resident = await self._reloaded(resident)
        raise AppError(ErrorCode.UNAVAILABLE, "the account is being changed")

    async def change_phone(self, resident: Resident, phone: str) -> Resident:
        """Move an account to another proven phone; PHONE_TAKEN when that belongs to another account."""
        keys = self._ids.of_phone(phone)
        for _ in range(_TRIES):
            claim = await self._claim(keys, resident.id)
            owner = resident if claim.resident_id == resident.id else await self.find(claim.resident_id)
            if owner is not None and owner.id != resident.id and _holds(owner, claim):
                raise AppError(ErrorCode.PHONE_TAKEN)
            if owner is None or owner.id != resident.id:
                await self._give_way(claim, owner)
            elif _holds(resident, claim):
                return resident
            elif await self._store.set_phone(resident, phone, claim.key):
                await self._store.drop_claims([resident.phone_key] if resident.phone_key else [], resident.id)
                return await self._reloaded(resident)
            else:
                resident = await self._reloaded(resident)
        raise AppError(ErrorCode.UNAVAILABLE, "the account is being changed")

    async def release_phone(self, resident: Resident) -> bool:
        """Give the phone back: it no longer signs in to this account. False when it has changed meanwhile."""
        if resident.phone is None or resident.phone_key is None:
            return False
        event = Event(EventKind.PHONE_RELEASED, {"resident_id": resident.id})
        if not await self._store.release_phone(resident, event):
            return False
        await self._store.drop_claims(self._ids.of_phone(resident.phone), resident.id)
        await self._sessions.end_all(resident.id, "phone released")
        return True

    async def note_seen(self, resident: Resident) -> None:
        """Remember that the holder is here: one write a day at most, for nobody needs it more exactly."""
        seen_at = resident.last_seen_at
        if seen_at is None or clock.now() - seen_at > _SEEN_EVERY:
            await self._store.set_seen(resident.id)

    async def file_of(
        self, name: str, number: IDNumber, verified_by: Verifier, phone: str | None = None
    ) -> Resident:
        """The person of an ID number, account or file, made if new. The name may turn out to be another."""
        keys = self._ids.of_id_number(number.text)
        index = self._ids.of_name(name)
        contact = (phone, self._ids.of_phone(phone)[0]) if phone else None
        for _ in range(_TRIES):
            claim = await self._claim(keys, new_id())
            made = await self._store.add_file(
                claim.resident_id, name, index, number, claim.key, verified_by, contact
            )
            person = await self._settled(made)
            if _holds(person, claim):
                return person
            await self._give_way(claim, person)
        raise AppError(ErrorCode.UNAVAILABLE, "the number's claim is being changed")

    async def take_identity(self, resident: Resident, name: str, number: IDNumber) -> Resident:
        """Make a verified person of an account; REAL_NAME_TAKEN when the number has another account.

        When hospitals or guardians know the person already, the account moves to that file, so that what
        they did for it is the person's own. The answer then has another id.
        """
        keys = self._ids.of_id_number(number.text)
        index = self._ids.of_name(name)
        for _ in range(_TRIES):
            claim = await self._claim(keys, resident.id)
            if claim.resident_id == resident.id:
                if await self._store.set_identity(resident, name, index, number, claim.key):
                    return await self._reloaded(resident)
                return self._same_or_conflict(await self._reloaded(resident), claim)
            owner = await self.find(claim.resident_id)
            if owner is None or not _holds(owner, claim):
                await self._give_way(claim, owner)
            elif owner.state is ResidentState.FILE:
                await self.correct_name(owner, name)
                moved = await self._move_to_file(resident, owner.id)
                if moved is not None:
                    return moved
            elif owner.taken_from == resident.id:
                return owner
            else:
                raise AppError(ErrorCode.REAL_NAME_TAKEN)
        raise AppError(ErrorCode.UNAVAILABLE, "the number's claim is being changed")

    async def set_contact(self, person: Resident, phone: str) -> None:
        """Where the person of a file is told from now on."""
        await self._store.set_file_phone(person.id, phone, self._ids.of_phone(phone)[0])

    async def correct_name(self, person: Resident, name: str) -> None:
        """Give a file the name that the register confirmed."""
        if person.state is ResidentState.FILE and not self.has_name(person, name):
            await self._store.correct_file(person.id, name, self._ids.of_name(name))

    def has_name(self, person: Resident, name: str) -> bool:
        """Whether this is the person's name, however its dots and spaces are written."""
        return person.name is not None and self._ids.of_name(person.name) == self._ids.of_name(name)

    async def _claim(self, keys: list[str], resident_id: str) -> Claim:
        """The claim on a thing, made if there is none.

        While the key of the blind index is being rotated a thing has several ids. Two processes that do not
        yet agree on the active one could both claim it: each looks again, and who sees the other gives way.
        """
        for _ in range(_TRIES):
            found = await self._store.find_claim(keys)
            if found is not None:
                return found
            claim = await self._store.claim(keys[0], resident_id)
            if len(keys) == 1 or claim.resident_id != resident_id:
                return claim
            if await self._store.find_claim(keys[1:]) is None:
                return claim
            await self._store.drop_claims([claim.key], resident_id)
            await asyncio.sleep(_STEP_S * secrets.randbelow(100) / 100)
        raise AppError(ErrorCode.UNAVAILABLE, "the claim is being changed")

    async def _rebind(self, resident: Resident, app: WeChatApp, binding: WeChatBinding) -> bool:
        bound, replaced = await self._store.swap_wechat(resident, app, binding)
        if replaced is not None:
            await self._store.drop_claims([replaced], resident.id)
            await self._sessions.end_all(resident.id, "another WeChat account signed in")
        return bound

    async def _give_way(self, claim: Claim, resident: Resident | None) -> None:
        """Free a claim that its resident does not name; wait when that may be about to change."""
        gone = resident is None or resident.state is ResidentState.DELETED
        if gone or claim.created_at < clock.now() - _LEFT_OVER_AFTER:
            await self._store.drop_claims([claim.key], claim.resident_id)
        else:
            await asyncio.sleep(_STEP_S)

    async def _reloaded(self, resident: Resident) -> Resident:
        found = await self.find(resident.id)
        if found is None:
            raise not_found(f"resident {resident.id}")
        return found

    def _same_or_conflict(self, resident: Resident, claim: Claim) -> Resident:
        """The same request a moment earlier is success; anything else that changed the account is not."""
        if resident.real_name and resident.id_key == claim.key:
            return resident
        raise AppError(ErrorCode.CONFLICT, "the account was verified with another number meanwhile")

    # -- moving ----------------------------------------------------------------------------------------

    async def _settled(self, resident: Resident) -> Resident:
        """The person where the signposts lead; a move that was cut short is finished on the way."""
        if resident.state is ResidentState.ACCOUNT and resident.merging_into is not None:
            moved = await self._finish_move(resident, resident.merging_into)
            return moved or await self._store.find(resident.id) or resident
        if resident.state is ResidentState.MERGED and resident.merged_into is not None:
            return await self._store.find(resident.merged_into) or resident
        return resident

    async def _move_to_file(self, account: Resident, file_id: str) -> Resident | None:
        if not await self._store.begin_merge(account.id, file_id):
            return None
        # Read again: from here on nothing more is bound to the old account.
        marked = await self._store.find(account.id)
        return await self._finish_move(marked or account, file_id)

    async def _finish_move(self, account: Resident, file_id: str) -> Resident | None:
        """Take the file, leave a signpost, bring the claims. None when somebody else has the file."""
        taken = await self._store.take_file(account, file_id)
        person = await self._store.find(file_id)
        if person is None or (not taken and person.taken_from != account.id):
            await self._store.abandon_merge(account.id)
            return None
        # The signpost first: claims that still name the old account are then led on by it.
        await self._store.end_merge(account.id, file_id)
        await self._store.move_claims(account.keys, account.id, file_id)
        # Tokens in use name the old id; the next refresh names the new one.
        await self._sessions.renew_all(account.id)
        return person


def _holds(resident: Resident | None, claim: Claim) -> bool:
    return resident is not None and claim.key in resident.keys
