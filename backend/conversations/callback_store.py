"""The `seen_callbacks` and `put_off_messages` collections: what channels brought lately."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import orjson
from pymongo.errors import DuplicateKeyError

from backend import clock
from backend.conversations.models import PutOff, Sight, Through
from backend.db.client import Database, Document
from backend.security.fields import FieldCipher
from backend.security.lasting import declare_sealed
from backend.worker.events import Event, EventKind, embedded

declare_sealed("put_off_messages", "content")
# Marks what was answered where it came in, and by no worker.
_TOLD = "told"


class CallbackStore:
    """Remembers stamps for some minutes, and messages until they are answered."""

    def __init__(self, db: Database, cipher: FieldCipher) -> None:
        self._seen = db.collection("seen_callbacks")
        self._put_off = db.collection("put_off_messages")
        self._cipher = cipher

    async def see(self, stamp: str, what: str) -> Sight:
        """Note a callback."""
        key, digest = _digest(stamp), _digest(what)
        try:
            await self._seen.insert_one({"_id": key, "what": digest, "seen_at": clock.now()})
        except DuplicateKeyError:
            known = await self._seen.find_one({"_id": key})
            return Sight.AGAIN if known is None or known["what"] == digest else Sight.FORGED
        return Sight.FIRST

    async def put_off(self, message: PutOff) -> bool:
        """Keep a message with the event that has it answered; keeping it again changes nothing.

        False when it was told at once: of the two, whichever was written first is what happens.
        """
        key = _key(message)
        more = embedded(Event(EventKind.CHAT_PUT_OFF, {"message_id": key}))
        return not await self._decide(key, message, more)

    async def tell_at_once(self, message: PutOff) -> bool:
        """Note that a message is answered where it came in; False when it was put off before."""
        # The words are of no more use.
        return await self._decide(_key(message), replace(message, text=""), {_TOLD: True})

    async def _decide(self, key: str, message: PutOff, more: Document) -> bool:
        """Write down how a message is answered, unless it stands already; whether it is told at once."""
        content = orjson.dumps([message.address, message.id, message.text]).decode()
        document = {
            "_id": key,
            "through": str(message.through),
            "content": self._cipher.seal("put_off_messages", "content", key, content),
            "at": clock.now(),
            **more,
        }
        try:
            await self._put_off.insert_one(document)
        except DuplicateKeyError:
            found = await self._put_off.find_one({"_id": key}, {_TOLD: 1})
            return _TOLD in (found or {})
        return _TOLD in more

    async def find_put_off(self, key: str) -> PutOff | None:
        """A message that was put off."""
        doc = await self._put_off.find_one({"_id": key, _TOLD: None})
        if doc is None:
            return None
        content = self._cipher.open("put_off_messages", "content", key, doc["content"])
        address, message_id, text = orjson.loads(content)
        return PutOff(Through(doc["through"]), address, message_id, text)


def _key(message: PutOff) -> str:
    return _digest(f"{message.through}|{message.address}|{message.id}")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
