"""Residents and the claims on their phones, ID numbers and WeChat accounts. Personal data is sealed here.

A claim is an insert into `resident_keys`, whose `_id` is the thing claimed: of many at once, one wins. A
claim counts as long as its resident names it; one that the resident does not name is left over from a step
that was cut short, and gives way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.db.client import Database, Document
from backend.db.gather import GatheredFinds
from backend.residents.id_numbers import IDNumber, Sex
from backend.residents.models import Claim, Resident, ResidentState, Verifier, WeChatApp, WeChatBinding
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, EventKind, pushed

RESIDENTS = "residents"
declare_sealed(
    RESIDENTS,
    "phone",
    "name",
    "id_number",
    "birth_on",
    wechat__mini__openid="wechat.mini",
    wechat__oa__openid="wechat.oa",
)
# Everything of a document that says something about the person.
_PERSONAL = (
    "phone", "phone_key", "name", "name_index", "id_number", "id_key", "sex", "birth_on", "birth_year",
    "wechat", "settings", "merging_into", "other_keys", "last_seen_at",
    "contact_index",
)  # fmt: skip
# What claims a person holds besides is said anew whenever a claim changes (reindexing.py).
_NO_OTHER_KEYS: Document = {"$unset": {"other_keys": ""}}


class ResidentStore:
    """Reads and writes `residents` and `resident_keys`."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._residents = db.collection(RESIDENTS)
        self._finds = GatheredFinds(self._residents)
        self._keys = db.collection("resident_keys")
        self._cipher = cipher

    # -- claims ----------------------------------------------------------------------------------------

    async def find_claim(self, keys: Sequence[str]) -> Claim | None:
        """The claim under any of the ids of one thing."""
        doc = await self._keys.find_one({"_id": {"$in": list(keys)}})
        return _claim(doc) if doc else None

    async def claim(self, key: str, resident_id: str) -> Claim:
        """Claim `key`, or learn who was first."""
        at = clock.now()
        try:
            await self._keys.insert_one({"_id": key, "resident_id": resident_id, "created_at": at})
        except DuplicateKeyError:
            doc = await self._keys.find_one({"_id": key})
            # Dropped again between the two looks: try for it once more.
            return _claim(doc) if doc else await self.claim(key, resident_id)
        return Claim(key, resident_id, at)

    async def drop_claims(self, keys: Sequence[str], resident_id: str) -> None:
        """Free claims, if they are still that resident's."""
        if keys:
            await self._keys.delete_many({"_id": {"$in": list(keys)}, "resident_id": resident_id})

    async def drop_claims_of(self, resident_id: str) -> None:
        """Free every claim of a resident who no longer exists."""
        await self._keys.delete_many({"resident_id": resident_id})

    async def move_claims(self, keys: Sequence[str], from_id: str, to_id: str) -> None:
        """Give claims to another resident."""
        await self._keys.update_many(
            {"_id": {"$in": list(keys)}, "resident_id": from_id}, {"$set": {"resident_id": to_id}}
        )

    # -- reading ---------------------------------------------------------------------------------------

    async def find(self, resident_id: str) -> Resident | None:
        """A resident in any state."""
        doc = await self._finds.find(resident_id)
        return self.read(doc) if doc else None

    async def find_many(self, resident_ids: Iterable[str]) -> dict[str, Resident]:
        """Residents by id; unknown ids are left out."""
        docs = self._residents.find({"_id": {"$in": list(resident_ids)}})
        return {doc["_id"]: self.read(doc) async for doc in docs}

    # -- writing ---------------------------------------------------------------------------------------

    async def add_account(self, resident_id: str, phone: str, phone_key: str) -> Resident:
        """The account behind a phone's claim, made if this is the first log-in."""
        return await self._add(
            resident_id,
            {
                "state": ResidentState.ACCOUNT,
                "phone": self._seal(resident_id, "phone", phone),
                "phone_key": phone_key,
                "real_name": False,
                "last_seen_at": clock.now(),
            },
        )

    async def add_file(
        self,
        resident_id: str,
        name: str,
        name_index: str,
        number: IDNumber,
        id_key: str,
        verified_by: Verifier,
        contact: tuple[str, str] | None,
    ) -> Resident:
        """The file behind an ID number's claim, made if the person is new. `contact`: phone and its index."""
        fields: Document = {"state": ResidentState.FILE, "real_name": False}
        if contact is not None:
            # Somebody gave it for this person: good for messages, no proof for a log-in, so not claimed.
            fields |= self._contact(resident_id, *contact)
        identity = self._identity(resident_id, name, name_index, number, id_key, verified_by)
        return await self._add(resident_id, fields | identity)

    async def set_identity(
        self, resident: Resident, name: str, name_index: str, number: IDNumber, id_key: str
    ) -> bool:
        """Write verified name and number into an account; false when the account has changed meanwhile."""
        fields = self._identity(resident.id, name, name_index, number, id_key, Verifier.REGISTER)
        change = pushed(_verified(resident.id)) | _NO_OTHER_KEYS
        change["$set"] |= fields | {"real_name": True}
        return await self._update(_unmoved(resident) | {"real_name": False}, change)

    async def correct_file(self, resident_id: str, name: str, name_index: str) -> None:
        """Put the name that the register confirmed in place of the one a hospital typed."""
        fields = {
            "name": self._seal(resident_id, "name", name),
            "name_index": name_index,
            "verified_by": Verifier.REGISTER,
        }
        await self._update({"_id": resident_id, "state": ResidentState.FILE}, {"$set": fields})

    async def set_phone(self, resident: Resident, phone: str, phone_key: str) -> bool:
        """Change the phone, if nobody else has changed it meanwhile."""
        return await self._update(
            _unmoved(resident) | {"phone_key": resident.phone_key},
            {"$set": {"phone": self._seal(resident.id, "phone", phone), "phone_key": phone_key}}
            | _NO_OTHER_KEYS,
        )

    async def swap_wechat(
        self, resident: Resident, app: WeChatApp, binding: WeChatBinding
    ) -> tuple[bool, str | None]:
        """Bind a WeChat account; whether that was possible, and the key of the one bound before."""
        before = await self._residents.find_one_and_update(
            _unmoved(resident),
            {"$set": {f"wechat.{app}": self._binding(resident.id, app, binding), "updated_at": clock.now()}}
            | _NO_OTHER_KEYS,
            projection={"wechat": 1},
        )
        if before is None:
            return False, None
        replaced = before.get("wechat", {}).get(app, {}).get("key")
        return True, replaced if replaced != binding.key else None

    async def note_following(self, resident: Resident, key: str, *, follows: bool, at: datetime) -> None:
        """Whether the official account is followed; nothing for what is older than what is known."""
        known = {"wechat.oa.key": key, "wechat.oa.told_at": {"$not": {"$gt": at}}}
        told = {"wechat.oa.left": not follows, "wechat.oa.told_at": at}
        await self._update({"_id": resident.id, **known}, {"$set": told})

    async def release_phone(self, resident: Resident, event: Event) -> bool:
        """Take the phone off an account, if it is still the same; everything else stays."""
        change = pushed(event)
        change["$unset"] = _unset(("phone", "phone_key", "other_keys"))
        return await self._update(_unmoved(resident) | {"phone_key": resident.phone_key}, change)

    async def set_file_phone(self, resident_id: str, phone: str, index: str) -> None:
        """Where the person of a file is told; an account has its own phone."""
        await self._update(
            {"_id": resident_id, "state": ResidentState.FILE},
            {"$set": self._contact(resident_id, phone, index)},
        )

    async def list_by_contact(self, indexes: Sequence[str], limit: int) -> list[str]:
        """Ids of files whose person is told by this phone; a family may share one."""
        query = {"contact_index": {"$in": list(indexes)}, "state": ResidentState.FILE}
        docs = await self._residents.find(query, {"_id": 1}).sort("_id", 1).limit(limit).to_list(None)
        return [doc["_id"] for doc in docs]

    async def set_seen(self, resident_id: str) -> None:
        """The holder of an account is here."""
        await self._update(
            {"_id": resident_id, "state": ResidentState.ACCOUNT}, {"$set": {"last_seen_at": clock.now()}}
        )

    async def set_large_type(self, resident_id: str, large_type: bool) -> None:
        """Keep a display setting."""
        await self._update({"_id": resident_id}, {"$set": {"settings.large_type": large_type}})

    async def erase(self, resident_id: str, event: Event) -> bool:
        """Delete the account: nothing about the person stays, the id remains as a tombstone."""
        return await self._erase(resident_id, ResidentState.ACCOUNT, event)

    async def _erase(self, resident_id: str, state: ResidentState, event: Event) -> bool:
        change = pushed(event)
        change["$set"] |= {
            "state": ResidentState.DELETED,
            "deleted_at": clock.now(),
            "real_name": False,
        }
        return await self._update(
            {"_id": resident_id, "state": state}, change | {"$unset": _unset(_PERSONAL)}
        )

    async def list_old_files(self, before: datetime, limit: int) -> list[str]:
        """Ids of files made so long ago that are to be looked at, in no order."""
        query = {
            "state": ResidentState.FILE,
            "created_at": {"$lt": before},
            "look_again_at": {"$not": {"$gt": clock.now()}},
        }
        docs = await self._residents.find(query, {"_id": 1}).limit(limit).to_list(None)
        return [doc["_id"] for doc in docs]

    async def look_again(self, resident_id: str, at: datetime) -> None:
        """The file is still needed; nobody need look at it before."""
        await self._update({"_id": resident_id, "state": ResidentState.FILE}, {"$set": {"look_again_at": at}})

    async def erase_file(self, resident_id: str, event: Event) -> bool:
        """Delete a file as an account is deleted; false when it has become one meanwhile."""
        return await self._erase(resident_id, ResidentState.FILE, event)

    # -- moving an account to the file of the same person ----------------------------------------------

    async def begin_merge(self, account_id: str, file_id: str) -> bool:
        """Note on the account where it is going, so that whoever finds it half way can finish."""
        return await self._update(
            {
                "_id": account_id,
                "state": ResidentState.ACCOUNT,
                "real_name": False,
                "merging_into": {"$in": [None, file_id]},
            },
            {"$set": {"merging_into": file_id}},
        )

    async def abandon_merge(self, account_id: str) -> None:
        """The file went to somebody else."""
        await self._update(
            {"_id": account_id, "state": ResidentState.ACCOUNT}, {"$set": {"merging_into": None}}
        )

    async def take_file(self, account: Resident, file_id: str) -> bool:
        """Make the file the person's account, with everything the old account had. One taker wins."""
        fields: Document = {
            "state": ResidentState.ACCOUNT,
            "real_name": True,
            "verified_by": Verifier.REGISTER,
            "taken_from": account.id,
            "last_seen_at": clock.now(),
            "phone": self._seal(file_id, "phone", account.phone or ""),
            "phone_key": account.phone_key,
            "settings": {"large_type": account.large_type},
            "wechat": {app: self._binding(file_id, app, bound) for app, bound in account.wechat.items()},
        }
        # An account is found by the claim on its phone.
        change = pushed(_verified(file_id)) | {
            "$unset": _unset(("other_keys", "contact_index", "contact_at"))
        }
        change["$set"] |= fields
        return await self._update({"_id": file_id, "state": ResidentState.FILE}, change)

    async def end_merge(self, account_id: str, file_id: str) -> None:
        """Leave a signpost where the account was."""
        await self._update(
            {"_id": account_id, "state": ResidentState.ACCOUNT, "merging_into": file_id},
            {
                "$set": {"state": ResidentState.MERGED, "merged_into": file_id},
                "$unset": _unset(_PERSONAL),
            },
        )

    # -- documents -------------------------------------------------------------------------------------

    async def _add(self, resident_id: str, fields: Document) -> Resident:
        at = clock.now()
        try:
            doc = await self._residents.find_one_and_update(
                {"_id": resident_id},
                {"$setOnInsert": fields | {"created_at": at, "updated_at": at}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            doc = await self._residents.find_one({"_id": resident_id})
        if doc is None:
            raise LookupError(f"resident {resident_id} vanished")
        return self.read(doc)

    async def _update(self, which: Document, change: Document) -> bool:
        set_fields = change.get("$set", {}) | {"updated_at": clock.now()}
        result = await self._residents.update_one(which, change | {"$set": set_fields})
        return result.matched_count == 1

    def _identity(
        self,
        resident_id: str,
        name: str,
        name_index: str,
        number: IDNumber,
        id_key: str,
        verified_by: Verifier,
    ) -> Document:
        return {
            "name": self._seal(resident_id, "name", name),
            "name_index": name_index,
            "id_number": self._seal(resident_id, "id_number", number.text),
            "id_key": id_key,
            # Sex and year of birth are coarse enough to count by; the day of birth is sealed.
            "sex": number.sex,
            "birth_year": number.birth_on.year,
            "birth_on": self._seal(resident_id, "birth_on", number.birth_on.isoformat()),
            "verified_by": verified_by,
            "verified_at": clock.now(),
        }

    def _contact(self, resident_id: str, phone: str, index: str) -> Document:
        sealed = self._seal(resident_id, "phone", phone)
        return {"phone": sealed, "contact_index": index, "contact_at": clock.now()}

    def _binding(self, resident_id: str, app: WeChatApp, binding: WeChatBinding) -> Document:
        sealed = self._seal(resident_id, f"wechat.{app}", binding.openid)
        return {"key": binding.key, "openid": sealed, "left": binding.left}

    def _seal(self, resident_id: str, field: str, text: str) -> Document:
        return self._cipher.seal(RESIDENTS, field, resident_id, text)

    def read(self, doc: Document) -> Resident:
        """A document opened."""

        def opened(field: str, sealed: Any) -> str | None:
            return self._cipher.open(RESIDENTS, field, doc["_id"], sealed) if sealed else None

        birth_on = opened("birth_on", doc.get("birth_on"))
        sex, verified_by = doc.get("sex"), doc.get("verified_by")
        wechat = {
            WeChatApp(app): WeChatBinding(
                bound["key"], opened(f"wechat.{app}", bound["openid"]) or "", bound.get("left", False)
            )
            for app, bound in doc.get("wechat", {}).items()
        }
        return Resident(
            id=doc["_id"],
            state=ResidentState(doc["state"]),
            created_at=doc["created_at"],
            phone=opened("phone", doc.get("phone")),
            phone_key=doc.get("phone_key"),
            name=opened("name", doc.get("name")),
            id_number=opened("id_number", doc.get("id_number")),
            id_key=doc.get("id_key"),
            sex=Sex(sex) if sex else None,
            birth_on=date.fromisoformat(birth_on) if birth_on else None,
            real_name=doc["real_name"],
            verified_by=Verifier(verified_by) if verified_by else None,
            wechat=wechat,
            large_type=doc.get("settings", {}).get("large_type", False),
            merged_into=doc.get("merged_into"),
            merging_into=doc.get("merging_into"),
            taken_from=doc.get("taken_from"),
            other_keys=tuple(doc.get("other_keys", ())),
            last_seen_at=doc.get("last_seen_at"),
            contact_at=doc.get("contact_at"),
        )


def _claim(doc: Document) -> Claim:
    created_at: datetime = doc["created_at"]
    return Claim(doc["_id"], doc["resident_id"], created_at)


def _verified(resident_id: str) -> Event:
    return Event(EventKind.RESIDENT_VERIFIED, {"resident_id": resident_id})


def _unmoved(resident: Resident) -> Document:
    """An account that is not on its way to a file: what is written there would be lost."""
    return {"_id": resident.id, "state": ResidentState.ACCOUNT, "merging_into": None}


def _unset(fields: Iterable[str]) -> Document:
    return dict.fromkeys(fields, "")
