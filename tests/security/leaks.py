"""Looking for what must not be there: every secret, in every form in which it might hide."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import bson

from backend.db.client import Database

# Hashes without a key are no protection for what can be counted through: phones, ID numbers, names. A random
# token's hash is.
_DIGESTS = tuple(sorted({"md5", "sha1", "sha256", "sha512", "sm3"} & hashlib.algorithms_available))


class Scan:
    """The secrets of a test, ready to be looked for; `random` names those that nobody can guess."""

    def __init__(self, secrets: dict[str, str], random: Iterable[str] = ()) -> None:
        unguessable = set(random)
        self._forms = [
            (label, form)
            for label, text in secrets.items()
            for form in forms_of(text, hashed=label not in unguessable)
        ]
        self._short = [
            (label, re.compile(rb"(?<![0-9A-Za-z])" + text.encode() + rb"(?![0-9A-Za-z])"))
            for label, text in secrets.items()
            if is_short(text)
        ]

    def found_in(self, where: str, content: bytes) -> set[str]:
        """What of the secrets is in `content`, and in which form."""
        found = {f"{label} as {how} in {where}" for label, (how, form) in self._forms if form in content}
        return found | {f"{label} in {where}" for label, pattern in self._short if pattern.search(content)}


def is_short(text: str) -> bool:
    """Six digits turn up in any longer number: they only count standing alone."""
    return len(text) < 8 and text.isascii()


def forms_of(text: str, *, hashed: bool = True) -> Iterator[tuple[str, bytes]]:
    """A secret in the forms in which it might have been written."""
    if is_short(text):
        return
    for spelling in dict.fromkeys((text, text.upper(), text.lower())):
        yield "text", spelling.encode()
        yield "UTF-16", spelling.encode("utf-16-le")
        yield "a quoted part of an address", quote(spelling, safe="").encode()
        if not spelling.isascii():
            yield "GB 18030", spelling.encode("gb18030")
            yield "escaped JSON", spelling.encode("unicode_escape")
        yield from _packed("", spelling.encode())
        for name in _DIGESTS if hashed else ():
            digest = hashlib.new(name, spelling.encode(), usedforsecurity=False).digest()
            yield f"raw {name}", digest
            yield from _packed(f"{name} ", digest)


def _packed(what: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"{what}hex", raw.hex().encode()
    yield f"{what}HEX", raw.hex().upper().encode()
    for offset in range(3):
        # Within a longer base64 text the first and last characters depend on the neighbours.
        packed = base64.b64encode(b"\0" * offset + raw)
        kept = packed[-(-offset * 4 // 3) :].rstrip(b"=")
        kept = kept if (offset + len(raw)) % 3 == 0 else kept[:-1]
        yield f"{what}base64", kept
        yield f"{what}base64url", kept.translate(bytes.maketrans(b"+/", b"-_"))


async def dump(db: Database) -> dict[str, bytes]:
    """Every document of every collection, as it lies on the disk."""
    names = await db.native.list_collection_names()
    return {name: await _dumped(db, name) for name in names}


async def _dumped(db: Database, name: str) -> bytes:
    batches: Any = db.native[name].find_raw_batches()
    return b"".join([batch async for batch in batches])


async def history(db: Database, since: Any) -> bytes:
    """Every write to this database since an instant: what was overwritten or deleted is in there too."""
    written = []
    async for entry in db.client["local"]["oplog.rs"].find({"ts": {"$gt": since}}):
        parts = entry["o"].get("applyOps", [entry]) if isinstance(entry.get("o"), dict) else [entry]
        written += [bson.encode(part) for part in parts if part.get("ns", "").startswith(f"{db.name}.")]
    return b"".join(written)


async def history_begins(db: Database) -> Any:
    """The present end of the history."""
    last = await db.client["local"]["oplog.rs"].find_one(sort=[("$natural", -1)])
    assert last is not None
    return last["ts"]


async def dump_redis(redis: Any) -> dict[str, bytes]:
    """Every key of a Redis, with all that is under it."""
    readers = {
        b"string": lambda key: redis.get(key),
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": lambda key: redis.smembers(key),
        b"hash": lambda key: redis.hgetall(key),
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"stream": lambda key: redis.xrange(key),
    }
    found = {}
    async for key in redis.scan_iter():
        value = await readers[await redis.type(key)](key)
        found[key.decode(errors="replace")] = key + b"\n" + b"\n".join(_flat(value))
    return found


def _flat(value: Any) -> Iterable[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _flat([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set):
        for part in value:
            yield from _flat(part)
