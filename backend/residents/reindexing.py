"""After a rotation of the blind-index key: every person's claims and indexes made with the new key.

A claim's `_id` is a blind index and cannot be changed: the new claim is added, the person switched to it, and
the old one removed. Whatever step a crash follows, the next pass goes on from there.
"""

from __future__ import annotations

import logging

from backend.residents.accounts import Accounts
from backend.residents.claim_ids import ClaimIds
from backend.residents.index_store import Indexes, ResidentIndexStore
from backend.residents.models import Resident, ResidentState
from backend.residents.store import ResidentStore
from backend.security.fields import BlindIndex
from backend.security.key_file import Use
from backend.security.resealing import Batch

log = logging.getLogger(__name__)


class ResidentIndexes:
    """The re-indexing of `residents` and `resident_keys`."""

    name = "residents indexes"
    use: Use = "blind"

    def __init__(
        self,
        accounts: Accounts,
        residents: ResidentStore,
        indexes: ResidentIndexStore,
        claim_ids: ClaimIds,
        blind: BlindIndex,
    ) -> None:
        self._accounts = accounts
        self._residents = residents
        self._indexes = indexes
        self._ids = claim_ids
        self._blind = blind

    def target(self) -> str:
        """The active key."""
        return self._blind.current

    async def batch(self, after: str | None, limit: int) -> Batch:
        """Bring the next people's indexes up to date."""
        people = await self._indexes.page(after, limit)
        changed = sum([await self._renew(person, now) for person, now in people])
        return Batch(people[-1][0].id if len(people) == limit else None, len(people), changed)

    async def made_with(self, kid: str) -> int:
        """People whose indexes are not all made with the active key."""
        after: str | None = None
        count = 0
        while people := await self._indexes.page(after, 500):
            count += sum(not self._is_current(person, now) for person, now in people)
            after = people[-1][0].id
        return count

    async def _renew(self, person: Resident, now: Indexes) -> bool:
        """Whether anything had to be changed."""
        if person.merging_into is not None:
            # An account on its way to a file takes its claims along: let it arrive first.
            await self._accounts.find(person.id)
            return True
        wanted = self._wanted(person, now)
        if wanted == now:
            return await self._tidy(person, now)
        if not await self._add(person, now, wanted):
            return True
        if await self._indexes.switch(person, now, wanted):
            await self._residents.drop_claims([key for key in now.keys if key not in wanted.keys], person.id)
            await self._indexes.note(person, wanted, ())
        return True

    async def _add(self, person: Resident, now: Indexes, wanted: Indexes) -> bool:
        """Claim under the new keys, said beforehand, so that nobody takes the claims for left over."""
        new = [key for key in wanted.keys if key not in now.keys]
        if new and not await self._indexes.note(person, now, new):
            return False
        for key in new:
            claim = await self._residents.claim(key, person.id)
            if claim.resident_id != person.id:
                log.error("claim_of_another", extra={"resident_id": person.id, "other_id": claim.resident_id})
                return False
        return True

    async def _tidy(self, person: Resident, now: Indexes) -> bool:
        """Remove the old claims that a crash left."""
        if not person.other_keys:
            return False
        left = [key for key in person.other_keys if key not in now.keys]
        await self._residents.drop_claims(left, person.id)
        await self._indexes.note(person, now, ())
        return True

    def _is_current(self, person: Resident, now: Indexes) -> bool:
        return not person.other_keys and self._wanted(person, now) == now

    def _wanted(self, person: Resident, now: Indexes) -> Indexes:
        """The same indexes under the active key; only those the person has."""
        if person.state not in (ResidentState.ACCOUNT, ResidentState.FILE):
            return now
        return Indexes(
            phone=self._ids.of_phone(person.phone)[0] if now.phone and person.phone else now.phone,
            id_number=(
                self._ids.of_id_number(person.id_number)[0]
                if now.id_number and person.id_number
                else now.id_number
            ),
            name=self._ids.of_name(person.name) if now.name and person.name else now.name,
            contact=self._ids.of_phone(person.phone)[0] if now.contact and person.phone else now.contact,
            wechat={
                app: self._ids.of_wechat(self._ids.app_of(key), person.wechat[app].openid)[0]
                for app, key in now.wechat.items()
            },
        )
